"""Prints how pictures would go through a network."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_HEADINGS = ("segment", "nodes", "tile", "tiles", "halo", "work", "live MiB", "file MiB", "used MiB", "seconds")
"""Work: multiplications by those without overlap. Live, file: tensors between segments; used: by the segment itself."""


def print_plan(document: Mapping[str, Any], console: Console) -> bool:
    """Print each size's plan as a table; return whether one is not exact or does not fit."""
    wrong = False
    for size in document["sizes"]:
        inside = f"{size['nodes']} nodes, {size['global_reductions']} global reductions"
        console.print(Text(f"{size['height']} x {size['width']} pixels: {inside}", style="bold"))
        if size["not_tileable"]:
            wrong = True
            _print_not_tileable(size["not_tileable"], console)
        elif "refused" in size:
            wrong = True
            console.print(Text(f"  {size['refused']}", style="red"))
        else:
            _print_segments(size, console)
    return wrong


def _print_not_tileable(not_tileable: list[dict[str, str]], console: Console) -> None:
    console.print(Text("  not exact in parts: whole where memory suffices, else blended and labelled", style="yellow"))
    for one in not_tileable:
        console.print(Text(f"  {one['op']} ({one['node']}): {one['why']}"))


def _print_segments(size: Mapping[str, Any], console: Console) -> None:
    console.print(Text("  every node is exact"))
    for words, of in (("expected", size), ("untiled, as exported", size["untiled"])):
        widest = of["largest_map"]["bytes_per_pixel"]
        figures = f"{of['seconds']:.1f} s, {_mib(of['peak_bytes'])}, largest map {widest:.0f} bytes per pixel"
        console.print(Text(f"  {words}: {figures}"))
    table = Table(box=None, pad_edge=True, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for number, one in enumerate(size["segments"], start=1):
        table.add_row(
            str(number),
            str(one["nodes"]),
            "whole" if one["tile"] is None else str(one["tile"]),
            "{} x {}".format(*one["tiles"]),
            str(one["halo"]),
            f"{one['share']:.2f}",
            *(f"{one[of] / 2**20:,.0f}" for of in ("live_bytes", "filed_bytes", "work_bytes")),
            f"{one['seconds']:.1f}",
        )
    console.print(table)


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"

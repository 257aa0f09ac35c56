"""Prints how pictures would go through a network."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_HEADINGS = ("segment", "nodes", "tile", "tiles", "halo", "work", "held MiB", "file MiB", "used MiB", "seconds")
"""Work: multiplications by those without overlap. Held, file: maps between segments; used: by the segment itself."""


def print_plan(document: Mapping[str, Any], console: Console) -> bool:
    """Print each size's plan as a table; return whether one is not exact or does not fit."""
    wrong = False
    for size in document["sizes"]:
        title = f"{size['height']} x {size['width']} pixels: {size['nodes']} nodes, {size['barriers']} barriers"
        console.print(Text(title, style="bold"))
        if size["unplaced"]:
            wrong = True
            _print_unplaced(size["unplaced"], console)
        elif "refused" in size:
            wrong = True
            console.print(Text(f"  {size['refused']}", style="red"))
        else:
            _print_segments(size, console)
    return wrong


def _print_unplaced(unplaced: list[dict[str, str]], console: Console) -> None:
    console.print(Text("  not exact in parts: whole where memory suffices, else blended and labelled", style="yellow"))
    for one in unplaced:
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
            *(f"{one[of] / 2**20:,.0f}" for of in ("held_bytes", "filed_bytes", "work_bytes")),
            f"{one['seconds']:.1f}",
        )
    console.print(table)


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"

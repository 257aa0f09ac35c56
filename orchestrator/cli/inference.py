"""Prints how pictures would go through a network."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.spec.plain_words import count
from stagekit.results.plan import NotTileable, PlanFile, SizePlan

_HEADINGS = ("segment", "nodes", "tile", "tiles", "halo", "work", "live MiB", "file MiB", "used MiB", "seconds")
"""Work: multiplications by those without overlap. Live, file: tensors between segments; used: by the segment itself."""


def print_plan(plan: PlanFile, console: Console) -> bool:
    """Print each size's plan as a table; return whether one is not exact or does not fit."""
    wrong = False
    for size in plan.sizes:
        heading = f"{size.height} x {size.width} pixels"
        if not size.not_tileable:  # else not all were counted
            heading += f": {count(size.nodes, 'node')}, {count(size.global_reductions, 'global reduction')}"
        console.print(Text(heading, style="bold"))
        if size.padded_to is not None:
            words = (
                f"it takes multiples of {size.padded_to} pixels: the last row and column are repeated, answers cropped"
            )
            console.print(Text(f"  {words}", style="yellow"))
        if size.not_tileable:
            wrong = True
            _print_not_tileable(size.not_tileable, console)
        elif size.refused is not None:
            wrong = True
            console.print(Text(f"  {size.refused}", style="red"))
        else:
            _print_segments(size, console)
    return wrong


def _print_not_tileable(not_tileable: tuple[NotTileable, ...], console: Console) -> None:
    console.print(Text("  not exact in parts: whole where memory suffices, else blended and labelled", style="yellow"))
    for operation in not_tileable:
        console.print(Text(f"  {operation.op} ({operation.node}): {operation.why}"))


def _print_segments(size: SizePlan, console: Console) -> None:
    console.print(Text("  every node is exact"))
    for words, cost in (("expected", size), ("untiled, as exported", size.untiled)):
        if cost is not None and cost.largest_map is not None:
            widest = cost.largest_map.bytes_per_pixel
            figures = f"{cost.seconds:.1f} s, {_mib(cost.peak_bytes or 0)}, largest map {widest:.0f} bytes per pixel"
            console.print(Text(f"  {words}: {figures}"))
    table = Table(box=None, pad_edge=True, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for number, segment in enumerate(size.segments, start=1):
        table.add_row(
            str(number),
            str(segment.nodes),
            "whole" if segment.tile is None else str(segment.tile),
            "{} x {}".format(*segment.tiles),
            str(segment.halo),
            f"{segment.share:.2f}",
            *(f"{count / 2**20:,.0f}" for count in (segment.live_bytes, segment.filed_bytes, segment.work_bytes)),
            f"{segment.seconds:.1f}",
        )
    console.print(table)


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"

"""What is in a store, as tables and as plain values."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from orchestrator.spec.plain_words import count
from orchestrator.store.check import Check
from orchestrator.store.clean import Cleaned, Removable
from orchestrator.store.pack_form import PackIndex
from orchestrator.store.unpack import Unpacked
from orchestrator.store.usage import Usage


def check_rows(found: Check) -> dict[str, Any]:
    """Return what came of a check as plain values."""
    return {**dataclasses.asdict(found), "sound": found.sound, "runs": list(found.runs)}


def print_check(found: Check, console: Console) -> None:
    """Print what came of a check: what is wrong, and who needs it."""
    for finding in found.findings:
        stage = finding.stage or "a result"
        console.print(
            Text.assemble(("damaged" if finding.damaged else "untidy", "bold red" if finding.damaged else "yellow"))
            + Text(f"  {stage}, {finding.key[:12]}")
        )
        for fault in finding.faults:
            console.print(Text(f"         {fault}"))
        if finding.runs:
            console.print(Text(f"         needed by: {', '.join(finding.runs)}"))
        if finding.done:
            console.print(Text(f"         {finding.done}"))
    for path in found.foreign:
        console.print(Text.assemble(("foreign", "yellow"), f"  {path} is no result"))
    for key in found.busy:
        console.print(Text(f"  busy   {key[:12]} is being made"))
    rate = f", {decimal(int(found.bytes / found.seconds))}/s" if found.seconds > 1 else ""
    console.print(
        f"{count(found.results, 'result')}, {count(found.files, 'file')}, {decimal(found.bytes)} read{rate}",
        highlight=False,
    )
    if not found.sound:
        console.print("not sound: set damaged results aside with: sirr-orch store check --repair")
    elif found.runs:
        console.print(f"set aside; made again by running: {', '.join(found.runs)}")
    else:
        console.print("sound" if not found.findings else "set aside; no run needs them")


def usage_rows(found: Usage) -> dict[str, Any]:
    """Return what fills a store as plain values."""
    return dataclasses.asdict(found)


def print_usage(found: Usage, console: Console) -> None:
    """Print what fills a store."""
    runs = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("run", "results", "own", "shared", "record and logs"):
        runs.add_column(title, justify="left" if title == "run" else "right")
    for name, run in found.runs.items():
        runs.add_row(Text(name), str(run.results), decimal(run.own), decimal(run.shared), decimal(run.other))
    if found.runs:
        console.print(runs)
        console.print()
    for title, sizes in (
        ("kind of stage", found.kinds),
        ("dataset", found.datasets),
        ("environment", found.environments),
        ("room", found.rooms),
    ):
        if any(sizes.values()):
            console.print(_sizes(title, sizes))
            console.print()
    console.print(f"{decimal(found.total)} in all, {decimal(found.free)} free on the disk")
    if found.shared:
        console.print(f"{decimal(found.shared)} of results that several runs need, counted once")
    console.print(f"{decimal(found.unneeded)} of results that no run needs (sirr-orch store clean removes them)")


def print_removables(listed: Sequence[Removable], console: Console) -> None:
    """Print what can go, and how much that is."""
    if not listed:
        console.print("nothing to remove")
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for one in listed:
        table.add_row(Text(one.kind), decimal(one.bytes), Text(f"{one.words}  {one.path.name if not one.key else ''}"))
    console.print(table)
    console.print(f"{len(listed)} to remove, {decimal(sum(one.bytes for one in listed))}")


def print_cleaned(done: Cleaned, console: Console) -> None:
    """Print what was removed."""
    console.print(f"removed {len(done.removed)}, {decimal(done.bytes)} are free now")
    if done.left:
        console.print(f"{len(done.left)} stayed: somebody needs or uses them by now")


def print_pack(index: PackIndex, target: Path, console: Console) -> None:
    """Print what a pack holds."""
    console.print(f"packed: {target} ({decimal(target.stat().st_size)})", soft_wrap=True)
    console.print(_contents(index))


def print_unpacked(done: Unpacked, console: Console) -> None:
    """Print what came out of a pack, and how to go on."""
    console.print(f"unpacked: {_contents(done.index)}")
    if done.kept:
        console.print(f"{count(len(done.kept), 'result was', 'results were')} there already")
    for name in done.runs:
        console.print(f"next: sirr-orch report {name}")


def _contents(index: PackIndex) -> str:
    counts = (
        (len(index.runs), "run"),
        (len(index.artifacts), "result"),
        (len(index.staging), "stopped stage"),
        (len(index.environments), "environment"),
        (len(index.images), "image"),
        (len(index.data), "dataset"),
    )
    return ", ".join(count(number, word) for number, word in counts if number)


def _sizes(title: str, sizes: Mapping[str, int]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title)
    table.add_column("on disk", justify="right")
    for name, size in sizes.items():
        if size:
            table.add_row(Text(name), decimal(size))
    return table

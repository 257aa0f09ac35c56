"""The table of programs that run."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.execute.programs import Activity, StageProgram


def program_rows(programs: Sequence[StageProgram]) -> list[dict[str, Any]]:
    """Return programs as plain values."""
    return [
        {
            "stage": one.job.stage or None,
            "run": one.job.run or None,
            "key": one.job.key,
            "engine": one.job.engine,
            "started": one.job.started,
            "memory_bytes": one.job.running.memory_bytes(),
            "followed_by": None if one.follower is None else {"host": one.follower.host, "pid": one.follower.pid},
        }
        for one in programs
    ]


def print_activity(found: Activity, store: Path, console: Console) -> None:
    """Print one line for each program, and one for each run that follows none."""
    if found == Activity():
        console.print(f"no program of the stages of the store {store.absolute()} runs")
    if found.programs:
        _print_programs(found.programs, console)
    for process in found.waiting:
        words = f"the run {process.run} follows no program now: process {process.holder.pid} on {process.holder.host}"
        console.print(words, markup=False, soft_wrap=True)


def _print_programs(programs: Sequence[StageProgram], console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("stage", "run", "engine", "for", "memory", "key", "followed by"):
        table.add_column(title, overflow="fold", no_wrap=title in {"stage", "key"})
    for one in programs:
        held = one.job.running.memory_bytes()
        table.add_row(
            Text(one.title, style="bold"),
            Text(one.job.run or "-"),
            Text(one.job.engine),
            Text(_for(one.job.started)),
            Text("-" if held is None else f"{held / 2**20:.0f} MiB"),
            Text(one.job.key[:12], style="dim"),
            _follower(one),
        )
    console.print(table, soft_wrap=False, crop=False)


def _follower(program: StageProgram) -> Text:
    if program.follower is None:
        return Text("nobody: the next run that needs it takes it over", style="yellow")
    return Text(f"process {program.follower.pid} on {program.follower.host}")


def _for(started: float | None) -> str:
    if started is None:
        return "-"
    minutes, seconds = divmod(max(0, round(time.time() - started)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"

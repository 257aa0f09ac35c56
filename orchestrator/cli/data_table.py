"""What `sirr-orch data` shows: tables, rows for scripts, bars."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from orchestrator.cli.console import err
from orchestrator.datasets.raw.dataset_checks import DatasetFinding
from orchestrator.execute.data import Reporter, SetState
from orchestrator.spec.plain_words import count

_STATES = {"prepared": "green", "raw": "yellow", "missing": "dim", "built in": "green"}
_SEVERITIES = {"ok": "green", "note": "cyan", "warning": "yellow", "error": "bold red"}


def set_rows(states: Sequence[SetState]) -> list[dict[str, Any]]:
    """Return datasets as plain values."""
    plain = ("name", "title", "use", "scenes", "state", "variant", "remedy")
    return [
        {
            **{name: getattr(state, name) for name in plain},
            "published": None if state.published is None else state.published.model_dump(mode="json"),
        }
        for state in states
    ]


def print_sets(states: Sequence[SetState], console: Console) -> None:
    """Print each dataset with its state, address and terms, and for those that are wanting the next command."""
    for state in states:
        unknown = "" if state.published is None else ", number of scenes unknown"
        scenes = unknown if state.scenes is None else f", {count(state.scenes, 'scene')}"
        about = f"  ({state.title}; {state.use}{scenes})"
        console.print(Text.assemble((f"{state.state:>8}", _STATES[state.state]), "  ", (state.name, "bold"), about))
        if state.variant:
            console.print(Text(f"          {state.variant}", style="dim"))
        if state.published is not None:
            console.print(Text(f"          {state.published.address}; terms: {state.published.terms}", style="dim"))
        if state.remedy:
            console.print(Text(f"          {state.remedy}", style="cyan"))


def finding_rows(findings: Sequence[DatasetFinding]) -> list[dict[str, Any]]:
    """Return findings as plain values."""
    return [asdict(finding) for finding in findings]


def print_findings(findings: Sequence[DatasetFinding], console: Console) -> None:
    """Print a row for every check."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for overflow in ("ellipsis", "ellipsis", "fold"):
        table.add_column(overflow=overflow)
    for finding in findings:
        several = f" ({len(finding.scenes)} scenes)" if len(finding.scenes) > 1 else ""
        table.add_row(
            Text(finding.severity, style=_SEVERITIES[finding.severity]),
            Text(finding.check, style="bold"),
            Text(finding.message + several),
        )
    console.print(table, soft_wrap=False)


@contextmanager
def bars() -> Iterator[Reporter]:
    """Give what shows a bar for bytes and one for pictures while they are under way."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=err, transient=True)
    try:
        yield _Bars(progress)
    finally:
        progress.stop()


class _Bars(Reporter):
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def sentence(self, text: str) -> None:
        self._progress.console.print(text)

    def bytes(self, done: int, total: int | None) -> None:
        whole = "" if total is None else f" of {total / 1e6:.0f}"
        self._move("bytes", done, total, f"{done / 1e6:.0f}{whole} MB")

    def pictures(self, done: int, total: int) -> None:
        self._move("pictures", done, total, f"{done} of {total}")

    def _move(self, what: str, done: int, total: int | None, amount: str) -> None:
        if what not in self._tasks:
            self._progress.start()
            self._tasks[what] = self._progress.add_task(what, total=total, amount=amount)
        self._progress.update(self._tasks[what], completed=done, total=total, amount=amount)

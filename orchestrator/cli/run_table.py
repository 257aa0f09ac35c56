"""Tables of runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.execute.run_list import RunDescription, RunSummary
from orchestrator.spec.plain_words import count
from orchestrator.store.opened import OTHER_STORE_OPTION
from orchestrator.store.run_document import RunDocument
from orchestrator.store.run_entries import AUTHORS, ONNX, PREDICTIONS, PROGRAM, DatasetEntry, EntrantEntry

_STYLES = {
    "running": "bold cyan",
    "complete": "green",
    "failed": "bold red",
    "partial": "yellow",
    "unreadable": "bold red",
    "skipped": "yellow",
    "cancelled": "yellow",
}


def run_rows(runs: Sequence[RunSummary]) -> list[dict[str, Any]]:
    """Return runs as plain values."""
    return [
        {
            "name": run.name,
            "revision": run.revision,
            "updated": None if run.updated is None else run.updated.isoformat(timespec="seconds"),
            "state": run.state,
            "networks": list(run.networks),
            "test": list(run.test),
            "problem": run.problem,
        }
        for run in runs
    ]


def print_runs(runs: Sequence[RunSummary], store: Path, console: Console) -> None:
    """Print one line for each run of the store in a folder."""
    if not runs:
        console.print(f"the store {store} has no run; run: sirr-orch run SPEC; or {OTHER_STORE_OPTION}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("run", "revision", "written", "state", "networks", "test sets"):
        table.add_column(title, overflow="fold", no_wrap=title in {"run", "written"})
    for run in runs:
        written = "-" if run.updated is None else f"{run.updated.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(
            Text(run.name, style="bold"),
            Text(str(run.revision or "-")),
            Text(written),
            Text(run.state, style=_STYLES[run.state]),
            Text(", ".join(run.networks) or run.problem),
            Text(", ".join(run.test)),
        )
    console.print(table, soft_wrap=False, crop=False)


def print_run(run: RunDescription, console: Console) -> None:
    """Print a run's document in words, and its stages."""
    facts = Table(box=None, pad_edge=False, show_header=False)
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")
    for name, text in _facts(run):
        facts.add_row(Text(name), Text(text))
    console.print(facts, soft_wrap=False, crop=False)
    stages = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("stage", "state", "key", "in the store", "why"):
        stages.add_column(title, overflow="fold", no_wrap=title != "why", min_width=24 if title == "why" else None)
    for stage in run.stages:
        stages.add_row(
            Text(stage.name),
            Text(stage.state, style=_STYLES.get(stage.state, "")),
            Text((stage.key or "-")[:12], style="dim"),
            Text("yes" if stage.here else "no", style="" if stage.here else "yellow"),
            Text(stage.why),
        )
    console.print()
    console.print(stages, soft_wrap=False, crop=False)


def _facts(run: RunDescription) -> list[tuple[str, str]]:
    document = run.document
    latest = "" if document.revision == run.revisions[-1] else ", not the latest"
    others = ", ".join(f"{document.name}@{number}" for number in run.revisions if number != document.revision)
    host = document.host
    rows = [
        ("run", f"{document.name}@{document.revision}{latest}"),
        ("state", run.state),
        ("other revisions", others),
        ("note", document.note),
        ("started", f"{document.created.astimezone():%Y-%m-%d %H:%M:%S}"),
        ("last written", f"{document.updated.astimezone():%Y-%m-%d %H:%M:%S}"),
        ("program", f"sirr-orch {document.program.version} (Python {document.program.python})"),
        ("started on", f"{host.name}: {host.system}, {host.processor}, {host.cores} processors"),
        ("experiment", document.spec.name),
        ("command line", _overrides(document)),
        ("protocols", ", ".join(f"{one.name} v{one.version}" for one in document.protocols)),
        ("feature weights", document.features.weights),
        ("device, seed", f"{document.device}, {document.seed}"),
    ]
    rows += [(f"network {entrant.label}", _entrant(entrant)) for entrant in document.entrants]
    rows += [(f"dataset {dataset.name}", _dataset(dataset)) for dataset in document.datasets]
    return [(name, text) for name, text in rows if text]


def _overrides(document: RunDocument) -> str:
    said = document.overrides.model_dump(mode="json")
    return "; ".join(
        f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in said.items()
        if value not in (None, [])
    )


def _entrant(entrant: EntrantEntry) -> str:
    if entrant.kind == PREDICTIONS:
        return f"{entrant.title}; computed elsewhere, from {entrant.files}"
    if entrant.kind == AUTHORS:
        return f"{entrant.title}; the authors' program {entrant.files} in image {entrant.image}: {entrant.command}"
    if entrant.kind == ONNX:
        return f"{entrant.title}; an ONNX file, {entrant.files}"
    if entrant.kind == PROGRAM:
        taken = ", ".join(f"{name} {value:g}" for name, value in entrant.recipe.items())
        return f"{entrant.title}; a program, {taken or 'without parameters'}"
    weights = "trained" if entrant.checkpoint is None else f"adopted from {entrant.checkpoint}"
    differs = (
        f"; {count(len(entrant.overrides), 'value differs', 'values differ')} from the paper"
        if entrant.overrides
        else ""
    )
    return f"{entrant.title}; {weights}, seed {entrant.seed}{differs}"


def _dataset(dataset: DatasetEntry) -> str:
    return f"{dataset.title}; {dataset.role}, for {', '.join(dataset.uses)}"

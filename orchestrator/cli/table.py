"""Tables of the command line."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.execute.comparison import Comparison
from orchestrator.execute.doctor import Finding
from orchestrator.execute.estimate_words import estimate_lines, long_run_lines
from orchestrator.execute.estimates import RunEstimate
from orchestrator.execute.simulation import SiteSimulation
from orchestrator.execute.simulation_words import simulation_lines, simulation_values
from orchestrator.plan.estimates import Estimate
from orchestrator.spec.weights import Presence

_MARKS = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "error": ("error", "bold red")}


def plan_rows(comparison: Comparison, found: RunEstimate) -> list[dict[str, Any]]:
    """Return the plan as plain values: stage, key, state, reasons, and what it will take.

    A stage that reads what is not there yet has no key, and it may run: where its inputs come out as they were, it
    does not. What is in the store takes nothing; what cannot be told is None.
    """
    return [
        {
            "stage": stage.name,
            "kind": stage.kind,
            "image": stage.image,
            "key": comparison.identities[stage.name].key if stage.name in comparison.identities else None,
            "state": _state(stage.name, comparison),
            "reasons": list(comparison.reasons.get(stage.name, ())),
            "estimate": _estimate(found.by_stage.get(stage.name)),
        }
        for stage in comparison.plan.stages
    ]


def _estimate(found: Estimate | None) -> dict[str, Any]:
    """Return what a stage will take as plain values; None: it is in the store."""
    if found is None:
        return {"steps": None, "seconds": 0, "bytes": 0, "origin": "stored", "at_most": False}
    seconds = None if found.seconds is None else round(found.seconds, 1)
    return {
        "steps": found.steps,
        "seconds": seconds,
        "bytes": found.size_bytes,
        "origin": found.origin,
        "at_most": found.at_most,
    }


def _state(stage: str, comparison: Comparison) -> str:
    if stage in comparison.artifacts:
        return "stored"
    return "to run" if stage in comparison.identities else "may run"


def print_plan(comparison: Comparison, found: RunEstimate, console: Console) -> None:
    """Print each stage with its state and why it must run, and what those that are missing will take."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("stage", "image", "key", "state", "why"):
        # Names stay whole, so that they can be found and copied; in a narrow terminal rows are longer than its lines.
        table.add_column(title, overflow="fold", no_wrap=title != "why", min_width=24 if title == "why" else None)
    for row in plan_rows(comparison, found):
        stored = row["state"] == "stored"
        table.add_row(
            Text(row["stage"]),
            Text(row["image"] or "-"),
            Text((row["key"] or "-")[:12], style="dim"),
            Text(row["state"], style="dim" if stored else "bold"),
            Text("\n".join(row["reasons"])),
        )
    console.print(table, soft_wrap=False, crop=False)
    console.print(_sum(comparison))
    lines = (
        *estimate_lines(found, each=True),
        *long_run_lines(found, comparison.missing, comparison.resolved.path.name),
    )
    for line in ("", *lines) if lines else ():
        console.print(line)


def print_simulation(found: SiteSimulation, console: Console, *, json: bool = False) -> None:
    """Print how long a run would take at a site."""
    if json:
        console.print_json(data=simulation_values(found))
        return
    for line in simulation_lines(found):
        console.print(line)


def _sum(comparison: Comparison) -> str:
    """Return how many stages would run, and how many more may, in a sentence."""
    total = len(comparison.plan.stages)
    if not comparison.missing:
        return f"all {total} stages are in the store: nothing takes time or disk"
    certain = sum(name in comparison.identities for name in comparison.missing)
    waiting = len(comparison.missing) - certain
    more = f", and {waiting} more may, as soon as it is known what they read" if waiting else ""
    return f"{certain} of {total} stages would run{more}"


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print what doctor found, each with its remedy."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for overflow in ("ellipsis", "ellipsis", "fold"):
        table.add_column(overflow=overflow)
    for finding in findings:
        word, style = _MARKS[finding.severity]
        text = Text(finding.message)
        if finding.remedy:
            text.append(f"\n{finding.remedy}", style="cyan")
        table.add_row(Text(word, style=style), Text(finding.subject, style="bold"), text)
    console.print(table, soft_wrap=False)


_STATES = {"whole": "green", "present": "green", "missing": "dim", "damaged": "bold red"}


def print_weights(found: Sequence[Presence], console: Console) -> None:
    """Print released files with their state, and for each that is wanting what to do."""
    for one in found:
        console.print(Text.assemble((f"{one.state:>8}", _STATES[one.state]), f"  {one.file.name}  ({one.file.title})"))
        if one.remedy:
            console.print(Text(f"          {one.remedy}", style="dim"))

"""What there is of a store's runs, as lists and descriptions of them show it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from orchestrator.errors import SirrError
from orchestrator.store.document_files import revisions
from orchestrator.store.reference import RunReference
from orchestrator.store.run_document import RunDocument
from orchestrator.store.runs import is_in_progress, recorded_runs, run_document, run_folder
from orchestrator.store.store import Store

RunState = Literal["running", "complete", "failed", "partial", "unreadable"]
"""partial: some stages have not run, or were stopped, and none failed;
unreadable: its document is damaged, missing or of later form."""

_ENDED_WELL = {"stored", "done"}


@dataclass(frozen=True)
class RunSummary:
    """One run at a glance, as its latest revision has it.

    Attributes:
        revision: None where the document cannot be read.
        updated: None where the document cannot be read.
        problem: Why it cannot, empty where it can.
        networks: Their labels, runs of several seeds as one.
        test: Names of the test datasets.
    """

    name: str
    state: RunState
    revision: int | None = None
    updated: datetime | None = None
    networks: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class StageSummary:
    """One stage of a run.

    Attributes:
        here: Whether the store has its result.
        why: It failed, empty where it did not.
    """

    name: str
    state: str
    key: str | None
    here: bool
    why: str


@dataclass(frozen=True)
class RunDescription:
    """One revision of a run in full.

    Attributes:
        revisions: All that there are.
    """

    document: RunDocument
    state: RunState
    revisions: tuple[int, ...]
    stages: tuple[StageSummary, ...]


def listed_runs(store: Store) -> list[RunSummary]:
    """Return every run of a store, the one that was written last first; one that cannot be read says why."""
    found = [_summary(name, store) for name in recorded_runs(store)]
    return sorted(found, key=lambda one: -1.0 if one.updated is None else one.updated.timestamp(), reverse=True)


def _summary(name: str, store: Store) -> RunSummary:
    try:
        document = run_document(store, RunReference(name))
    except SirrError as error:
        return RunSummary(name, "unreadable", problem=error.message)
    networks = dict.fromkeys(entrant.group or entrant.label for entrant in document.entrants)
    state = run_state(document, store)
    return RunSummary(name, state, document.revision, document.updated, tuple(networks), document.test)


def run_state(document: RunDocument, store: Store) -> RunState:
    """Return how a run stands, as its document tells it."""
    if is_in_progress(store, document.name):
        return "running"
    states = {stage.state for stage in document.stages}
    if states <= _ENDED_WELL:
        return "complete"
    return "failed" if "failed" in states else "partial"


def described_run(reference: RunReference, store: Store) -> RunDescription:
    """Return one revision of a run in full.

    Raises:
        SpecError: Where the store knows no such run or revision.
        StoreError: Where its document cannot be read.
    """
    document = run_document(store, reference)
    stages = tuple(
        StageSummary(
            stage.name,
            stage.state,
            stage.key,
            stage.key is not None and store.artifact(stage.key) is not None,
            "" if stage.failure is None else stage.failure.message,
        )
        for stage in document.stages
    )
    known = revisions(run_folder(store, reference.run))
    return RunDescription(document, run_state(document, store), known, stages)

"""What a run tells while it goes on; the command line and the run record listen."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.errors import SirrError
from orchestrator.store.record import RunRecord
from stagekit import Progress

State = Literal["waiting", "stored", "queued", "running", "adopted", "done", "failed", "skipped", "cancelled"]
"""stored: its artifact was there already; queued: its job waits on a cluster; skipped: something it needs failed, or
was stopped."""


@dataclass(frozen=True)
class Planned:
    """The run has these stages, in this order; `keys` names their results, as far as they are known beforehand."""

    stages: tuple[str, ...]
    keys: Mapping[str, str]


@dataclass(frozen=True)
class StateChanged:
    """A stage entered a state; facts are plain values such as seconds or reason.

    `key` is always there where a stage is stored, running, adopted or done, and where it failed after it was known;
    `because` and `end` where it was skipped: the stage at the root of that, and what became of it, such as 'failed'.
    """

    stage: str
    state: State
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Progressed:
    """How far a stage is."""

    stage: str
    progress: Progress


@dataclass(frozen=True)
class Saved:
    """A stage has written a checkpoint, from which it goes on after a kill."""

    stage: str


@dataclass(frozen=True)
class Stopping:
    """The user asked for the end, and a stage's program was told of it.

    Attributes:
        grace_s: How long it has to save where it is; 0: it is ended at once.
    """

    stage: str
    grace_s: float


@dataclass(frozen=True)
class Logged:
    """One line of a stage's output that is not a message."""

    stage: str
    line: str


@dataclass(frozen=True)
class Warned:
    """Something the reader of the results must know."""

    stage: str
    message: str


@dataclass(frozen=True)
class Noted:
    """Something worth knowing that takes nothing from the results."""

    stage: str
    message: str


@dataclass(frozen=True)
class Failed:
    """Why a stage failed."""

    stage: str
    error: SirrError


Event = Planned | StateChanged | Progressed | Saved | Stopping | Logged | Warned | Noted | Failed

Listener = Callable[[Event], None]
"""Hears the events of a run; may be called from several threads."""


def failure_facts(error: SirrError) -> dict[str, Any]:
    """Return an error as plain values for the run record and the report."""
    return {
        "class": type(error).__name__,
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "where": error.where,
        "took": dict(error.took),
    }


def recorder(record: RunRecord) -> Listener:
    """Return a listener that appends what matters later to the run record."""

    def listen(event: Event) -> None:
        entry = _entry(event)
        if entry is not None:
            record.append({"time": round(time.time(), 3), **entry})

    return listen


def _entry(event: Event) -> dict[str, Any] | None:
    match event:
        case Planned(stages, keys):
            return {"event": "planned", "stages": list(stages), "keys": dict(keys)}
        case StateChanged(stage, state, facts):
            return {"event": "state", "stage": stage, "state": state, **facts}
        case Warned(stage, message):
            return {"event": "warning", "stage": stage, "message": message}
        case Noted(stage, message):
            return {"event": "note", "stage": stage, "message": message}
        case Failed(stage, error):
            return {"event": "failure", "stage": stage, **failure_facts(error)}
        case _:
            return None


def fan_out(*listeners: Listener) -> Listener:
    """Return a listener that tells all of these, one event at a time whatever the thread."""
    lock = threading.Lock()

    def listen(event: Event) -> None:
        with lock:
            for listener in listeners:
                listener(event)

    return listen

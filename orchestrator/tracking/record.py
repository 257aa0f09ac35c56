"""What is told of a run to any tracker, as plain frozen values: nothing in here knows one."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_OTHERS = re.compile(r"[^\w.\- /]")
"""What no tracker is sure to take in the name of a metric or parameter."""


@dataclass(frozen=True)
class Point:
    """One value of a metric.

    Attributes:
        value: Finite.
        step: Of the training; 0 for what has no steps.
        time_s: Seconds since the epoch at which it came to be.
    """

    value: float
    step: int
    time_s: float


@dataclass(frozen=True)
class TrackedEntrant:
    """One entrant of a run, or the run itself: what becomes one run of a tracker.

    Attributes:
        id: The same for the same entrant of the same experiment, wherever it ran: a run told again is found by it.
        name: What people call it.
        parameters: By name; they never change for an id.
        curves: Of its training, by name, by step.
        scores: By name: dataset/protocol/metric.
        facts: What else there is to know, as text: keys of stages, what was not measured.
        started_s: Seconds since the epoch; None where nothing of it has run.
        ended_s: Seconds since the epoch; None where nothing of it has run.
        complete: Whether everything that it was to give is there.
    """

    id: str
    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    curves: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    scores: Mapping[str, Point] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    started_s: float | None = None
    ended_s: float | None = None
    complete: bool = True

    @property
    def points(self) -> dict[str, tuple[Point, ...]]:
        """All values, by the name of their metric."""
        return {**self.curves, **{name: (point,) for name, point in self.scores.items()}}

    @property
    def digest(self) -> str:
        """SHA-256 of all that is told but for times: where a tracker has it, there is nothing to tell."""
        values = {name: [(point.step, point.value) for point in points] for name, points in self.points.items()}
        told = [self.id, self.name, dict(self.parameters), values, dict(self.facts), self.complete]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class TrackedRun:
    """One revision of a run.

    Attributes:
        name: The run's.
        whole: The comparison itself; the report hangs on it.
        report_key: Names what the report shows.
    """

    name: str
    whole: TrackedEntrant
    entrants: tuple[TrackedEntrant, ...]
    report_key: str


def metric_name(*parts: str) -> str:
    """Return the name of a metric or parameter of its parts, in characters that every tracker takes."""
    return "/".join(_OTHERS.sub("_", part.replace("/", "_")) for part in parts)

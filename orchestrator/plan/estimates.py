"""What stages will take, from what stages like them took: pure arithmetic on amounts of work, seconds and bytes.

Seconds are a start, and so many a unit and a pixel; a rate is a line through what was measured. Where a project's own
measurements tell its slope, a few of a store's shift it: they know the machine.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from statistics import median
from typing import Literal

from orchestrator.plan.tasks import surplus
from orchestrator.plan.work import Work

Origin = Literal["store", "project", "unknown"]
"""Whose measurements an estimate is made of: earlier stages of the store, what the project brings, nobody's."""


@dataclass(frozen=True)
class Measurement:
    """What one stage took.

    Attributes:
        task: What kind of work it was; stages of one task differ in their amounts alone.
        work: How much.
        seconds: From its start to its end; None where they are not to be relied on.
        units_s: Of these, at its units; None where that was not told apart.
        size_bytes: Of its result.
        key: Of its result; empty where no store has it.
    """

    task: str
    work: Work
    seconds: float | None
    units_s: float | None
    size_bytes: int
    key: str = ""


@dataclass(frozen=True)
class Estimate:
    """What a stage will take; None where that cannot be told.

    Attributes:
        stage: Its name.
        steps: Of a training; None for other stages too.
        seconds: From its start to its end.
        size_bytes: Of its result.
        origin: Whose measurements the seconds are made of.
        per_step_s: Of a training.
        at_most: Whether it is made of stages that measured more metrics.
    """

    stage: str
    kind: str
    steps: int | None
    seconds: float | None
    size_bytes: int | None
    origin: Origin
    per_step_s: float | None = None
    at_most: bool = False


@dataclass(frozen=True)
class _Line:
    """A value that grows with pixels from a first value on; neither is below 0."""

    first: float
    slope: float

    def at(self, pixels: float) -> float:
        return self.first + self.slope * pixels


def estimate(
    stage: str, kind: str, task: str, work: Work | None, own: Iterable[Measurement], brought: Iterable[Measurement]
) -> Estimate:
    """Return what a stage will take.

    More steps never take less: how long one takes is read off its size alone. Of a task that was never measured those
    tell that do the same and as little as possible more.

    Args:
        work: None where it is not known.
        own: Measurements of a store; those of other tasks are passed over.
        brought: Measurements of the project.
    """
    if work is None:
        return Estimate(stage, kind, None, None, None, "unknown")
    mine, theirs, more = _of_task(task, own, brought)
    seconds, per_unit, origin = _seconds(work, mine, theirs)
    training = kind == "train"
    return Estimate(
        stage,
        kind,
        work.units if training else None,
        seconds,
        _size_bytes(work, mine or theirs, grows=kind in _WRITES_PICTURES),
        origin,
        per_unit if training else None,
        at_most=more and seconds is not None,
    )


def _of_task(
    task: str, own: Iterable[Measurement], brought: Iterable[Measurement]
) -> tuple[list[Measurement], list[Measurement], bool]:
    """Return the measurements of a task, and whether they are of one that does more."""
    more = [[(surplus(one.task, task), one) for one in given] for given in (own, brought)]
    least = min((number for given in more for number, _one in given if number is not None), default=0)
    mine, theirs = ([one for number, one in given if number == least] for given in more)
    return mine, theirs, least > 0


_WRITES_PICTURES = ("prepare", "infer", "predict", "collect", "command", "finish")
"""Kinds whose results grow with their pictures; those of others do not."""


def _seconds(
    work: Work, own: Sequence[Measurement], brought: Sequence[Measurement]
) -> tuple[float | None, float | None, Origin]:
    """Return seconds of all and of one unit, and whose measurements they are."""
    starts = [one.seconds - one.units_s for one in own if one.seconds is not None and one.units_s is not None]
    starts = starts or [one.seconds - one.units_s for one in brought if one.seconds and one.units_s is not None]
    start = max(0.0, median(starts)) if starts else 0.0
    apart = partial(_apart, start)
    mine, theirs = ([one for one in map(apart, given) if one.units_s is not None] for given in (own, brought))
    line = _line([(one.work.pixels_per_unit, _per_unit(one)) for one in theirs or mine])
    if line is None:
        return None, None, "unknown"
    per_unit = line.at(work.pixels_per_unit)
    if mine and theirs:
        per_unit *= _nearest(mine, work, lambda one: _per_unit(one) / max(line.at(one.work.pixels_per_unit), 1e-9))
    return start + per_unit * work.units, per_unit, "store" if mine else "project"


def _apart(start: float, one: Measurement) -> Measurement:
    """Return a measurement with the time at its units told apart from that of its start, where it was not."""
    if one.units_s is not None or one.seconds is None:
        return one
    return replace(one, units_s=max(0.0, one.seconds - start))


def _per_unit(one: Measurement) -> float:
    return (one.units_s or 0.0) / one.work.units


def _nearest(measured: Sequence[Measurement], work: Work, value: Callable[[Measurement], float]) -> float:
    """Return the middle value of those measurements whose units are of the size that is nearest."""

    def distance(one: Measurement) -> float:
        return round(abs(math.log((one.work.pixels_per_unit + 1) / (work.pixels_per_unit + 1))), 6)

    least = min(map(distance, measured))
    return median(value(one) for one in measured if distance(one) == least)


def _size_bytes(work: Work, measured: Sequence[Measurement], *, grows: bool) -> int | None:
    if not measured:
        return None
    if not grows:
        return round(median(one.size_bytes for one in measured))
    line = _line([(one.work.pixels, float(one.size_bytes)) for one in measured])
    return None if line is None else round(line.at(work.pixels))


def _line(points: Sequence[tuple[float, float]]) -> _Line | None:
    """Return the line through the middle values at the smallest and the largest amount; None where there is no point.

    Through one amount it begins at 0, where the amount is none it is level.
    """
    groups = [
        (amount, median(value for _amount, value in group))
        for amount, group in groupby(sorted(points), key=lambda point: point[0])
    ]
    if not groups:
        return None
    (small, low), (large, high) = groups[0], groups[-1]
    if large <= 0:
        return _Line(high, 0.0)
    if small == large or low * large <= high * small:  # it would begin below 0
        return _Line(0.0, high / large)
    slope = max(0.0, (high - low) / (large - small))
    return _Line(median((low, high)) if slope == 0 else low - slope * small, slope)

"""One mean in a table: its digits, interval, spread over seeds, what it leaves out, and whether it is marked."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from orchestrator.report import numbers
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.rankings import MeanScore, MetricRanking
from orchestrator.report.views.judgement_text import NOTHING, Mark, mark


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        value: For sorting, empty where not measured.
        span: Columns that it covers.
        place: Its column.
        interval: Of the mean.
        runs: The spread over seeds.
        remarks: What the mean leaves out.
        beside_input: How it stands to doing nothing.
        making: Names, on a page, what it was made of; empty where nothing was measured.
    """

    place: int
    kind: Literal["score", "count", "missing"]
    text: str
    interval: str = ""
    runs: str = ""
    remarks: tuple[str, ...] = ()
    incomplete: bool = False
    value: str = ""
    span: int = 1
    best: bool = False
    beside_input: Mark | None = None
    making: str = ""


def making_key(network: str, dataset: str, protocol: str, metric: str) -> str:
    """Return what names a mean on a page, whatever the names hold."""
    return hashlib.sha256(json.dumps([network, dataset, protocol, metric]).encode()).hexdigest()[:12]


def mean_cell(name: str, ranking: MetricRanking, metric: MetricFormat, place: int = 0) -> Cell:
    """Return the cell of a network's or control's mean, which the ranking holds."""
    own = ranking.means.get(name)
    if own is None:
        return Cell(place, "missing", numbers.not_measured("no result was recorded"))
    if own.value is None and not own.infinite:
        return Cell(place, "missing", numbers.not_measured(reasons(own.missing)))
    among = [mean.value for mean in ranking.means.values() if mean.value is not None]
    return Cell(
        place,
        "score",
        numbers.mean(own.value, len(own.infinite), metric, among),
        interval=numbers.interval(own.low, own.high, metric),
        runs=runs_text(own, metric),
        remarks=tuple(mean_remarks(own)),
        incomplete=bool(own.missing),
        value=repr(own.value) if own.value is not None else "inf",
        best=name in ranking.best,
        beside_input=_beside_input(name, ranking),
        making=making_key(name, ranking.dataset, ranking.protocol, ranking.metric),
    )


def reasons(missing: Iterable[str], shown: int = 2) -> str:
    """Return why pictures were not measured, in words: the first reasons, and how many more there are."""
    return numbers.some_of(list(missing), shown) or "the dataset has no pictures"


def mean_remarks(mean: MeanScore) -> Iterator[str]:
    """Yield what a mean leaves out, in words."""
    measured = mean.finite + len(mean.infinite)
    if mean.missing:
        yield f"incomplete: {measured} of {mean.total} pictures"
    for why, ids in mean.missing.items():
        yield f"{numbers.not_measured(why)}: {numbers.some_of(ids)}"
    if mean.infinite and mean.value is not None:
        yield f"{mean.finite} of {measured} finite; infinite: {numbers.some_of(mean.infinite)}"


def runs_text(mean: MeanScore, metric: MetricFormat) -> str:
    """Return the spread over the runs of several seeds; empty where there is one run."""
    values = [value for value in mean.runs if value is not None]
    total = max(len(mean.runs), 1) + mean.absent
    if total == 1:
        return ""
    if len(values) < 2:
        return f"1 of {total} seeds"
    seeds = f"{len(values)} seeds" if len(values) == total else f"{len(values)} of {total} seeds"
    return f"{seeds}: {numbers.score(min(values), metric)} to {numbers.score(max(values), metric)}"


def _beside_input(name: str, ranking: MetricRanking) -> Mark | None:
    """Return how a network that was measured on every picture stands to doing nothing."""
    test = ranking.beside.get(name)
    return None if test is None or ranking.means[name].missing else mark(test, name, NOTHING)

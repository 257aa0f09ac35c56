"""Every set of scores of a report in one form: by network or control, dataset and protocol, with its means."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.content import NotMeasured, ReportContent, Score, Scores
from orchestrator.report.lookup import Entrant, entrants, scores, tested

PROTOCOL = "standard"
"""Of scores that were not measured."""


@dataclass(frozen=True)
class Mean:
    """A mean over the pictures whose score is finite.

    value: inf where every score is, None where nothing was measured
    finite, infinite, missing: how many pictures it is a mean of, were identical to the truth, have no score
    low, high: its 95 % interval, None where it is not known
    """

    value: float | None
    finite: int
    infinite: int
    missing: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """One network or control on one dataset of pairs by one protocol."""

    entrant: Entrant
    dataset: str
    protocol: str
    found: Scores | NotMeasured


def evaluations(content: ReportContent) -> Iterator[Evaluation]:
    """Yield every set of scores that the report has, or should have: by dataset, then in the order of the summary."""
    for dataset in tested(content):
        if dataset.role != "pairs":
            continue
        for entrant in entrants(content):
            found = scores(content, entrant.label, dataset.name)
            protocol = found.protocol if isinstance(found, Scores) else PROTOCOL
            yield Evaluation(entrant, dataset.name, protocol, found)


def protocol_version(_found: Scores) -> int | None:
    """Return the version of the protocol, None where it is not recorded."""
    return None


def metrics_of(content: ReportContent, _of: Evaluation) -> tuple[str, ...]:
    """Return the metrics that an evaluation has, or should have."""
    return content.metrics


def best_of(content: ReportContent, those: Sequence[Evaluation], metric: str) -> frozenset[str]:
    """Return which networks to mark of those on one dataset; a lone one, and one with gaps, is not ranked."""
    form = numbers.metric_format(metric, content.features)
    means = {of.entrant.label: mean_of(content, of, metric) for of in those if not of.entrant.control}
    whole = {label: of.value for label, of in means.items() if of.value is not None and not of.missing}
    if len(whole) < 2 or not form.ranked:
        return frozenset()
    top = (max if form.better == "higher" else min)(whole.values())
    best = frozenset(label for label, value in whole.items() if numbers.same(value, top))
    return best if len(best) < len(whole) else frozenset()


def mean_of(content: ReportContent, of: Evaluation, metric: str) -> Mean:
    """Return the mean of a metric; the pictures that the scores leave out count as missing."""
    total = next(len(dataset.items) for dataset in tested(content) if dataset.name == of.dataset)
    if isinstance(of.found, NotMeasured):
        return Mean(None, 0, 0, total)
    return mean([item.values.get(metric) for item in of.found.items], total)


def mean(values: Sequence[Score | NotMeasured | None], total: int) -> Mean:
    """Return the mean of scores. total: how many pictures there should be"""
    there = [value for value in values if isinstance(value, float | int)]
    finite = [value for value in there if math.isfinite(value)]
    infinite = len(there) - len(finite)
    value = math.fsum(finite) / len(finite) if finite else math.inf if infinite else None
    return Mean(value, len(finite), infinite, max(total - len(there), 0))

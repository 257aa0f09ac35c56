"""Every set of scores of a report in one form: by network or control, dataset and protocol, with its means."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from orchestrator.report.content import NotMeasured, ReportContent, Score, Scores
from orchestrator.report.lookup import Entrant, entrants, metric_ranking, scores, tested
from orchestrator.spec.protocol import Protocol


@dataclass(frozen=True)
class Mean:
    """A mean over the pictures whose score is finite.

    Attributes:
        value: Inf where every score is, None where nothing was measured.
        finite: How many pictures it is a mean of, were identical to the truth, have no score.
        infinite: See `finite`.
        missing: See `finite`.
        low: Its 95 % interval, None where it is not known.
        high: Its 95 % interval, None where it is not known.
        reasons: Why scores are missing, where that is known.
    """

    value: float | None
    finite: int
    infinite: int
    missing: int
    low: float | None = None
    high: float | None = None
    reasons: tuple[str, ...] = ()


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
        for protocol in content.protocols if dataset.role == "pairs" else ():
            for entrant in entrants(content):
                found = scores(content, entrant.label, dataset.name, protocol.name)
                yield Evaluation(entrant, dataset.name, protocol.name, found)


def protocol_of(content: ReportContent, evaluation: Evaluation) -> Protocol:
    """Return the protocol of an evaluation, with the metrics that it has or should have."""
    return next(protocol for protocol in content.protocols if protocol.name == evaluation.protocol)


def metrics_of(content: ReportContent, evaluation: Evaluation) -> tuple[str, ...]:
    """Return the metrics that an evaluation has, or should have."""
    return tuple(metric.name for metric in protocol_of(content, evaluation).metrics)


def best_of(content: ReportContent, those: Sequence[Evaluation], metric: str) -> frozenset[str]:
    """Return which networks to mark of those on one dataset by one protocol; see `MetricRanking`.

    A network of several seeds is marked as a whole, none of its runs is.
    """
    places = {(evaluation.dataset, evaluation.protocol) for evaluation in those}
    best = [metric_ranking(content, dataset, protocol, metric).best for dataset, protocol in places]
    return frozenset(evaluation.entrant.label for evaluation in those) & frozenset().union(*best)


def mean_of(content: ReportContent, evaluation: Evaluation, metric: str) -> Mean:
    """Return the mean of a metric; the pictures that the scores leave out count as missing."""
    total = next(len(dataset.items) for dataset in tested(content) if dataset.name == evaluation.dataset)
    if isinstance(evaluation.found, NotMeasured):
        return Mean(None, 0, 0, total)
    own = mean([item.values.get(metric) for item in evaluation.found.items], total)
    known = metric_ranking(content, evaluation.dataset, evaluation.protocol, metric).means.get(evaluation.entrant.label)
    return (
        own
        if known is None
        else replace(own, low=known.low, high=known.high, reasons=tuple(known.missing) or own.reasons)
    )


def mean(values: Sequence[Score | NotMeasured | None], total: int) -> Mean:
    """Return the mean of scores.

    Args:
        total: How many pictures there should be.
    """
    there = [value for value in values if isinstance(value, float | int)]
    finite = [value for value in there if math.isfinite(value)]
    infinite = len(there) - len(finite)
    value = math.fsum(finite) / len(finite) if finite else math.inf if infinite else None
    reasons = tuple(dict.fromkeys(value.why for value in values if isinstance(value, NotMeasured)))
    return Mean(value, len(finite), infinite, max(total - len(there), 0), reasons=reasons)

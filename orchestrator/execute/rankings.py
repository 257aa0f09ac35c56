"""From scores of single pictures to means, intervals and tests, for every dataset, protocol and metric of a report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from orchestrator.execute.overall import overall_rankings
from orchestrator.metrics.ranking import Mean, Ranking, compared, ranking
from orchestrator.report.content import Dataset, NotMeasured, ReportContent, Scores
from orchestrator.report.lookup import entrants, metric_format, networks, scores
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.rankings import FIRST, OTHER, MeanScore, MetricRanking
from orchestrator.report.views.aggregate import Evaluation
from orchestrator.spec.protocol import Protocol
from stagekit.paired_test import PairedTest


def with_rankings(content: ReportContent) -> ReportContent:
    """Return the content with what its scores allow to say."""
    pairs = [dataset for dataset in content.datasets if dataset.name in content.test and dataset.role == "pairs"]
    found = [
        _metric_ranking(content, dataset, protocol, metric.name)
        for dataset in pairs
        for protocol in content.protocols
        for metric in protocol.metrics
    ]
    return replace(content, rankings=tuple(found), overall=tuple(overall_rankings(content)))


def paired_test(
    content: ReportContent, dataset: Dataset, protocol: Protocol, metric: str, first: str, second: str
) -> PairedTest | None:
    """Return how two networks or controls compare in one metric, by themselves; None where no picture has both scores.

    Args:
        first: A label, or the name of a network of several seeds, as which its runs count together.
        second: As `first`.
    """
    labels: dict[str, tuple[str, ...]] = {entrant.label: (entrant.label,) for entrant in entrants(content)}
    labels |= {network.name: network.labels for network in networks(content)}
    ids = [item.id for item in dataset.items]
    measured = {name: tuple(_tables(content, dataset, labels[name], protocol.name)) for name in (first, second)}
    if not all(measured.values()):
        return None
    arrays = {name: _array(found, ids, metric) for name, found in measured.items()}
    better = metric_format(content, metric, ranked=protocol.ranked).better
    test = compared(arrays, better)
    return test if test.n else None


def between_runs(first: Evaluation, other: Evaluation, metric: MetricFormat) -> PairedTest | None:
    """Return how the scores of one network in two runs compare, by themselves; see `Judge`."""
    if isinstance(first.found, NotMeasured) or isinstance(other.found, NotMeasured):
        return None
    measured = [{item.id: item.values for item in found.items} for found in (first.found, other.found)]
    ids = [identifier for identifier in measured[0] if identifier in measured[1]]
    arrays = {name: _array([found], ids, metric.name) for name, found in zip((FIRST, OTHER), measured, strict=True)}
    test = compared(arrays, metric.better)
    return test if test.n else None


def _array(found: Sequence[Mapping[str, Mapping[str, float | NotMeasured]]], ids: list[str], metric: str) -> np.ndarray:
    """Return scores as a ranking takes them: float64, (runs, pictures)."""
    return np.array([[_number(pictures, identifier, metric) for identifier in ids] for pictures in found])


def _metric_ranking(content: ReportContent, dataset: Dataset, protocol: Protocol, metric: str) -> MetricRanking:
    """Return one metric's ranking; networks and controls without any scores are not in it."""
    shown = metric_format(content, metric, ranked=protocol.ranked)
    ids = [item.id for item in dataset.items]
    controls = {entrant.label: [entrant.label] for entrant in entrants(content) if entrant.control}
    runs = {network.name: list(network.labels) for network in networks(content)}
    measured = {
        name: tuple(_tables(content, dataset, labels, protocol.name)) for name, labels in {**runs, **controls}.items()
    }
    arrays = {name: _array(found, ids, metric) for name, found in measured.items() if found}
    absent = {name: len(runs.get(name, [name])) - len(found) for name, found in measured.items()}
    result = ranking(
        {name: array for name, array in arrays.items() if name in runs},
        shown.better,
        {name: array for name, array in arrays.items() if name in controls},
        lacking={name for name, count in absent.items() if count},
    )
    means = {
        name: _mean_score(mean, ids, _reasons(measured[name], metric), absent[name])
        for name, mean in result.means.items()
    }
    return _shown(dataset.name, protocol.name, metric, means, result, ranked=shown.ranked)


def _shown(
    dataset: str, protocol: str, metric: str, means: Mapping[str, MeanScore], result: Ranking, *, ranked: bool
) -> MetricRanking:
    if not ranked:
        return MetricRanking(dataset, protocol, metric, means, (), {}, frozenset(), {})
    return MetricRanking(
        dataset,
        protocol,
        metric,
        means,
        result.pairs,
        result.beside,
        result.best,
        result.chances,
    )


def _tables(
    content: ReportContent, dataset: Dataset, labels: Sequence[str], protocol: str
) -> Iterator[Mapping[str, Mapping[str, float | NotMeasured]]]:
    for label in labels:
        found = scores(content, label, dataset.name, protocol)
        if isinstance(found, Scores):
            yield {item.id: item.values for item in found.items}


def _number(pictures: Mapping[str, Mapping[str, float | NotMeasured]], identifier: str, metric: str) -> float:
    value = pictures.get(identifier, {}).get(metric)
    return float("nan") if value is None or isinstance(value, NotMeasured) else value


def _reasons(found: tuple[Mapping[str, Mapping[str, float | NotMeasured]], ...], metric: str) -> Mapping[str, str]:
    """Return why a picture has no score in some run, by its id."""
    reasons: dict[str, str] = {}
    for pictures in found:
        for identifier, values in pictures.items():
            value = values.get(metric, NotMeasured("the evaluation has no such metric"))
            if isinstance(value, NotMeasured):
                reasons.setdefault(identifier, value.why)
    return reasons


def _mean_score(mean: Mean, ids: list[str], reasons: Mapping[str, str], absent: int) -> MeanScore:
    missing: dict[str, tuple[str, ...]] = {}
    for index in mean.missing:
        why = reasons.get(ids[index], "the picture was not scored")
        missing[why] = (*missing.get(why, ()), ids[index])
    return MeanScore(
        value=mean.value,
        low=None if mean.interval is None else mean.interval.low,
        high=None if mean.interval is None else mean.interval.high,
        runs=mean.seeds,
        absent=absent,
        finite=len(mean.finite),
        total=len(ids),
        infinite=tuple(ids[index] for index in mean.infinite),
        missing=missing,
    )

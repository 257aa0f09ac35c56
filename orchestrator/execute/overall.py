"""From scores of single pictures to what all datasets say together, by the test that judges each of them."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from orchestrator.metrics.mean_ranks import mean_ranks, not_told_apart
from orchestrator.metrics.ranking import beside_nothing, every_pair
from orchestrator.report.content import Dataset, NotMeasured, ReportContent, Scores
from orchestrator.report.lookup import metric_format, networks, scores, tested
from orchestrator.report.overall import OverallRanking
from orchestrator.spec.protocol import Protocol
from stagekit.measures import INPUT


def overall_rankings(content: ReportContent) -> Iterator[OverallRanking]:
    """Yield what the pictures of all datasets say in every metric that is ranked."""
    for protocol in content.protocols:
        for metric in protocol.metrics:
            shown = metric_format(content, metric.name, ranked=protocol.ranked)
            scored = [dataset for dataset in tested(content) if _is_scored(content, dataset, protocol)]
            if not shown.ranked or not scored:
                continue
            every = {network.name: network.labels for network in networks(content)}
            arrays = {
                name: _scores(content, scored, labels, protocol.name, metric.name) for name, labels in every.items()
            }
            measured = {name: array for name, array in arrays.items() if not np.isnan(array).all()}
            nothing = _scores(content, scored, (INPUT,), protocol.name, metric.name)
            pairs = every_pair(measured, shown.better)
            ranks, ranked = mean_ranks(measured, shown.better)
            yield OverallRanking(
                protocol.name,
                metric.name,
                len(scored),
                sum(len(dataset.items) for dataset in scored),
                ranked,
                ranks,
                not_told_apart(ranks, pairs) if ranks else (),
                pairs,
                beside_nothing(measured, nothing, shown.better),
            )


def _is_scored(content: ReportContent, dataset: Dataset, protocol: Protocol) -> bool:
    labels = [label for network in networks(content) for label in network.labels]
    return dataset.role == "pairs" and any(
        isinstance(scores(content, label, dataset.name, protocol.name), Scores) for label in labels
    )


def _scores(
    content: ReportContent, datasets: Sequence[Dataset], labels: Sequence[str], protocol: str, metric: str
) -> np.ndarray:
    """Return the scores of a network's runs on all pictures: float64, (runs, pictures); NaN where there is none.

    A run without any scores is left out, as in the ranking of one dataset.
    """
    rows = [
        np.concatenate([_column(content, dataset, label, protocol, metric) for dataset in datasets]) for label in labels
    ]
    known = [row for row in rows if not np.isnan(row).all()]
    return np.array(known or rows[:1])


def _column(content: ReportContent, dataset: Dataset, label: str, protocol: str, metric: str) -> np.ndarray:
    found = scores(content, label, dataset.name, protocol)
    known: Mapping[str, Mapping[str, float | NotMeasured]] = (
        {item.id: item.values for item in found.items} if isinstance(found, Scores) else {}
    )
    values = [known.get(item.id, {}).get(metric) for item in dataset.items]
    return np.array([np.nan if value is None or isinstance(value, NotMeasured) else value for value in values])

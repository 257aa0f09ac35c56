"""Quality against cost: each network's mean score on a dataset beside the time and memory that its answers took."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestrator.report.content import Dataset, NotMeasured, Predictions, ReportContent, Score
from orchestrator.report.lookup import predictions, tested
from orchestrator.report.views.gallery import Choice
from orchestrator.report.views.measures import DECIMALS, Measure, measures, picture_values
from stagekit.measures import INPUT


@dataclass(frozen=True)
class CostView:
    """The plot, its choices and its data.

    Attributes:
        drawing: Address of the script that draws.
    """

    datasets: tuple[Choice, ...]
    costs: tuple[Choice, ...]
    figures: dict[str, Any]
    drawing: str


def cost_view(content: ReportContent, drawing: str) -> CostView | None:
    """Return the plot over all datasets of pairs; None where no network was both timed and scored."""
    shown = [dataset for dataset in tested(content) if measures(content, dataset)]
    costs = {dataset.name: _costs(content, dataset) for dataset in shown}
    kinds = [kind for kind in _KINDS if any(value is not None for found in costs.values() for value in found[kind.key])]
    datasets = [dataset for dataset in shown if any(value is not None for value in costs[dataset.name]["seconds"])]
    if not datasets:
        return None
    return CostView(
        datasets=tuple(Choice(str(number), dataset.title) for number, dataset in enumerate(datasets)),
        costs=tuple(Choice(kind.key, kind.title) for kind in kinds),
        figures={
            "networks": [model.title for model in content.models],
            "costs": {kind.key: kind.title for kind in kinds},
            "datasets": [
                {
                    "costs": costs[dataset.name],
                    "metrics": [_quality(content, dataset, measure) for measure in measures(content, dataset)],
                }
                for dataset in datasets
            ],
        },
        drawing=drawing,
    )


def seconds_per_megapixel(found: Predictions) -> float | None:
    """Return the time of all answers over the size of all pictures; None where that is not known."""
    megapixels = math.fsum(item.height * item.width / 1e6 for item in found.items)
    known = [item.seconds for item in found.items if item.seconds is not None]
    return math.fsum(known) / megapixels if megapixels and len(known) == len(found.items) else None


def peak_gibibytes(found: Predictions) -> float | None:
    """Return the most memory that a process held for any picture; None where that is not known."""
    known = [item.peak_bytes for item in found.items if item.peak_bytes is not None]
    return max(known) / 2**30 if known else None


@dataclass(frozen=True)
class _Kind:
    key: str
    title: str
    value: Callable[[Predictions], float | None]


_KINDS = (
    _Kind("seconds", "seconds per megapixel", seconds_per_megapixel),
    _Kind("memory", "peak memory (GiB)", peak_gibibytes),
)


def _costs(content: ReportContent, dataset: Dataset) -> dict[str, list[float | None]]:
    found = [predictions(content, model.label, dataset.name) for model in content.models]
    return {kind.key: [None if isinstance(one, NotMeasured) else kind.value(one) for one in found] for kind in _KINDS}


def _quality(content: ReportContent, dataset: Dataset, measure: Measure) -> dict[str, Any]:
    """Return a metric's mean of every network and of the unchanged input; None where a picture is not measured."""
    labels = [model.label for model in content.models]
    means = [_mean(picture_values(content, dataset, label, measure)) for label in (*labels, INPUT)]
    return {**measure.plain, "means": means[:-1], "unchanged": means[-1]}


def _mean(values: list[Score | NotMeasured]) -> float | None:
    """Return the mean over finite scores; None where one is missing or none is finite."""
    known = [value for value in values if not isinstance(value, NotMeasured)]
    finite = [value for value in known if math.isfinite(value)]
    return round(math.fsum(finite) / len(finite), DECIMALS) if finite and len(known) == len(values) else None

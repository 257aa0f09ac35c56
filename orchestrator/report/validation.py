"""How well the weights did while a training went on: mean scores by epoch, the final weights included."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.content import Model, NotMeasured, PictureScores, ReportContent, ValidationPoint
from orchestrator.report.numbers import MetricFormat


@dataclass(frozen=True)
class ValidationCurve:
    """One metric by epoch. points: epoch and mean over all pictures, None where it is not measured or not finite."""

    metric: str
    title: str
    points: tuple[tuple[int, float | None], ...]
    caption: str


def validation_curves(content: ReportContent, model: Model) -> Iterator[ValidationCurve]:
    """Yield the curve of every metric; none where the training was not validated."""
    validation = model.validation
    if validation is None:
        return
    titles = {dataset.name: dataset.title for dataset in content.datasets}
    where = titles.get(validation.dataset) or validation.dataset
    for name in content.metrics:
        metric = numbers.metric_format(name, content.features)
        found = [(point.epoch, _mean(point, name)) for point in validation.points]
        points = tuple((epoch, None if isinstance(value, str) else value) for epoch, value in found)
        yield ValidationCurve(
            name, f"Validation {metric.title} {metric.arrow} on {where}", points, _caption(found, metric)
        )


def _mean(point: ValidationPoint, metric: str) -> float | str:
    """Return the mean over all pictures; where it cannot stand beside the others, why, in words."""
    if isinstance(point.scores, NotMeasured):
        return numbers.not_measured(point.scores.why)
    values = [_value(item, metric) for item in point.scores.items]
    reasons = dict.fromkeys(value.why for value in values if isinstance(value, NotMeasured))
    if reasons or not values:
        return numbers.not_measured("; ".join(reasons) or "no picture was scored")
    there = [value for value in values if not isinstance(value, NotMeasured)]
    identical = sum(1 for value in there if value == float("inf"))
    return f"{identical} of {len(there)} pictures are identical to the truth" if identical else numbers.mean(there)


def _value(item: PictureScores, metric: str) -> float | NotMeasured:
    return item.values.get(metric, NotMeasured("the evaluation has no such metric"))


def _caption(found: Sequence[tuple[int, float | str]], metric: MetricFormat) -> str:
    """Return every point in words: there are few, and they are what the chart is for."""
    among = [value for _, value in found if not isinstance(value, str)]
    unit = f" {metric.unit}" if metric.unit else ""
    said = (value if isinstance(value, str) else numbers.score(value, metric, among) + unit for _, value in found)
    return "; ".join(f"epoch {epoch}: {words}" for (epoch, _), words in zip(found, said, strict=True))

"""How well the weights did while a training went on: mean scores by epoch, the final weights included."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.content import Model, NotMeasured, PictureScores, ReportContent, ValidationPoint
from orchestrator.report.lookup import metric_format, primary_protocol
from orchestrator.report.numbers import MetricFormat


@dataclass(frozen=True)
class ValidationCurve:
    """One metric by epoch.

    Attributes:
        points: Epoch and mean over all pictures, None where it is not measured or not finite.
    """

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
    for measured in primary_protocol(content).metrics:
        name = measured.name
        metric = metric_format(content, name)
        found = [(point.epoch, _mean(point, name)) for point in validation.points]
        points = tuple((epoch, None if isinstance(mean, str) else mean.value) for epoch, mean in found)
        yield ValidationCurve(
            name, f"Validation {metric.title} {metric.arrow} on {where}", points, _caption(found, metric)
        )


@dataclass(frozen=True)
class _Mean:
    value: float
    remark: str


def _mean(point: ValidationPoint, metric: str) -> _Mean | str:
    """Return the mean over the pictures with a finite score; where it cannot stand beside the others, why, in words."""
    if isinstance(point.scores, NotMeasured):
        return numbers.not_measured(point.scores.why)
    values = [_value(item, metric) for item in point.scores.items]
    reasons = dict.fromkeys(value.why for value in values if isinstance(value, NotMeasured))
    if reasons or not values:
        return numbers.not_measured("; ".join(reasons) or "no picture was scored")
    finite = [value for value in values if not isinstance(value, NotMeasured) and math.isfinite(value)]
    if not finite:
        return "all pictures are identical to the truth"
    remark = "" if len(finite) == len(values) else f" ({len(finite)} of {len(values)} finite)"
    return _Mean(math.fsum(finite) / len(finite), remark)


def _value(item: PictureScores, metric: str) -> float | NotMeasured:
    return item.values.get(metric, NotMeasured("the evaluation has no such metric"))


def _caption(found: Sequence[tuple[int, _Mean | str]], metric: MetricFormat) -> str:
    """Return every point in words: there are few, and they are what the chart is for."""
    among = [mean.value for _, mean in found if not isinstance(mean, str)]
    unit = f" {metric.unit}" if metric.unit else ""
    said = (
        mean if isinstance(mean, str) else numbers.score(mean.value, metric, among) + unit + mean.remark
        for _, mean in found
    )
    return "; ".join(f"epoch {epoch}: {words}" for (epoch, _), words in zip(found, said, strict=True))

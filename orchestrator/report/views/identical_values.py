"""Metrics of plug-ins whose description is contradicted by what they give the truth itself."""

import math
from collections.abc import Iterator

from orchestrator.report import numbers
from orchestrator.report.content import Dataset, ReportContent, Scores
from orchestrator.report.lookup import metric_format, scores, tested
from stagekit.measures import TRUTH

_NOISE = 1e-6
"""How far off a value is no contradiction, as a part of it and as it is: the noise of single precision, in which many
metrics are computed, and for which no description can be corrected. What tables tell as one value (`numbers.same`) is
narrower."""


def contradicted_metrics(content: ReportContent) -> Iterator[str]:
    """Yield where the truth has another value than the one that a metric says of identical pictures."""
    for protocol in content.protocols:
        for metric in protocol.metrics:
            for dataset in tested(content) if metric.image else ():
                yield from _contradiction(content, protocol.name, metric.name, dataset)


def _contradiction(content: ReportContent, protocol: str, metric: str, dataset: Dataset) -> Iterator[str]:
    found = scores(content, TRUTH, dataset.name, protocol)
    items = found.items if isinstance(found, Scores) else ()
    values = [value for item in items if isinstance(value := item.values.get(metric), float)]
    form = metric_format(content, metric)
    others = [value for value in values if not _alike(value, form.perfect)]
    if others:
        least, most = (numbers.score(value, form, (form.perfect,)) for value in (min(others), max(others)))
        said = "infinite" if math.isinf(form.perfect) else numbers.score(form.perfect, form)
        had = least if least == most else f"{least} to {most}"
        places = f"{len(others)} of {numbers.count(len(values), 'picture')}"
        yield (
            f"{form.title} on {dataset.title}: of identical pictures it says that they have {said}, and the truth has "
            f"{had} on {places}"
        )


def _alike(value: float, perfect: float) -> bool:
    return math.isclose(value, perfect, rel_tol=_NOISE, abs_tol=_NOISE)

"""The scores of single pictures as plain values, for the scripts that sort pictures by them and draw them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.report import numbers
from orchestrator.report.content import Dataset, NotMeasured, ReportContent, Score
from orchestrator.report.lookup import Entrant, entrants, metric_format, primary_protocol, scores

DECIMALS = 9
"""What lies below is the noise of floating-point sums."""

Plain = float | str | list[str]
"""A score in JSON: a number, 'inf' or '-inf', or a list with the reason why there is none."""


@dataclass(frozen=True)
class Measure:
    """One metric of one protocol.

    Attributes:
        beside: Whether the comparison is judged by another protocol.
    """

    protocol: str
    format: numbers.MetricFormat
    beside: bool = False

    @property
    def key(self) -> str:
        """What names it on a page."""
        return f"{self.protocol}-{self.format.name}" if self.beside else self.format.name

    @property
    def title(self) -> str:
        """Its name; one of a protocol that is not judged by names the protocol."""
        return f"{self.format.title}, {self.protocol}" if self.beside else self.format.title

    @property
    def label(self) -> str:
        """Title and unit, as an axis shows them."""
        return self._with_unit(self.title)

    def _with_unit(self, title: str) -> str:
        return f"{title} ({self.format.unit})" if self.format.unit else title

    @property
    def plain(self) -> dict[str, Any]:
        """What a script needs to write and to compare its values.

        heading: label where the protocol is known; perfect: None for infinity, which JSON lacks
        """
        form = self.format
        return {
            "key": self.key,
            "title": self.title,
            "label": self.label,
            "heading": self._with_unit(form.title),
            "protocol": self.protocol,
            "unit": form.unit,
            "decimals": form.decimals,
            "higher": form.better == "higher",
            "perfect": form.perfect if math.isfinite(form.perfect) else None,
        }


def measures(content: ReportContent, dataset: Dataset) -> tuple[Measure, ...]:
    """Return what is measured of a dataset's pictures: first by the protocol to judge by; nothing of photographs.

    A faulty protocol measures nothing that pictures could be sorted by.
    """
    if dataset.role != "pairs":
        return ()
    first = primary_protocol(content)
    protocols = (first, *(one for one in content.protocols if one.ranked and one is not first))
    return tuple(
        Measure(protocol.name, metric_format(content, metric.name), protocol is not first)
        for protocol in protocols
        for metric in protocol.metrics
    )


def scored_entrants(content: ReportContent, dataset: Dataset) -> tuple[Entrant, ...]:
    """Return the networks and controls of which at least one picture of the dataset was scored."""
    known = measures(content, dataset)
    return tuple(
        entrant
        for entrant in entrants(content)
        if any(
            not isinstance(value, NotMeasured)
            for measure in known
            for value in picture_values(content, dataset, entrant.label, measure)
        )
    )


def picture_values(content: ReportContent, dataset: Dataset, label: str, measure: Measure) -> list[Score | NotMeasured]:
    """Return one entrant's value of every picture, in the dataset's order."""
    found = scores(content, label, dataset.name, measure.protocol)
    if isinstance(found, NotMeasured):
        return [found] * len(dataset.items)
    known = {item.id: item.values for item in found.items}
    return [_value(known.get(item.id), measure) for item in dataset.items]


def _value(found: Mapping[str, Score | NotMeasured] | None, measure: Measure) -> Score | NotMeasured:
    if found is None:
        return NotMeasured("the picture was not scored")
    return found.get(measure.format.name, NotMeasured("the evaluation has no such metric"))


def plain_values(content: ReportContent, dataset: Dataset, measure: Measure) -> list[list[Plain]]:
    """Return the values of all entrants, networks before controls, for a script."""
    return [
        [_plain(value) for value in picture_values(content, dataset, entrant.label, measure)]
        for entrant in entrants(content)
    ]


def _plain(value: Score | NotMeasured) -> Plain:
    if isinstance(value, NotMeasured):
        return [numbers.not_measured(value.why)]
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return round(value, DECIMALS)

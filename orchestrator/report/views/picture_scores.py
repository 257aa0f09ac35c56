"""The scores of single pictures: beside each picture, and in one table."""

from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.content import Dataset, NotMeasured, ReportContent, Score
from orchestrator.report.lookup import entrants, metric_format, picture_names, primary_protocol, scores
from stagekit.measures import TRUTH


@dataclass(frozen=True)
class LabelledScore:
    """One score of one picture."""

    metric: str
    text: str
    missing: bool


@dataclass(frozen=True)
class ScoreColumn:
    """One column of the table.

    Attributes:
        number: Counts from 1, for the script that sorts.
    """

    number: int
    title: str
    metric: str
    arrow: str


@dataclass(frozen=True)
class ScoreCell:
    """One score.

    Attributes:
        value: For sorting, empty where it is missing.
    """

    place: int
    text: str
    value: str


@dataclass(frozen=True)
class ScoreRow:
    """One picture's scores."""

    anchor: str
    name: str
    cells: tuple[ScoreCell, ...]


class PictureScoreTable:
    """The scores of a dataset's pictures in the primary protocol; empty for photographs, which have none."""

    def __init__(self, content: ReportContent, dataset: Dataset) -> None:
        self._entrants = entrants(content)
        protocol = primary_protocol(content)
        metrics = protocol.metrics if dataset.role == "pairs" else ()
        self._metrics = [metric_format(content, metric.name) for metric in metrics]
        self._names = picture_names(dataset)
        self._values: dict[tuple[str, str], dict[str, Score | NotMeasured]] = {}
        self._absent: dict[str, NotMeasured] = {}
        for entrant in self._entrants if self._metrics else ():
            found = scores(content, entrant.label, dataset.name, protocol.name)
            if isinstance(found, NotMeasured):
                self._absent[entrant.label] = found
            else:
                self._values |= {(entrant.label, item.id): dict(item.values) for item in found.items}

    def labelled(self, label: str, item: str) -> tuple[LabelledScore, ...]:
        """Return an entrant's scores of one picture, with their names and units."""
        return tuple(
            LabelledScore(metric.title, self._text(label, item, metric), isinstance(value, NotMeasured))
            for metric in self._metrics
            for value in [self._value(label, item, metric)]
        )

    def columns(self) -> tuple[ScoreColumn, ...]:
        """Return the table's columns: by metric, then by network; the truth is left out, it is perfect everywhere."""
        return tuple(
            ScoreColumn(number, title, metric.title, metric.arrow)
            for number, (_label, title, metric) in enumerate(self._named(), 1)
        )

    def rows(self) -> tuple[ScoreRow, ...]:
        """Return the table's rows, in the dataset's order."""
        return tuple(
            ScoreRow(
                f"picture-{number}",
                name,
                tuple(
                    self._cell(place, label, item, metric)
                    for place, (label, _title, metric) in enumerate(self._named(), 1)
                ),
            )
            for number, (item, name) in enumerate(self._names.items(), 1)
            if self._metrics
        )

    def _named(self) -> list[tuple[str, str, numbers.MetricFormat]]:
        shown = [entrant for entrant in self._entrants if entrant.label != TRUTH]
        return [(entrant.label, entrant.title, metric) for metric in self._metrics for entrant in shown]

    def _cell(self, place: int, label: str, item: str, metric: numbers.MetricFormat) -> ScoreCell:
        value = self._value(label, item, metric)
        return ScoreCell(
            place, self._text(label, item, metric, unit=False), "" if isinstance(value, NotMeasured) else repr(value)
        )

    def _value(self, label: str, item: str, metric: numbers.MetricFormat) -> Score | NotMeasured:
        if label in self._absent:
            return self._absent[label]
        values = self._values.get((label, item))
        if values is None:
            return NotMeasured("the picture was not scored")
        return values.get(metric.name, NotMeasured("the evaluation has no such metric"))

    def _text(self, label: str, item: str, metric: numbers.MetricFormat, *, unit: bool = True) -> str:
        value = self._value(label, item, metric)
        if isinstance(value, NotMeasured):
            return numbers.not_measured(value.why)
        rivals = [self._value(entrant.label, item, metric) for entrant in self._entrants]
        text = numbers.score(value, metric, [rival for rival in rivals if not isinstance(rival, NotMeasured)])
        return f"{text} {metric.unit}" if unit and metric.unit and "∞" not in text else text

"""The summary table: networks and controls by datasets and metrics, means over pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from orchestrator.report import numbers
from orchestrator.report.address import dataset_page, href
from orchestrator.report.content import Dataset, NotMeasured, ReportContent, Scores
from orchestrator.report.lookup import CONTROLS, Entrant, entrants, scores, tested
from orchestrator.report.numbers import MetricFormat


@dataclass(frozen=True)
class MetricColumn:
    """One column of scores. number: counts the columns of the table from 1, for the script that sorts."""

    number: int
    title: str
    unit: str
    arrow: str
    better: Literal["higher", "lower"]


@dataclass(frozen=True)
class DatasetColumns:
    """The columns of one dataset."""

    title: str
    href: str
    pictures: str
    metrics: tuple[MetricColumn, ...]
    width: int


@dataclass(frozen=True)
class Cell:
    """One cell. value: for sorting, empty where not measured; span: columns that it covers; place: its column."""

    place: int
    kind: Literal["score", "count", "missing"]
    text: str
    remark: str = ""
    value: str = ""
    span: int = 1
    best: bool = False
    beside_input: Literal["", "better", "worse"] = ""


@dataclass(frozen=True)
class Row:
    """A network or a control."""

    label: str
    title: str
    remark: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ShownDataset:
    """A dataset of photographs without truth: shown, never scored."""

    title: str
    href: str
    pictures: str


@dataclass(frozen=True)
class SummaryView:
    """The table, what is shown without scores, and the test datasets that were not prepared."""

    datasets: tuple[DatasetColumns, ...]
    rows: tuple[Row, ...]
    controls: tuple[Row, ...]
    columns: int
    any_best: bool
    photos: tuple[ShownDataset, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True)
class _Measured:
    """One entrant's values of one metric on one dataset."""

    values: tuple[float, ...]
    whole: bool
    why: str

    @property
    def mean(self) -> float:
        return numbers.mean(self.values)


def summary_view(content: ReportContent) -> SummaryView:
    """Return the summary table of a comparison."""
    pairs = [dataset for dataset in tested(content) if dataset.role == "pairs"]
    formats = [numbers.metric_format(name, content.features) for name in content.metrics]
    everyone = entrants(content)
    width = len(formats) + 1
    columns = [_columns(dataset, formats, 1 + index * width) for index, dataset in enumerate(pairs)]
    cells: dict[str, list[Cell]] = {entrant.label: [] for entrant in everyone}
    for index, dataset in enumerate(pairs):
        for label, found in _dataset_cells(content, dataset, formats, everyone, 1 + index * width).items():
            cells[label] += found
    rows = [
        (entrant, Row(entrant.label, entrant.title, _remark(entrant), tuple(cells[entrant.label])))
        for entrant in everyone
    ]
    return SummaryView(
        datasets=tuple(columns),
        rows=tuple(row for entrant, row in rows if not entrant.control),
        controls=tuple(row for entrant, row in rows if entrant.control),
        columns=1 + len(pairs) * width,
        any_best=any(cell.best for found in cells.values() for cell in found),
        photos=tuple(
            ShownDataset(
                dataset.title, href(dataset_page(dataset.name)), numbers.count(len(dataset.items), "photograph")
            )
            for dataset in tested(content)
            if dataset.role == "photos"
        ),
        absent=tuple(name for name in content.test if name not in {dataset.name for dataset in content.datasets}),
    )


def _remark(entrant: Entrant) -> str:
    if entrant.control:
        return CONTROLS[entrant.label]
    return entrant.label if entrant.label != entrant.title else ""


def _columns(dataset: Dataset, formats: list[MetricFormat], first: int) -> DatasetColumns:
    return DatasetColumns(
        title=dataset.title,
        href=href(dataset_page(dataset.name)),
        pictures=numbers.count(len(dataset.items), "picture"),
        metrics=tuple(
            MetricColumn(first + index, metric.title, metric.unit, metric.arrow, metric.better)
            for index, metric in enumerate(formats)
        ),
        width=len(formats) + 1,
    )


def _dataset_cells(
    content: ReportContent,
    dataset: Dataset,
    formats: list[MetricFormat],
    everyone: tuple[Entrant, ...],
    first: int,
) -> dict[str, list[Cell]]:
    """Return every entrant's cells of one dataset."""
    found = {entrant.label: scores(content, entrant.label, dataset.name) for entrant in everyone}
    there = {label: value for label, value in found.items() if isinstance(value, Scores)}
    cells: dict[str, list[Cell]] = {
        label: [Cell(first, "missing", numbers.not_measured(value.why), span=len(formats) + 1)]
        for label, value in found.items()
        if isinstance(value, NotMeasured)
    }
    cells |= {label: [] for label in there}
    total = len(dataset.items)
    for index, metric in enumerate(formats):
        measured = {label: _measured(value, metric.name, total) for label, value in there.items()}
        best = _best([entrant.label for entrant in everyone if not entrant.control], measured, metric)
        for label in there:
            cells[label].append(_score_cell(label, measured, metric, best, first + index))
    for label, value in there.items():
        cells[label].append(Cell(first + len(formats), "count", str(len(value.items)), value=str(len(value.items))))
    return cells


def _measured(found: Scores, metric: str, total: int) -> _Measured:
    values = [item.values.get(metric, NotMeasured("the evaluation has no such metric")) for item in found.items]
    reasons = dict.fromkeys(value.why for value in values if isinstance(value, NotMeasured))
    there = tuple(value for value in values if not isinstance(value, NotMeasured))
    why = "; ".join(reasons) or ("the dataset has no pictures" if not total else "no picture was scored")
    return _Measured(there, whole=len(there) == total and total > 0, why=why)


def _best(labels: list[str], measured: Mapping[str, _Measured], metric: MetricFormat) -> frozenset[str]:
    """Return which networks are best, among those that were measured on every picture; a lone one is not ranked."""
    ranked = {label: measured[label].mean for label in labels if label in measured and measured[label].whole}
    if len(ranked) < 2 or not metric.ranked:
        return frozenset()
    top = (max if metric.better == "higher" else min)(ranked.values())
    best = frozenset(label for label, value in ranked.items() if numbers.same(value, top))
    return best if len(best) < len(ranked) else frozenset()


def _score_cell(
    label: str, measured: Mapping[str, _Measured], metric: MetricFormat, best: frozenset[str], place: int
) -> Cell:
    own = measured[label]
    if not own.values:
        return Cell(place, "missing", numbers.not_measured(own.why))
    among = [other.mean for other in measured.values() if other.values]
    return Cell(
        place,
        "score",
        numbers.mean_score(own.values, metric, among),
        remark=""
        if own.whole
        else f"over {numbers.count(len(own.values), 'picture')}; {numbers.not_measured(own.why)}",
        value=repr(own.mean),
        best=label in best,
        beside_input=_beside_input(label, measured, metric),
    )


def _beside_input(
    label: str, measured: Mapping[str, _Measured], metric: MetricFormat
) -> Literal["", "better", "worse"]:
    """Say whether a network does better than doing nothing; only where both were measured on every picture."""
    own, nothing = measured[label], measured.get("input")
    if label in CONTROLS or nothing is None or not (own.whole and nothing.whole):
        return ""
    if numbers.same(own.mean, nothing.mean):
        return ""
    return "better" if (own.mean > nothing.mean) == (metric.better == "higher") else "worse"

"""The summary tables, one for every protocol: networks and controls by datasets and metrics, means over pictures."""

from dataclasses import dataclass
from typing import Literal

from orchestrator.report import numbers
from orchestrator.report.address import EXPLAINED, PROVENANCE, PUBLISHED, SCORES, dataset_page, href
from orchestrator.report.content import Dataset, NotMeasured, ReportContent, Scores
from orchestrator.report.lookup import (
    entrants,
    metric_format,
    metric_ranking,
    networks,
    primary_protocol,
    scores,
    tested,
)
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.rankings import MetricRanking
from orchestrator.report.training_content import Elsewhere
from orchestrator.report.views.mean_cell import Cell, mean_cell
from orchestrator.spec.protocol import INFINITE_RULE, Protocol
from stagekit.measures import CONTROLS
from stagekit.results.predictions import ELSEWHERE


@dataclass(frozen=True)
class MetricColumn:
    """One column of scores.

    Attributes:
        number: Counts the columns of the table from 1, for the script that sorts.
    """

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
class Row:
    """A network or a control."""

    label: str
    title: str
    remark: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ProtocolTable:
    """The scores of one protocol.

    Attributes:
        anchor: Its id on the page.
        fault: Why it must not be believed, may be empty.
    """

    anchor: str
    title: str
    name: str
    scored: str
    fault: str
    datasets: tuple[DatasetColumns, ...]
    rows: tuple[Row, ...]
    controls: tuple[Row, ...]
    columns: int
    any_best: bool
    any_beside: bool
    any_few: bool
    any_runs: bool


@dataclass(frozen=True)
class ShownDataset:
    """A dataset of photographs without truth: shown, never scored."""

    title: str
    href: str
    pictures: str


@dataclass(frozen=True)
class SummaryView:
    """The tables, what is shown without scores, and the test datasets that were not prepared."""

    tables: tuple[ProtocolTable, ...]
    rule: str
    provenance_href: str
    scores_href: str
    published_href: str
    explained_href: str
    photos: tuple[ShownDataset, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    """A row to be: a network with its runs, or a control."""

    name: str
    title: str
    remark: str
    labels: tuple[str, ...]
    control: bool


def summary_view(content: ReportContent) -> SummaryView:
    """Return the summary tables of a comparison."""
    pairs = [dataset for dataset in tested(content) if dataset.role == "pairs"]
    entries = _entries(content)
    return SummaryView(
        tables=tuple(_table(content, protocol, pairs, entries) for protocol in content.protocols if pairs),
        rule=INFINITE_RULE,
        provenance_href=href(PROVENANCE),
        scores_href=href(SCORES) if pairs else "",
        published_href=href(PUBLISHED) if content.published and pairs else "",
        explained_href=href(EXPLAINED) if content.explained and pairs else "",
        photos=tuple(
            ShownDataset(
                dataset.title, href(dataset_page(dataset.name)), numbers.count(len(dataset.items), "photograph")
            )
            for dataset in tested(content)
            if dataset.role == "photos"
        ),
        absent=tuple(name for name in content.test if name not in {dataset.name for dataset in content.datasets}),
    )


def _entries(content: ReportContent) -> list[_Entry]:
    elsewhere = {model.label for model in content.models if isinstance(model.training, Elsewhere)}
    found = []
    for network in networks(content):
        name = network.name if network.name != network.title else ""
        remark = ", ".join(filter(None, (name, ELSEWHERE if network.name in elsewhere else "")))
        found.append(_Entry(network.name, network.title, remark, network.labels, False))
    controls = [entrant.label for entrant in entrants(content) if entrant.control]
    return [*found, *(_Entry(label, label, CONTROLS[label].title, (label,), True) for label in controls)]


def _table(content: ReportContent, protocol: Protocol, pairs: list[Dataset], entries: list[_Entry]) -> ProtocolTable:
    formats = [metric_format(content, metric.name, ranked=protocol.ranked) for metric in protocol.metrics]
    width = len(formats) + 1
    cells: dict[str, list[Cell]] = {entry.name: [] for entry in entries}
    for index, dataset in enumerate(pairs):
        first = 1 + index * width
        rankings = [metric_ranking(content, dataset.name, protocol.name, metric.name) for metric in formats]
        for entry in entries:
            cells[entry.name] += _cells(content, entry, dataset, protocol, formats, rankings, first)
    rows = [(entry, Row(entry.name, entry.title, entry.remark, tuple(cells[entry.name]))) for entry in entries]
    every = [cell for found in cells.values() for cell in found]
    return ProtocolTable(
        anchor=f"scores-{protocol.name}",
        title="Scores" if protocol == primary_protocol(content) else protocol.title,
        name=protocol.label,
        scored=protocol.scored,
        fault=protocol.fault,
        datasets=tuple(_columns(dataset, formats, 1 + index * width) for index, dataset in enumerate(pairs)),
        rows=tuple(row for entry, row in rows if not entry.control),
        controls=tuple(row for entry, row in rows if entry.control),
        columns=1 + len(pairs) * width,
        any_best=any(cell.best for cell in every),
        any_beside=any(cell.beside_input for cell in every),
        any_few=any(cell.beside_input and cell.beside_input.kind in {"ahead", "behind", "few"} for cell in every),
        any_runs=any(cell.runs for cell in every),
    )


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


def _cells(
    content: ReportContent,
    entry: _Entry,
    dataset: Dataset,
    protocol: Protocol,
    formats: list[MetricFormat],
    rankings: list[MetricRanking],
    first: int,
) -> list[Cell]:
    """Return an entry's cells of one dataset; one that covers all of them where there are no scores."""
    found = [scores(content, label, dataset.name, protocol.name) for label in entry.labels]
    if not any(isinstance(ranking, Scores) for ranking in found):
        reasons = dict.fromkeys(ranking.why for ranking in found if isinstance(ranking, NotMeasured))
        return [Cell(first, "missing", numbers.not_measured("; ".join(reasons)), span=len(formats) + 1)]
    cells = [
        mean_cell(entry.name, ranking, metric, first + index)
        for index, (metric, ranking) in enumerate(zip(formats, rankings, strict=True))
    ]
    measured = [ranking.means[entry.name] for ranking in rankings if entry.name in ranking.means]
    n = str(max((mean.finite + len(mean.infinite) for mean in measured), default=0))
    return [*cells, Cell(first + len(formats), "count", n, value=n)]

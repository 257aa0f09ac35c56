"""The matrix of the first page: networks by datasets in one metric, with marks, mean ranks, and who stands together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.report import numbers
from orchestrator.report.address import dataset_page, href
from orchestrator.report.content import Dataset, ReportContent
from orchestrator.report.lookup import (
    entrants,
    metric_format,
    metric_ranking,
    networks,
    overall_ranking,
    primary_protocol,
    tested,
)
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.overall import OverallRanking
from orchestrator.report.views.headline import overall_order
from orchestrator.report.views.judgement_text import Mark, listed
from orchestrator.report.views.mean_cell import mean_cell
from orchestrator.spec.protocol import Protocol
from stagekit.measures import CONTROLS


@dataclass(frozen=True)
class MatrixColumn:
    """One dataset.

    Attributes:
        number: Counts the columns from 1, for the script that sorts.
    """

    number: int
    title: str
    href: str
    pictures: str


@dataclass(frozen=True)
class MatrixCell:
    """One mean, as `mean_cell.Cell` has it at length.

    Attributes:
        text: As short as it can be said.
        short: What it leaves out, where that fits.
    """

    place: int
    kind: Literal["score", "count", "missing"]
    text: str
    short: str
    value: str
    best: bool
    incomplete: bool
    beside_input: Mark | None
    making: str


@dataclass(frozen=True)
class MatrixRow:
    """A network or a control.

    Attributes:
        rank: Its mean rank, empty where it has none.
        bars: For every group of networks that stand together, whether it is one of them.
        together: The same in words.
    """

    label: str
    title: str
    remark: str
    cells: tuple[MatrixCell, ...]
    rank: str
    bars: tuple[bool, ...]
    together: str


@dataclass(frozen=True)
class MatrixTable:
    """The matrix of one metric.

    Attributes:
        key: Names it on the page.
        ranks: Whether there are mean ranks.
        ranked: What they were taken over, in words; the groups are those of every two networks' common pictures.
        shown: Whether it is the one that is shown at first.
    """

    key: str
    title: str
    unit: str
    better: Literal["higher", "lower"]
    protocol: str
    columns: tuple[MatrixColumn, ...]
    rows: tuple[MatrixRow, ...]
    controls: tuple[MatrixRow, ...]
    ranks: bool
    ranked: str
    any_best: bool
    any_beside: bool
    any_few: bool
    shown: bool


def matrix_tables(content: ReportContent) -> tuple[MatrixTable, ...]:
    """Return the matrix of every metric of the protocols that rank, that to judge by first."""
    pairs = [dataset for dataset in tested(content) if dataset.role == "pairs"]
    first = primary_protocol(content)
    protocols = [first, *(one for one in content.protocols if one.ranked and one is not first)]
    return tuple(
        _table(content, protocol, index, pairs)
        for protocol in protocols
        for index in range(len(protocol.metrics))
        if pairs
    )


def _table(content: ReportContent, protocol: Protocol, index: int, pairs: Sequence[Dataset]) -> MatrixTable:
    metric = metric_format(content, protocol.metrics[index].name, ranked=protocol.ranked)
    overall = overall_ranking(content, protocol.name, metric.name)
    rows = tuple(_rows(content, protocol, metric, pairs, overall))
    cells = [cell for row in rows for cell in row.cells]
    controls = [entrant.label for entrant in entrants(content) if entrant.control]
    return MatrixTable(
        key=f"matrix-{protocol.name}-{metric.name}",
        title=metric.title,
        unit=metric.unit,
        better=metric.better,
        protocol=protocol.label,
        columns=tuple(
            MatrixColumn(
                number, dataset.title, href(dataset_page(dataset.name)), numbers.count(len(dataset.items), "picture")
            )
            for number, dataset in enumerate(pairs, 1)
        ),
        rows=rows,
        controls=tuple(
            _row(content, label, label, CONTROLS[label].title, _cells(content, label, protocol, metric, pairs), None)
            for label in controls
        ),
        ranks=overall is not None and bool(overall.ranks),
        ranked="" if overall is None else _ranked(overall),
        any_best=any(cell.best for cell in cells),
        any_beside=any(cell.beside_input for cell in cells),
        shown=protocol == primary_protocol(content) and index == 0,
        any_few=any(cell.beside_input and cell.beside_input.kind in {"ahead", "behind", "few"} for cell in cells),
    )


def _ranked(overall: OverallRanking) -> str:
    every = overall.ranked == overall.pictures
    pictures = f"{'all ' if every else ''}{numbers.count(overall.ranked, 'picture')}"
    where = "" if overall.datasets == 1 else f" of {overall.datasets} datasets"
    return pictures + where + ("" if every else " that every network was measured on")


def _rows(
    content: ReportContent,
    protocol: Protocol,
    metric: MetricFormat,
    pairs: Sequence[Dataset],
    overall: OverallRanking | None,
) -> Iterator[MatrixRow]:
    """Yield the networks: the best mean rank first, then those without one in the order of the spec."""
    known = {network.name: network for network in networks(content)}
    order = overall_order(overall) if overall is not None else []
    if overall is not None and overall.ranks:
        order = sorted(order, key=lambda name: overall.ranks[name])
    for name in (*order, *(name for name in known if name not in order)):
        network = known[name]
        remark = name if name != network.title else ""
        yield _row(content, name, network.title, remark, _cells(content, name, protocol, metric, pairs), overall)


def _row(
    content: ReportContent,
    name: str,
    title: str,
    remark: str,
    cells: tuple[MatrixCell, ...],
    overall: OverallRanking | None,
) -> MatrixRow:
    groups = () if overall is None else overall.groups
    titles = {network.name: network.title for network in networks(content)}
    alike = [titles[other] for other in titles if other != name and any({name, other} <= group for group in groups)]
    rank = None if overall is None else overall.ranks.get(name)
    return MatrixRow(
        label=name,
        title=title,
        remark=remark,
        cells=cells,
        rank="" if rank is None else f"{rank:.2f}",
        bars=tuple(name in group for group in groups),
        together=f"not told apart from {listed(alike)}" if alike else "",
    )


def _cells(
    content: ReportContent, name: str, protocol: Protocol, metric: MetricFormat, pairs: Sequence[Dataset]
) -> tuple[MatrixCell, ...]:
    found = []
    for number, dataset in enumerate(pairs, 1):
        ranking = metric_ranking(content, dataset.name, protocol.name, metric.name)
        cell = mean_cell(name, ranking, metric, number)
        own = ranking.means.get(name)
        short = f"{own.finite + len(own.infinite)} of {own.total}" if own is not None and own.missing else ""
        text = cell.text.replace(numbers.IDENTICAL, numbers.INFINITE)
        short = short if cell.kind == "score" else ""
        marks = (cell.best, cell.incomplete, cell.beside_input, cell.making)
        found.append(MatrixCell(number, cell.kind, text, short, cell.value, *marks))
    return tuple(found)

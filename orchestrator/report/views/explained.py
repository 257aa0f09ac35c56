"""What each cell of an old table really measured: its formulas on this comparison's pictures, beside the true ones."""

from dataclasses import dataclass

from orchestrator.report.address import dataset_page, href
from orchestrator.report.content import Dataset, ReportContent
from orchestrator.report.lookup import metric_format, metric_ranking, networks, primary_protocol, tested
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.views.mean_cell import Cell, mean_cell
from orchestrator.spec.explained import ExplainedDataset, ExplainedNetwork, ExplainedTable
from stagekit.measures import HOUSE, INPUT, PROTOCOLS

NOT_HERE = "not in this run"


@dataclass(frozen=True)
class Explanation:
    """One cell of the table.

    Attributes:
        printed: What the table prints, with what is known of it.
        formula: What its formula gives on this run's pictures.
        meant: What it meant to measure, on the same pictures.
        true: By the protocol that this report judges by.
        nothing: What doing nothing gets by its formula.
        verdict: What follows.
    """

    metric: str
    printed: str
    known: str
    measured: str
    formula: str
    meant: str
    true: str
    nothing: str
    verdict: str


@dataclass(frozen=True)
class ExplainedRow:
    """One network on one dataset."""

    title: str
    training: str
    cells: tuple[Explanation, ...]


@dataclass(frozen=True)
class ExplainedColumn:
    """One dataset.

    Attributes:
        counts: What the table says of its size, and what is so.
        wrapped: How often the formula fails.
    """

    title: str
    href: str
    counts: str
    note: str
    wrapped: str
    rows: tuple[ExplainedRow, ...]


@dataclass(frozen=True)
class ExplainedPart:
    """One table."""

    title: str
    source: str
    conclusion: str
    verdict: str
    protocol: str
    columns: tuple[ExplainedColumn, ...]


@dataclass(frozen=True)
class ExplainedView:
    """All tables that this run explains."""

    tables: tuple[ExplainedPart, ...]


@dataclass(frozen=True)
class _Place:
    """A cell's place: a network of the table on a dataset of it, with ours where this run has them."""

    content: ReportContent
    table: ExplainedTable
    network: ExplainedNetwork
    dataset: Dataset | None
    ours: str | None

    def cell(self, protocol: str, metric: str, name: str | None = None) -> Cell | None:
        """Return our mean; None where the run has not this dataset, network or metric."""
        entrant = name or self.ours
        known = {m.name for p in self.content.protocols if p.name == protocol for m in p.metrics}
        if self.dataset is None or entrant is None or metric not in known:
            return None
        ranking = metric_ranking(self.content, self.dataset.name, protocol, metric)
        return mean_cell(entrant, ranking, metric_format(self.content, metric))


def explained_view(content: ReportContent) -> ExplainedView:
    """Return what the cells of the old tables really measured."""
    return ExplainedView(tuple(_part(content, table) for table in content.explained))


def _part(content: ReportContent, table: ExplainedTable) -> ExplainedPart:
    label = next(protocol.label for protocol in content.protocols if protocol.name == table.protocol)
    columns = tuple(_column(content, table, column) for column in table.datasets)
    return ExplainedPart(table.title, table.source, table.conclusion, table.verdict, label, columns)


def _column(content: ReportContent, table: ExplainedTable, column: ExplainedDataset) -> ExplainedColumn:
    dataset = next((found for found in tested(content) if found.name == column.name and found.role == "pairs"), None)
    specs = {model.label: model.spec for model in content.models}
    ours = {specs[network.labels[0]]: network.name for network in networks(content)}
    places = [_Place(content, table, network, dataset, ours.get(network.model)) for network in table.networks]
    telling = [metric.name for metric in PROTOCOLS[table.protocol].metrics if metric.tells_fault]
    wrapped = places[0].cell(table.protocol, telling[0], INPUT) if telling else None
    return ExplainedColumn(
        title=dataset.title if dataset else column.name,
        href=href(dataset_page(dataset.name)) if dataset else "",
        counts=_counts(column, dataset),
        note=column.note,
        wrapped=wrapped.text if wrapped else "",
        rows=tuple(_row(place, column.name) for place in places),
    )


def _counts(column: ExplainedDataset, dataset: Dataset | None) -> str:
    said = []
    if column.claimed is not None:
        said.append(f"the table says {column.claimed} pictures")
    if column.logged is not None:
        said.append(f"its own log shows {column.logged}")
    said.append(f"this run has {len(dataset.items)}" if dataset else NOT_HERE)
    return ", ".join(said)


def _row(place: _Place, dataset: str) -> ExplainedRow:
    titles = {network.name: network.title for network in networks(place.content)}
    return ExplainedRow(
        title=titles[place.ours] if place.ours is not None else place.network.model,
        training=place.network.training,
        cells=tuple(_explanation(place, dataset, metric) for metric in _explained_metrics(place.table)),
    )


def _explained_metrics(table: ExplainedTable) -> list[str]:
    """Return the metrics of the house protocol of which the table's own has another notion."""
    own = {metric.name for metric in PROTOCOLS[table.protocol].metrics}
    return [metric.name for metric in PROTOCOLS[HOUSE].metrics if metric.name in own]


def _explanation(place: _Place, dataset: str, metric: str) -> Explanation:
    faulty = place.network.protocol == place.table.protocol
    known = next(
        (c for c in place.table.cells if (c.dataset, c.model, c.metric) == (dataset, place.network.model, metric)), None
    )
    judged = primary_protocol(place.content).name
    # A program without a formula of its own for a metric took the usual one.
    own = {found.name for found in PROTOCOLS[place.network.protocol].metrics}
    protocol = place.network.protocol if metric in own else judged
    meaning = PROTOCOLS[place.table.protocol].metric(metric).meant if faulty else ""
    shown = metric_format(place.content, metric)
    formula = place.cell(protocol, metric)
    nothing = place.cell(protocol, metric, INPUT)
    meant = place.cell(place.table.protocol, meaning) if meaning else None
    return Explanation(
        metric=shown.title,
        printed=known.printed if known else "not recorded",
        known=known.note if known else "",
        measured=place.network.faults.get(metric, ""),
        formula=_text(formula),
        meant=_text(meant) if meant else "",
        true=_text(place.cell(judged, metric)),
        nothing=_text(nothing),
        verdict=_verdict(formula, nothing, shown) if faulty and shown.ranked else "",
    )


def _text(cell: Cell | None) -> str:
    return NOT_HERE if cell is None else "; ".join((cell.text, *cell.remarks))


def _verdict(formula: Cell | None, nothing: Cell | None, metric: MetricFormat) -> str:
    """Say where the formula itself puts a network below doing nothing."""
    if formula is None or nothing is None or not formula.value or not nothing.value:
        return ""
    own, idle = float(formula.value), float(nothing.value)
    worse = own < idle if metric.better == "higher" else own > idle
    return "below doing nothing on its own scale" if worse else ""

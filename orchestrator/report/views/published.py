"""Ours beside published numbers: the difference where it means something, and what agreement to expect."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.content import Dataset, ReportContent
from orchestrator.report.lookup import metric_format, metric_ranking, networks, primary_protocol, tested
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.views.mean_cell import mean_cell
from orchestrator.spec.published_numbers import PublishedRow, PublishedTable
from stagekit.measures import HOUSE, INPUT, PROTOCOLS

METRICS = tuple(metric.name for metric in PROTOCOLS[HOUSE].metrics if metric.printed)
"""The metrics that are set beside each other: those that every table has."""

UNKNOWN = "not known"


@dataclass(frozen=True)
class Beside:
    """One published number and ours.

    Attributes:
        difference: Ours minus theirs.
        why: Why there is none.
    """

    printed: str
    ours: str
    difference: str
    why: str


@dataclass(frozen=True)
class OwnMean:
    """Our mean of one metric.

    Attributes:
        text: Says why where there is none.
    """

    text: str
    interval: str
    measured: bool


@dataclass(frozen=True)
class PublishedLine:
    """One published row.

    Attributes:
        kind: 'paper' or 're-run'.
        remark: What is known of its pictures.
        numbers: PSNR, SSIM.
    """

    source: str
    kind: str
    protocol: str
    n: str
    remark: str
    numbers: tuple[Beside, ...]


@dataclass(frozen=True)
class PublishedNetwork:
    """What is published of one network on a dataset.

    Attributes:
        own: Our means, in the order of the metrics; empty where none.
        spread: How far the published numbers lie apart, in words.
    """

    title: str
    own: tuple[OwnMean, ...]
    own_protocol: str
    own_n: str
    lines: tuple[PublishedLine, ...]
    spread: str


@dataclass(frozen=True)
class PublishedDataset:
    """One dataset.

    Attributes:
        pictures: How many we tested on.
    """

    title: str
    pictures: str
    networks: tuple[PublishedNetwork, ...]


@dataclass(frozen=True)
class PublishedSource:
    """One table that the numbers are from."""

    title: str
    kind: str
    source: str
    evidence: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PublishedView:
    """The page.

    Attributes:
        absent: Test datasets of which nothing is published here.
    """

    datasets: tuple[PublishedDataset, ...]
    sources: tuple[PublishedSource, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True)
class _Ours:
    """What we measured of a network on a dataset, by protocol and metric."""

    content: ReportContent
    dataset: Dataset
    name: str

    def shown(self, protocol: str, metric: str) -> OwnMean:
        ranking = metric_ranking(self.content, self.dataset.name, protocol, metric)
        cell = mean_cell(self.name, ranking, metric_format(self.content, metric))
        return OwnMean("; ".join((cell.text, *cell.remarks)), cell.interval, cell.kind == "score")

    def mean(self, protocol: str, metric: str) -> float | None:
        found = metric_ranking(self.content, self.dataset.name, protocol, metric).means.get(self.name)
        return None if found is None or found.missing else found.value


def published_view(content: ReportContent) -> PublishedView:
    """Return what is published of the test datasets, beside our numbers."""
    pairs = [dataset for dataset in tested(content) if dataset.role == "pairs"]
    shown = [(dataset, _rows(content, dataset)) for dataset in pairs]
    used = {table.name for _, rows in shown for table, _ in rows}
    return PublishedView(
        datasets=tuple(_dataset(content, dataset, rows) for dataset, rows in shown if rows),
        sources=tuple(
            PublishedSource(
                table.title,
                table.kind,
                table.source,
                table.evidence,
                tuple(note for note in (table.protocol_note, *table.notes) if note),
            )
            for table in content.published
            if table.name in used
        ),
        absent=tuple(dataset.title for dataset, rows in shown if not rows),
    )


def _rows(content: ReportContent, dataset: Dataset) -> list[tuple[PublishedTable, PublishedRow]]:
    return [(table, row) for table in content.published for row in table.rows if row.dataset == dataset.name]


def _dataset(
    content: ReportContent, dataset: Dataset, rows: list[tuple[PublishedTable, PublishedRow]]
) -> PublishedDataset:
    specs = {model.label: model.spec for model in content.models}
    ours = [(network.title, network.name, specs[network.labels[0]]) for network in networks(content)]
    ours.append((f"unchanged {INPUT}", INPUT, INPUT))
    found = [
        _network(content, dataset, title, _Ours(content, dataset, name), [r for r in rows if r[1].network == spec])
        for title, name, spec in ours
    ]
    known = {spec for _, _, spec in ours}
    others = dict.fromkeys(row.network for _, row in rows if row.network not in known)
    found += [
        _network(content, dataset, name, None, [row for row in rows if row[1].network == name]) for name in others
    ]
    return PublishedDataset(
        dataset.title,
        numbers.count(len(dataset.items), "picture"),
        tuple(network for network in found if network.lines),
    )


def _network(
    content: ReportContent,
    dataset: Dataset,
    title: str,
    ours: _Ours | None,
    rows: list[tuple[PublishedTable, PublishedRow]],
) -> PublishedNetwork:
    protocol = _protocol(content, None)
    return PublishedNetwork(
        title=title,
        own=tuple(ours.shown(protocol, metric) for metric in METRICS) if ours else (),
        own_protocol=_labels(content)[protocol] if ours else "",
        own_n=str(len(dataset.items)) if ours else "",
        lines=tuple(_line(content, dataset, ours, table, row) for table, row in rows),
        spread=_spread(rows),
    )


def _line(
    content: ReportContent, dataset: Dataset, ours: _Ours | None, table: PublishedTable, row: PublishedRow
) -> PublishedLine:
    protocol = row.protocol or table.protocol
    remarks = [text for text in (row.altered, row.variant, *_further(row), row.note) if text]
    return PublishedLine(
        source=table.title,
        kind=table.kind,
        protocol=protocol or UNKNOWN,
        n="not stated" if row.n is None else str(row.n),
        remark="; ".join(remarks),
        numbers=tuple(_beside(content, dataset, ours, protocol, row, metric) for metric in METRICS),
    )


def _further(row: PublishedRow) -> Iterator[str]:
    """Yield what the row prints of metrics that have no column."""
    for metric in PROTOCOLS[HOUSE].metrics:
        value = row.value(metric.name)
        if metric.name not in METRICS and value is not None:
            yield f"{metric.scale.title} {value:.{metric.scale.decimals}f}"


def _beside(
    content: ReportContent,
    dataset: Dataset,
    ours: _Ours | None,
    protocol: str | None,
    row: PublishedRow,
    metric: str,
) -> Beside:
    theirs = row.value(metric)
    shown = numbers.metric_format(metric)
    if theirs is None:
        return Beside("not printed", "", "", "")
    printed = _printed(theirs, shown)
    if ours is None:
        return Beside(printed, "", "", "")
    own_protocol = _protocol(content, protocol)
    own = ours.mean(own_protocol, metric)
    if own is None or not math.isfinite(own):
        return Beside(printed, "", "", "ours is not measured on every picture")
    text = f"{own:.{len(printed.partition('.')[2])}f} ({own_protocol})"
    why = "; ".join(_obstacles(dataset, protocol, own_protocol, row))
    return Beside(printed, text, "" if why else numbers.difference(own - theirs, shown, printed), why)


def _obstacles(dataset: Dataset, protocol: str | None, own: str, row: PublishedRow) -> Iterator[str]:
    """Yield why a difference would mean nothing."""
    n = len(dataset.items)
    if row.n is None:
        yield "number of pictures not stated"
    elif row.n != n:
        yield f"{numbers.count(row.n, 'picture')} there, {n} here"
    if row.altered:
        yield f"other pictures there, {row.altered}"
    if protocol is not None and protocol != own:
        yield f"protocol {protocol} there, {own} here: add it to 'protocols'"


def _labels(content: ReportContent) -> dict[str, str]:
    return {protocol.name: protocol.label for protocol in content.protocols}


def _protocol(content: ReportContent, wanted: str | None) -> str:
    """Return ours to compare with: the same one, else the one to judge by."""
    names = [protocol.name for protocol in content.protocols]
    return next((name for name in names if name == wanted), primary_protocol(content).name)


def _spread(rows: list[tuple[PublishedTable, PublishedRow]]) -> str:
    """Say how far the published numbers of one network on one dataset lie apart."""
    said = []
    for metric in METRICS:
        shown = numbers.metric_format(metric)
        values = [value for _, row in rows for value in [row.value(metric)] if value is not None]
        if len(values) > 1:
            low, high = min(values), max(values)
            if low == high:
                said.append(f"{shown.title} {_printed(low, shown)} in each")
                continue
            width = _printed(high - low, shown)
            said.append(
                f"{shown.title} {_printed(low, shown)} to {_printed(high, shown)}, {width}"
                f"{' ' + shown.unit if shown.unit else ''} apart"
            )
    counts = sorted({row.n for _, row in rows if row.n is not None})
    packs = f", over packs of {' and '.join(map(str, counts))} pictures" if len(counts) > 1 else ""
    return f"Published {'; '.join(said)}{packs}" if said else ""


def _printed(value: float, metric: MetricFormat) -> str:
    return f"{value:.{min(metric.decimals, 3)}f}"

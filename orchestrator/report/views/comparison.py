"""How the networks compare on one dataset: means with intervals, and every two networks over the same pictures."""

from dataclasses import dataclass
from typing import Literal

from orchestrator.report import numbers
from orchestrator.report.address import PROVENANCE, SCORES, href, score_table
from orchestrator.report.content import Dataset, ReportContent, Scores
from orchestrator.report.lookup import entrants, metric_format, metric_ranking, networks, primary_protocol, scores
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.rankings import MetricRanking
from orchestrator.report.views.judgement_text import NOTHING, verdict
from orchestrator.report.views.mean_cell import making_key, mean_remarks, runs_text
from orchestrator.spec.protocol import Protocol, ProtocolMetric
from stagekit.measures import INPUT
from stagekit.paired_test import PairedTest


@dataclass(frozen=True)
class MeanRow:
    """One network's or control's mean.

    Attributes:
        n: Pictures that it is a mean of.
        chance: How probable it is that it is the best mean, empty where that was not asked.
        making: Names, on the page, what it was made of; empty where nothing was measured.
    """

    title: str
    control: bool
    mean: str
    interval: str
    n: str
    remarks: tuple[str, ...]
    best: bool
    chance: str
    making: str = ""


@dataclass(frozen=True)
class DuelRow:
    """Two networks over the same pictures.

    Attributes:
        difference: Of the means, the first's less the second's, with its sign.
        interval: Of the typical difference where the two differ, with how sure it is; of too few pictures, of all
            differences.
        verdict: Which is better, that they cannot be told apart, or that there are too few pictures.
    """

    first: str
    second: str
    won: str
    n: str
    difference: str
    interval: str
    p: str
    verdict: str
    apart: bool


@dataclass(frozen=True)
class MetricSection:
    """One metric of one protocol.

    Attributes:
        anchor: Its id on the page.
        any_chance: Whether any network has a chance to be told of.
        unfolded: Whether it is shown at once.
    """

    anchor: str
    title: str
    unit: str
    better: Literal["higher", "lower"]
    protocol: str
    definition: str
    fault: str
    means: tuple[MeanRow, ...]
    any_chance: bool
    duels: tuple[DuelRow, ...]
    unfolded: bool


@dataclass(frozen=True)
class ScoreFile:
    """A Parquet file with the scores of one network or control in one protocol."""

    text: str
    href: str


@dataclass(frozen=True)
class ComparisonView:
    """All metrics of a dataset, and the files with the scores of its pictures."""

    metrics: tuple[MetricSection, ...]
    csv_href: str
    provenance_href: str
    files: tuple[ScoreFile, ...]


def comparison_view(content: ReportContent, dataset: Dataset) -> ComparisonView:
    """Return how the networks compare on a dataset of pairs."""
    return ComparisonView(
        metrics=tuple(
            _section(content, dataset, protocol, index)
            for protocol in content.protocols
            for index in range(len(protocol.metrics))
        ),
        csv_href=href(SCORES),
        provenance_href=href(PROVENANCE),
        files=tuple(
            ScoreFile(
                f"{entrant.title}, {protocol.label}", href(score_table(entrant.label, dataset.name, protocol.name))
            )
            for protocol in content.protocols
            for entrant in entrants(content)
            for found in [scores(content, entrant.label, dataset.name, protocol.name)]
            if isinstance(found, Scores) and found.table is not None
        ),
    )


def _section(content: ReportContent, dataset: Dataset, protocol: Protocol, index: int) -> MetricSection:
    measured = protocol.metrics[index]
    metric = metric_format(content, measured.name, ranked=protocol.ranked)
    ranking = metric_ranking(content, dataset.name, protocol.name, measured.name)
    titles = {network.name: network.title for network in networks(content)}
    controls = [entrant.label for entrant in entrants(content) if entrant.control]
    rows = [(name, title, False) for name, title in titles.items()]
    rows += [(name, name, True) for name in controls]
    titles[INPUT] = NOTHING
    duels = [_duel(test, titles, metric) for test in (*ranking.pairs, *ranking.beside.values())]
    return MetricSection(
        anchor=f"{protocol.name}-{measured.name}",
        title=metric.title,
        unit=metric.unit,
        better=metric.better,
        protocol=protocol.label,
        definition=_definition(measured),
        fault=protocol.fault,
        means=tuple(_mean(name, title, ranking, metric, control=control) for name, title, control in rows),
        any_chance=bool(ranking.chances),
        duels=tuple(duels),
        unfolded=protocol == primary_protocol(content) and index == 0,
    )


def _definition(metric: ProtocolMetric) -> str:
    """Return how a metric is computed; of one from a plug-in also who defined it and where it comes from."""
    origin = f"of the plug-in {metric.plugin}" if metric.plugin else ""
    said = "; ".join(filter(None, (metric.source, origin)))
    return f"{metric.definition} ({said})" if said else metric.definition


def _mean(name: str, title: str, ranking: MetricRanking, metric: MetricFormat, *, control: bool) -> MeanRow:
    own = ranking.means.get(name)
    if own is None:
        return MeanRow(title, control, numbers.not_measured("no result was recorded"), "", "0", (), False, "")
    among = [mean.value for mean in ranking.means.values() if mean.value is not None]
    spread = runs_text(own, metric)
    missing = own.value is None and not own.infinite
    text = numbers.not_measured("; ".join(own.missing)) if missing else ""
    return MeanRow(
        title=title,
        control=control,
        mean=text or numbers.mean(own.value, len(own.infinite), metric, among),
        interval=numbers.interval(own.low, own.high, metric),
        n=str(own.finite or len(own.infinite)),
        remarks=() if missing else (*((spread,) if spread else ()), *mean_remarks(own)),
        best=name in ranking.best,
        chance=numbers.probability(ranking.chances[name]) if name in ranking.chances else "",
        making="" if missing else making_key(name, ranking.dataset, ranking.protocol, ranking.metric),
    )


def _duel(test: PairedTest, titles: dict[str, str], metric: MetricFormat) -> DuelRow:
    ties = test.n - test.won - test.lost
    share = f"{100 * test.won / test.n:.0f} % ({test.won} of {test.n})" if test.n else "no picture in common"
    bounds = numbers.difference_bounds(test.low, test.high, metric)
    sure = "all pictures" if test.confidence is None else numbers.confidence(test.confidence)
    return DuelRow(
        first=titles[test.first],
        second=titles[test.second],
        won=share + (f", {ties} alike" if ties else ""),
        n=str(test.n),
        difference="" if test.difference is None else numbers.signed(test.difference, metric),
        interval="" if bounds is None else f"{bounds} ({sure})",
        p=numbers.p_value(test.p) + ("" if test.method == "exact" else " (signs drawn)"),
        verdict=verdict(test, titles),
        apart=test.better is not None,
    )

"""The summary's table for a paper, as values and as CSV; `table_text` writes it for people."""

import csv
import io
import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.content import NotMeasured, ReportContent
from orchestrator.report.lookup import metric_format, metric_ranking, networks, tested
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.views.aggregate import Evaluation, Mean, best_of, evaluations, mean_of, metrics_of, protocol_of
from stagekit.measures import CONTROLS, INPUT

CSV_COLUMNS = (
    "dataset",
    "network",
    "control",
    "protocol",
    "metric",
    "mean",
    "low",
    "high",
    "pictures",
    "infinite",
    "missing",
    "not_measured",
    "version",
    "fault",
    "best",
    "best_in",
    "against_input",
)
"""One row a dataset, network and metric, unrounded; the mean is over `pictures`, low and high are its 95 % interval.

`best` says whether the table marks it, `best_in` how probable it is that it has the best mean, `against_input` what its
comparison with the unchanged input came to: 'better', 'worse', 'alike', 'mixed', or 'few' where pictures are too few.
"""

_REASONS = 2
"""So many reasons are told of what was not measured."""


@dataclass(frozen=True)
class Column:
    """One metric on one dataset."""

    dataset: str
    metric: MetricFormat


@dataclass(frozen=True)
class Cell:
    """One mean as shown.

    Attributes:
        interval: '[21.3, 22.8]', empty where it is not known.
        note: A letter, or empty.
    """

    text: str
    interval: str
    best: bool
    note: str


@dataclass(frozen=True)
class Row:
    """One network or control."""

    title: str
    control: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ScoreTable:
    """All networks by one protocol.

    Attributes:
        pictures: How many each dataset has, by its title.
        notes: By letter.
    """

    protocol: str
    columns: tuple[Column, ...]
    pictures: Mapping[str, int]
    rows: tuple[Row, ...]
    notes: Mapping[str, str]


def score_tables(content: ReportContent, metrics: Sequence[str] = ()) -> tuple[ScoreTable, ...]:
    """Return one table for each protocol."""
    by_protocol: dict[str, list[Evaluation]] = {}
    for evaluation in evaluations(content):
        by_protocol.setdefault(evaluation.protocol, []).append(evaluation)
    return tuple(_table(content, protocol, found, metrics) for protocol, found in by_protocol.items())


def _table(content: ReportContent, protocol: str, found: Sequence[Evaluation], metrics: Sequence[str]) -> ScoreTable:
    titles = {dataset.name: dataset.title for dataset in tested(content)}
    sizes = {dataset.title: len(dataset.items) for dataset in tested(content)}
    shown = [
        (name, metric)
        for name in dict.fromkeys(evaluation.dataset for evaluation in found)
        for metric in metrics_of(content, next(evaluation for evaluation in found if evaluation.dataset == name))
        if not metrics or metric in metrics
    ]
    notes: dict[str, str] = {}
    cells: dict[str, list[Cell]] = {}
    for name, metric in shown:
        those = {evaluation.entrant.label: evaluation for evaluation in found if evaluation.dataset == name}
        for label, cell in _column(content, those, metric, notes).items():
            cells.setdefault(label, []).append(cell)
    entrants = {evaluation.entrant.label: evaluation.entrant for evaluation in found}
    return ScoreTable(
        protocol=protocol_of(content, found[0]).label,
        columns=tuple(Column(titles[name], metric_format(content, metric)) for name, metric in shown),
        pictures={titles[name]: sizes[titles[name]] for name, _ in shown},
        rows=tuple(
            Row(
                CONTROLS[label].title if entrant.control else entrant.title,
                entrant.control,
                tuple(cells.get(label, ())),
            )
            for label, entrant in entrants.items()
        ),
        notes={letter: text for text, letter in notes.items()},
    )


def _column(
    content: ReportContent, those: Mapping[str, Evaluation], metric: str, notes: dict[str, str]
) -> dict[str, Cell]:
    form = metric_format(content, metric)
    means = {label: mean_of(content, evaluation, metric) for label, evaluation in those.items()}
    among = [mean.value for mean in means.values() if mean.value is not None]
    best = best_of(content, list(those.values()), metric)
    return {
        label: _cell(means[label], evaluation, form, among, label in best, notes) for label, evaluation in those.items()
    }


def _cell(
    mean: Mean, evaluation: Evaluation, form: MetricFormat, among: Sequence[float], best: bool, notes: dict[str, str]
) -> Cell:
    said = "; ".join(_remarks(mean, evaluation))
    letter = notes.setdefault(said, _letter(len(notes))) if said else ""
    if mean.value is None:
        return Cell("not measured", "", best=False, note=letter)
    if math.isinf(mean.value):
        return Cell("∞", "", best=False, note=letter)
    bounds = numbers.interval_bounds(mean.low, mean.high, form)
    interval = "" if bounds is None else f"[{', '.join(bounds)}]"
    return Cell(numbers.score(mean.value, form, among), interval, best, letter)


def _remarks(mean: Mean, evaluation: Evaluation) -> list[str]:
    if isinstance(evaluation.found, NotMeasured):
        return [numbers.not_measured(evaluation.found.why)]
    why = numbers.some_of(mean.reasons, _REASONS)
    said = [f"not measured on {numbers.count(mean.missing, 'picture')}{why and ': ' + why}"] if mean.missing else []
    if mean.infinite and mean.finite:
        said.append(f"{numbers.count(mean.infinite, 'picture')} identical to the truth left out")
    return said


def _letter(number: int) -> str:
    """Return the letters of a number: a to z, then aa, ab and so on."""
    before, last = divmod(number, 26)
    return (_letter(before - 1) if before else "") + string.ascii_lowercase[last]


def csv_table(content: ReportContent, metrics: Sequence[str] = ()) -> str:
    """Return all means unrounded, one row each."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for evaluation in evaluations(content):
        for metric in metrics_of(content, evaluation):
            if metrics and metric not in metrics:
                continue
            mean = mean_of(content, evaluation, metric)
            values = [_plain(value) for value in (mean.value, mean.low, mean.high)]
            head = [_cell_text(text) for text in (evaluation.dataset, evaluation.entrant.label)]
            found = evaluation.found
            why = found.why if isinstance(found, NotMeasured) else numbers.some_of(mean.reasons, _REASONS)
            tail = [mean.finite, mean.infinite, mean.missing, _cell_text(why)]
            protocol = protocol_of(content, evaluation)
            named = ["yes" if evaluation.entrant.control else "no", protocol.name, metric]
            judged = _judged(content, evaluation, metric)
            writer.writerow([*head, *named, *values, *tail, protocol.version, protocol.fault, *judged])
    return stream.getvalue()


def _judged(content: ReportContent, evaluation: Evaluation, metric: str) -> list[str]:
    """Return the last columns; those of a control, and of one of several runs, are empty."""
    label = evaluation.entrant.label
    ranking = metric_ranking(content, evaluation.dataset, evaluation.protocol, metric)
    test = ranking.beside.get(label)
    against = "" if test is None else "worse" if test.better == INPUT else test.outcome
    ranked = bool(ranking.pairs or ranking.beside) and label in {network.name for network in networks(content)}
    marked = "" if not ranked else "yes" if label in ranking.best else "no"
    return [marked, _plain(ranking.chances.get(label)), against]


def _plain(value: float | None) -> str:
    return "" if value is None else "inf" if math.isinf(value) else repr(value)


def _cell_text(text: str) -> str:
    """Return text that a spreadsheet takes for text: one that begins like a formula gets an apostrophe before it."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text

"""Runs side by side: what differs in their specs and software, and their scores where these can be compared."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.report import numbers
from orchestrator.report.content import Predictions, ReportContent, Scores
from orchestrator.report.lookup import features_seen, metric_format, predictions, tested, with_distinct_titles
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.rankings import OTHER
from orchestrator.report.views.aggregate import Evaluation, evaluations, mean_of, metrics_of, protocol_of
from orchestrator.report.views.judgement_text import too_few
from stagekit.measures import TRUTH
from stagekit.paired_test import PairedTest

Judge = Callable[[Evaluation, Evaluation, MetricFormat], PairedTest | None]
"""Tests what one network or control scored in a run against what it scored in another, over the pictures that both did:
the names of the two are `rankings.FIRST` and `rankings.OTHER`. None where they share none."""

ABSENT = "—"
"""What stands where a run has no such field or network."""


@dataclass(frozen=True)
class RunFacts:
    """One run.

    Attributes:
        fields: Its spec with every default filled in, by dotted name.
        href: Of its report, empty if none.
    """

    content: ReportContent
    fields: Mapping[str, str]
    href: str


@dataclass(frozen=True)
class RunHead:
    """One run, as a column's heading."""

    name: str
    note: str
    program: str
    href: str


@dataclass(frozen=True)
class FieldRow:
    """One value that is not the same in all runs."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class ComparedCell:
    """One network's mean in one run.

    Attributes:
        difference: To the first run, in words; empty where it would mean nothing.
        kind: 'better' or 'worse' where the difference counts, else empty.
    """

    text: str
    difference: str
    kind: str


@dataclass(frozen=True)
class ComparedRow:
    """One network or control.

    Attributes:
        cells: By metric, then by run.
    """

    title: str
    control: bool
    cells: tuple[ComparedCell, ...]


@dataclass(frozen=True)
class ComparedMetric:
    """One metric's columns."""

    title: str
    arrow: str
    unit: str


@dataclass(frozen=True)
class ComparedScores:
    """The scores of one dataset by one protocol.

    Attributes:
        obstacles: Why runs cannot be compared, or only with care.
    """

    anchor: str
    title: str
    protocol: str
    obstacles: tuple[str, ...]
    metrics: tuple[ComparedMetric, ...]
    rows: tuple[ComparedRow, ...]


@dataclass(frozen=True)
class ComparedRunsView:
    """The page.

    Attributes:
        alone: What only some of the runs have, in words.
    """

    runs: tuple[RunHead, ...]
    fields: tuple[FieldRow, ...]
    software: tuple[FieldRow, ...]
    scores: tuple[ComparedScores, ...]
    alone: tuple[str, ...]


def compared_runs_view(runs: Sequence[RunFacts], judge: Judge) -> ComparedRunsView:
    """Return the runs side by side; the first is what the others are compared with."""
    contents = [run.content for run in runs]
    found = [_by_place(content) for content in contents]
    places = list(dict.fromkeys(place for run_places in found for place in run_places))
    shared = [place for place in places if all(place in run_places for run_places in found)]
    return ComparedRunsView(
        runs=tuple(RunHead(run.content.name, run.content.note, run.content.program, run.href) for run in runs),
        fields=_differing([run.fields for run in runs]),
        software=_differing([_software(content) for content in contents]),
        scores=tuple(_scores(number, place, contents, found, judge) for number, place in enumerate(shared, 1)),
        alone=tuple(_alone(contents)),
    )


_Place = tuple[str, str]
"""A dataset and a protocol."""

_Found = Mapping[str, Evaluation]
"""By network or control."""


def _by_place(content: ReportContent) -> dict[_Place, dict[str, Evaluation]]:
    found: dict[_Place, dict[str, Evaluation]] = {}
    for evaluation in evaluations(content):
        found.setdefault((evaluation.dataset, evaluation.protocol), {})[evaluation.entrant.label] = evaluation
    return found


def _differing(values: Sequence[Mapping[str, str]]) -> tuple[FieldRow, ...]:
    names = dict.fromkeys(name for fields in values for name in fields)
    rows = (FieldRow(name, tuple(fields.get(name, ABSENT) for fields in values)) for name in names)
    return tuple(row for row in rows if len(set(row.values)) > 1)


def _software(content: ReportContent) -> dict[str, str]:
    """Return what the results were made with: of each image its recipe, engine and pinned packages."""
    found = {"sirr-orch": content.program}
    for environment in content.environments:
        found[f"{environment.image}: recipe"] = environment.recipe[:12]
        found[f"{environment.image}: engine"] = f"{environment.engine}, {environment.variant}"
        found |= {f"{environment.image}: {name}": version for name, version in environment.packages.items()}
    return found


@dataclass(frozen=True)
class _Part:
    """One run's scores of one dataset by one protocol.

    Attributes:
        refused: Why they cannot be set against those of the first.
    """

    content: ReportContent
    found: Mapping[str, Evaluation]
    refused: tuple[str, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        return metrics_of(self.content, next(iter(self.found.values())))


def _scores(
    number: int,
    place: _Place,
    contents: Sequence[ReportContent],
    found: Sequence[Mapping[_Place, _Found]],
    judge: Judge,
) -> ComparedScores:
    name, protocol = place
    base = found[0][place]
    parts = [
        _Part(content, evaluations_at[place], tuple(_refusals(name, contents[0], content, base, evaluations_at[place])))
        for content, evaluations_at in zip(contents, found, strict=True)
    ]
    metrics = [
        metric_format(contents[0], metric, ranked=protocol_of(contents[0], next(iter(base.values()))).ranked)
        for metric in parts[0].metrics
        if all(metric in part.metrics for part in parts)
    ]
    entrants = {label: evaluation.entrant for part in reversed(parts) for label, evaluation in part.found.items()}
    titles = _titles(contents)
    labels = dict.fromkeys(label for part in parts for label in part.found if label != TRUTH)
    return ComparedScores(
        anchor=f"scores-{number}",
        title=next((dataset.title for dataset in tested(contents[0]) if dataset.name == name), name),
        protocol=protocol,
        obstacles=(
            *(f"{part.content.name}: {text}" for part in parts for text in part.refused),
            *_cautions(name, contents),
        ),
        metrics=tuple(ComparedMetric(metric.title, metric.arrow, metric.unit) for metric in metrics),
        rows=tuple(
            ComparedRow(
                titles.get(label, entrants[label].title),
                entrants[label].control,
                tuple(cell for metric in metrics for cell in _cells(label, metric, parts, judge)),
            )
            for label in labels
        ),
    )


def _titles(contents: Sequence[ReportContent]) -> dict[str, str]:
    """Return what each model is called, by its label: of several runs' models no two alike."""
    models = {model.label: model for content in reversed(contents) for model in content.models}
    distinct = with_distinct_titles(replace(contents[0], models=tuple(models.values())))
    return {model.label: model.title for model in distinct.models}


def _cells(label: str, metric: MetricFormat, parts: Sequence[_Part], judge: Judge) -> Iterator[ComparedCell]:
    """Yield one network's means in every run, each but the first with its difference to the first."""
    means = [mean_of(part.content, part.found[label], metric.name) if label in part.found else None for part in parts]
    among = [mean.value for mean in means if mean is not None and mean.value is not None]
    base = parts[0]
    for part, mean in zip(parts, means, strict=True):
        own, value = part.found.get(label), None if mean is None else mean.value
        if own is None or mean is None:
            yield ComparedCell("not compared", "", "")
        elif value is None:
            why = getattr(own.found, "why", "; ".join(mean.reasons) or "no picture was scored")
            yield ComparedCell(numbers.not_measured(why), "", "")
        else:
            comparable = part is not base and not part.refused and label in base.found
            comparable = comparable and _features_agree(metric, base.content, part.content)
            words, kind = _difference(base.found[label], own, metric, judge) if comparable else ("", "")
            yield ComparedCell(numbers.score(value, metric, among), words, kind)


def _difference(first: Evaluation, other: Evaluation, metric: MetricFormat, judge: Judge) -> tuple[str, str]:
    """Return the mean difference over the pictures that both have a finite score of, and which is better if it counts.

    What does not count says why: too few pictures, or no more than chance.
    """
    test = judge(first, other, metric)
    if test is None:
        return "", ""
    if not test.won and not test.lost:
        return "the same", ""
    share = f"better on {test.lost} of {test.n}"
    words = share if test.difference is None else f"{numbers.signed(-test.difference, metric)}, {share}"
    if not metric.ranked:
        return words, ""
    if test.better is None:
        return f"{words}; {too_few(test) if test.outcome == 'few' else 'not told apart'}", ""
    return words, "better" if test.better == OTHER else "worse"


def _refusals(
    name: str,
    first: ReportContent,
    other: ReportContent,
    before: Mapping[str, Evaluation],
    after: Mapping[str, Evaluation],
) -> Iterator[str]:
    """Yield why no difference of two runs on a dataset means anything."""
    digests = [
        next((dataset.digest for dataset in content.datasets if dataset.name == name), "") for content in (first, other)
    ]
    if not all(digests):
        yield "whether the pictures are the same is not recorded, so scores are not compared"
    elif digests[0] != digests[1]:
        yield "the dataset holds other pictures (its content hash differs), so scores are not compared"
    versions = [
        {evaluation.found.version for evaluation in part.values() if isinstance(evaluation.found, Scores)}
        for part in (before, after)
    ]
    if all(versions) and versions[0] != versions[1]:
        yield "another version of the protocol, so scores are not compared"


def _cautions(name: str, contents: Sequence[ReportContent]) -> Iterator[str]:
    """Yield what a reader must know where scores are compared all the same."""
    seen = {content.name: features_seen(content) for content in contents}
    weights = {content.name: content.features for content in contents if seen[content.name]}
    if len(set(weights.values())) > 1:
        metrics = dict.fromkeys(title for found in seen.values() for title in found.metrics)
        models = dict.fromkeys(title for found in seen.values() for title in found.models)
        parts = [f"{' and '.join(metrics)} cannot be compared"] if metrics else []
        parts += [f"what {' and '.join(models)} scored depends on them too"] if models else []
        whose = "; ".join(f"{run}: {which}" for run, which in weights.items())
        yield f"feature weights differ ({whose}), and {', and '.join(parts)}"
    for label in dict.fromkeys(model.label for content in contents for model in content.models):
        ways = {}
        for content in contents:
            found = predictions(content, label, name)
            if isinstance(found, Predictions):
                ways[content.name] = ", ".join(dict.fromkeys((found.mode, found.label)))
        if len(set(ways.values())) > 1:
            yield f"{label} was inferred in other ways: {'; '.join(f'{run}: {way}' for run, way in ways.items())}"


def _features_agree(metric: MetricFormat, first: ReportContent, other: ReportContent) -> bool:
    return not metric.features or first.features == other.features


def _alone(contents: Sequence[ReportContent]) -> Iterator[str]:
    """Yield what not every run has, in words."""
    kinds = {
        "network": [{model.label: model.title for model in content.models} for content in contents],
        "test dataset": [{dataset.name: dataset.title for dataset in tested(content)} for content in contents],
    }
    for kind, found in kinds.items():
        for label in dict.fromkeys(label for labels in found for label in labels):
            having = [content.name for content, labels in zip(contents, found, strict=True) if label in labels]
            if len(having) < len(contents):
                yield f"{kind} {label}: only in {', '.join(having)}"

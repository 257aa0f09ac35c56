"""The head of every page: what was compared, and what the reader must know before any number."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from orchestrator.report import numbers
from orchestrator.report.address import (
    EXPLAINED,
    INDEX,
    PROVENANCE,
    PUBLISHED,
    RESOURCES,
    TRAINING,
    dataset_page,
    href,
)
from orchestrator.report.content import Predictions, ReportContent
from orchestrator.report.lookup import features_seen, tested
from orchestrator.report.training_content import Elsewhere, Training
from orchestrator.report.views.identical_values import contradicted_metrics
from orchestrator.report.views.judgement_text import listed
from orchestrator.report.views.machines import machine_alerts
from orchestrator.report.views.overlap import overlap_alerts
from stagekit.measures import INPUT, TRUTH

OTHER_PRECISION = ("mixed precision", "channels last")
"""What a training's notes say where it did not compute as the paper did."""

_RANDOM = (
    "The feature networks (VGG-19, AlexNet) were filled with seeded random numbers: such scores compare with nothing."
)
_COPIED = "The wrong files were given, or the program changed nothing."
_CONTRADICTED = "Its numbers stand as they were measured; correct 'identical' in its description, or its program."
_NOT_RUN_HERE = "The pictures were taken as they were; training data, time and memory are not known."
_CONTROL_WORDS = {INPUT: "the unchanged input", TRUTH: "the truth itself"}


@dataclass(frozen=True)
class Alert:
    """One thing to know before any number.

    Attributes:
        more: The sentence after it, may be empty.
    """

    text: str
    more: str
    href: str


@dataclass(frozen=True)
class NavLink:
    """One page of the report."""

    text: str
    href: str
    current: bool


@dataclass(frozen=True)
class HeaderView:
    """The head of a page.

    Attributes:
        note: On the first page alone.
        dates: When its results were computed; empty where that is not known.
    """

    name: str
    note: str
    dates: str
    alerts: tuple[Alert, ...]
    links: tuple[NavLink, ...]


def header_view(content: ReportContent, page: PurePosixPath) -> HeaderView:
    """Return the head of one page of the report."""
    pages = [(INDEX, "Summary")]
    pages += [(dataset_page(dataset.name), dataset.title) for dataset in tested(content)]
    pages += [(page, title) for page, title in extra_pages(content)]
    pages += [(TRAINING, "Training"), (RESOURCES, "Time and memory"), (PROVENANCE, "Provenance")]
    return HeaderView(
        name=content.name,
        note=content.note if page == INDEX else "",
        dates=computed_days(content),
        alerts=alerts(content),
        links=tuple(NavLink(text, href(path), path == page) for path, text in pages),
    )


def computed_days(content: ReportContent) -> str:
    """Return the days on which the results were computed."""
    days = sorted(numbers.day(stage.started) for stage in content.stages if stage.started is not None)
    if not days:
        return ""
    return f"computed on {days[0]}" if days[0] == days[-1] else f"computed {days[0]} to {days[-1]}"


def extra_pages(content: ReportContent) -> tuple[tuple[PurePosixPath, str], ...]:
    """Return the pages, with their titles, that only some reports have."""
    if not any(dataset.role == "pairs" for dataset in tested(content)):
        return ()
    published = ((PUBLISHED, "Published numbers"),) if content.published else ()
    explained = ((EXPLAINED, "An old table explained"),) if content.explained else ()
    return (*published, *explained)


def alerts(content: ReportContent) -> tuple[Alert, ...]:
    """Return what stands on top: random features, what is not exact or as in the papers, failures, other warnings."""
    found = [Alert(text, _RANDOM, "") for text in _random_features(content)]
    found += [Alert(*words, f"{href(PROVENANCE)}#overlap") for words in overlap_alerts(content.overlap)]
    found += [Alert(text, "Results differ from those of the untiled network.", "") for text in _approximate(content)]
    found += [Alert(text, _COPIED, "") for text in _copies(content)]
    found += [Alert(text, _NOT_RUN_HERE, f"{href(PROVENANCE)}#models-title") for text in _elsewhere(content)]
    found += [
        Alert(text, "The paper's training computes in another way.", href(TRAINING)) for text in _precision(content)
    ]
    found += [Alert(text, _CONTRADICTED, "") for text in contradicted_metrics(content)]
    more = "Weights that are trained on different kinds of machine differ in more than their last digits."
    found += [Alert(text, more, f"{href(PROVENANCE)}#machines") for text in machine_alerts(content)]
    failed = sum(1 for stage in content.stages if stage.state == "failed")
    if failed:
        text = f"{numbers.count(failed, 'stage')} failed"
        found.append(Alert(text, "What depends on it reads 'not measured'.", f"{href(INDEX)}#failures"))
    return (*found, *(Alert(text, "", "") for text in dict.fromkeys(content.warnings)))


def _random_features(content: ReportContent) -> list[str]:
    """Say which scores come from random feature weights, where any do."""
    if content.features != "random":
        return []
    uses = features_seen(content)
    if content.models and all(model.sees_features for model in content.models):
        return ["trial run, do not quote these numbers: the feature weights are random"]
    scores = f"the scores of {listed(uses.models)}" if uses.models else ""
    seen = ", nor ".join(filter(None, (", ".join(uses.metrics), scores)))
    return [f"trial run, do not quote {seen}: the feature weights are random"] if seen else []


def _elsewhere(content: ReportContent) -> list[str]:
    titles = [model.title for model in content.models if isinstance(model.training, Elsewhere)]
    return [f"computed elsewhere: {', '.join(titles)}"] if titles else []


def _copies(content: ReportContent) -> list[str]:
    """Say where an entrant's answers are a control's."""
    titles = {model.label: model.title for model in content.models}
    datasets = {dataset.name: dataset.title for dataset in tested(content)}
    return [
        f"{titles.get(result.label, result.label)} on {datasets.get(result.dataset, result.dataset)}: "
        f"{len(ids)} of {numbers.count(len(result.predictions.items), 'answer')} identical to {_CONTROL_WORDS[control]}"
        for result in content.results
        if isinstance(result.predictions, Predictions)
        for control, ids in result.predictions.copies.items()
    ]


def _precision(content: ReportContent) -> list[str]:
    """Say of each model how its training did not compute as the paper did, in the training's own words."""
    return [
        f"{model.title}: {note}"
        for model in content.models
        if isinstance(model.training, Training)
        for note in model.training.notes
        if any(words in note for words in OTHER_PRECISION)
    ]


def _approximate(content: ReportContent) -> list[str]:
    """Say once per model and label where its answers are not exact."""
    titles = {model.label: model.title for model in content.models}
    datasets = {dataset.name: dataset.title for dataset in tested(content)}
    places: dict[tuple[str, str], list[str]] = {}
    for result in content.results:
        if isinstance(result.predictions, Predictions) and result.predictions.approximate:
            places.setdefault((result.label, result.predictions.label), []).append(
                datasets.get(result.dataset, result.dataset)
            )
    return [f"{titles.get(label, label)} on {', '.join(where)}: {said}" for (label, said), where in places.items()]

"""What several sections ask of the content: results by place, the controls, and what is measured of them."""

from collections import Counter
from dataclasses import dataclass, replace

from orchestrator.report.content import Dataset, NotMeasured, Predictions, ReportContent, Result, Scores

INPUT = "input"
TRUTH = "truth"

CONTROLS = {
    INPUT: "the unchanged picture",
    TRUTH: "the transmission itself",
}
"""Built-in 'networks' that every comparison contains, and what they answer."""

NO_RESULT = NotMeasured("no result was recorded")


@dataclass(frozen=True)
class Entrant:
    """A row of the comparison: a model or a control."""

    label: str
    title: str
    control: bool


def with_distinct_titles(content: ReportContent) -> ReportContent:
    """Return the content with models of one title told apart by their labels."""
    times = Counter(model.title for model in content.models)
    return replace(
        content,
        models=tuple(
            model if times[model.title] == 1 else replace(model, title=f"{model.title} ({model.label})")
            for model in content.models
        ),
    )


def entrants(content: ReportContent) -> tuple[Entrant, ...]:
    """Return the models in the order of the spec, then the controls."""
    models = tuple(Entrant(model.label, model.title, control=False) for model in content.models)
    return (*models, *(Entrant(label, label, control=True) for label in CONTROLS))


def tested(content: ReportContent) -> tuple[Dataset, ...]:
    """Return the prepared test datasets in the order of the spec, each with a title."""
    known = {dataset.name: dataset for dataset in content.datasets}
    return tuple(replace(known[name], title=known[name].title or name) for name in content.test if name in known)


def result(content: ReportContent, label: str, dataset: str) -> Result:
    """Return what a model or control did on a dataset; a result that is not there says so."""
    for found in content.results:
        if (found.label, found.dataset) == (label, dataset):
            return found
    return Result(label, dataset, predictions=None if label in CONTROLS else NO_RESULT, scores=NO_RESULT)


def scores(content: ReportContent, label: str, dataset: str) -> Scores | NotMeasured:
    """Return the scores of a model or control on a dataset of pairs."""
    return result(content, label, dataset).scores or NO_RESULT


def predictions(content: ReportContent, label: str, dataset: str) -> Predictions | NotMeasured:
    """Return what a model answered on a dataset."""
    return result(content, label, dataset).predictions or NO_RESULT

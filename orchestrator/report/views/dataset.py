"""The page of one dataset, but for its pictures: what it is, and the scores of each picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from orchestrator.report import numbers
from orchestrator.report.content import Dataset, Model, Predictions, ReportContent, Scores
from orchestrator.report.lookup import predictions, scores
from orchestrator.report.views.picture_scores import PictureScoreTable, ScoreColumn, ScoreRow


@dataclass(frozen=True)
class DatasetIntroView:
    """The head of one dataset's page."""

    title: str
    kind: Literal["pairs", "photos"]
    pictures: str
    source: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class DatasetView:
    """The scores of every picture."""

    columns: tuple[ScoreColumn, ...]
    rows: tuple[ScoreRow, ...]


def dataset_intro_view(content: ReportContent, dataset: Dataset) -> DatasetIntroView:
    """Return the head of a test dataset's page."""
    said = [said for model in content.models for said in _warnings(content, model, dataset)]
    return DatasetIntroView(
        title=dataset.title,
        kind="pairs" if dataset.role == "pairs" else "photos",
        pictures=numbers.count(len(dataset.items), "picture" if dataset.role == "pairs" else "photograph"),
        source=dataset.source,
        warnings=tuple(dict.fromkeys((*dataset.warnings, *said))),
    )


def dataset_view(content: ReportContent, dataset: Dataset) -> DatasetView:
    """Return the scores of every picture of a test dataset."""
    table = PictureScoreTable(content, dataset)
    return DatasetView(columns=table.columns(), rows=table.rows())


def _warnings(content: ReportContent, model: Model, dataset: Dataset) -> Iterator[str]:
    found = predictions(content, model.label, dataset.name)
    if isinstance(found, Predictions):
        yield from (f"{model.title}: {text}" for text in found.warnings)
    for protocol in content.protocols if dataset.role == "pairs" else ():
        scored = scores(content, model.label, dataset.name, protocol.name)
        if isinstance(scored, Scores):
            yield from scored.notes

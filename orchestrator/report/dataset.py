"""The page of one dataset: every picture with its layers, and the scores of each picture."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from orchestrator.report import numbers
from orchestrator.report.address import file_name, picture_folder
from orchestrator.report.content import (
    Dataset,
    Model,
    NotMeasured,
    Picture,
    PicturePrediction,
    Predictions,
    ReportContent,
    Scores,
)
from orchestrator.report.lookup import NO_RESULT, predictions, scores
from orchestrator.report.picture_scores import LabelledScore, PictureScoreTable, ScoreColumn, ScoreRow
from orchestrator.report.pictures import Place


@dataclass(frozen=True)
class Choice:
    """One layer that the page can show of every picture. key: names it inside the page."""

    key: str
    text: str


@dataclass(frozen=True)
class Layer:
    """One picture of a card. full_title: with the network's name; height, width: in pixels."""

    key: str
    title: str
    full_title: str
    href: str
    thumbnail: str
    height: int
    width: int


@dataclass(frozen=True)
class Group:
    """What belongs together on a card: the dataset's own pictures, or one network's answers."""

    title: str
    remark: str
    scores: tuple[LabelledScore, ...]
    layers: tuple[Layer, ...]
    missing: str


@dataclass(frozen=True)
class Card:
    """One picture of the dataset. left, right: the layers that the slider shows first."""

    anchor: str
    id: str
    size: str
    origin: str
    notes: tuple[str, ...]
    left: Layer
    right: Layer
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class DatasetView:
    """One dataset's page."""

    title: str
    kind: Literal["pairs", "photos"]
    pictures: str
    source: str
    warnings: tuple[str, ...]
    choices: tuple[Choice, ...]
    left: str
    right: str
    cards: tuple[Card, ...]
    columns: tuple[ScoreColumn, ...]
    rows: tuple[ScoreRow, ...]


@dataclass(frozen=True)
class _Answers:
    """What one network answered on the dataset, by picture."""

    model: Model
    items: Mapping[str, PicturePrediction]
    why: str
    label: str


def dataset_view(content: ReportContent, dataset: Dataset, place: Place) -> DatasetView:
    """Return the page of a test dataset; puts every picture that it shows into the report."""
    answers = [_answers(content, model, dataset) for model in content.models]
    table = PictureScoreTable(content, dataset)
    cards = tuple(
        _card(table, dataset, answers, number, item, place)
        for number, item in enumerate(dataset.items, 1)
        if item.blended is not None
    )
    choices = tuple(dict.fromkeys(Choice(layer.key, layer.full_title) for layer in _layers(cards)))
    said = [said for answer in answers for said in _warnings(content, answer, dataset)]
    return DatasetView(
        title=dataset.title,
        kind="pairs" if dataset.role == "pairs" else "photos",
        pictures=numbers.count(len(dataset.items), "picture" if dataset.role == "pairs" else "photograph"),
        source=dataset.source,
        warnings=tuple(dict.fromkeys((*dataset.warnings, *said))),
        choices=choices,
        left="input",
        right=next((choice.key for choice in choices if choice.key.endswith("transmission")), "input"),
        cards=cards,
        columns=table.columns(),
        rows=table.rows(),
    )


def _layers(cards: tuple[Card, ...]) -> Iterator[Layer]:
    for card in cards:
        for group in card.groups:
            yield from group.layers


def _answers(content: ReportContent, model: Model, dataset: Dataset) -> _Answers:
    found = predictions(content, model.label, dataset.name)
    if isinstance(found, NotMeasured):
        return _Answers(model, {}, found.why, "")
    return _Answers(model, {item.id: item for item in found.items}, NO_RESULT.why, found.label)


def _warnings(content: ReportContent, answer: _Answers, dataset: Dataset) -> Iterator[str]:
    found = predictions(content, answer.model.label, dataset.name)
    if isinstance(found, Predictions):
        yield from (f"{answer.model.title}: {text}" for text in found.warnings)
    scored = scores(content, answer.model.label, dataset.name)
    if isinstance(scored, Scores) and dataset.role == "pairs":
        yield from scored.notes


def _card(
    table: PictureScoreTable,
    dataset: Dataset,
    answers: list[_Answers],
    number: int,
    item: Picture,
    place: Place,
) -> Card:
    folder = picture_folder(dataset.name, number, item.id)
    groups = [_given(table, dataset, item, folder, place)]
    for index, answer in enumerate(answers, 1):
        groups.append(_network(table, answer, item, folder / f"{index:02d}-{file_name(answer.model.label)}", place))
    given = groups[0].layers
    answered = [layer for group in groups[1:] for layer in group.layers]
    return Card(
        anchor=f"picture-{number}",
        id=item.id,
        size=numbers.size(item.height, item.width),
        origin=item.origin,
        notes=item.notes,
        left=given[0],
        right=(answered or given[1:] or given)[0],
        groups=tuple(groups),
    )


def _given(table: PictureScoreTable, dataset: Dataset, item: Picture, folder: PurePosixPath, place: Place) -> Group:
    """Return the dataset's own pictures; the scores are those of the control `input`."""
    pictures = [("input", item.blended), ("truth", item.transmission), ("true reflection", item.reflection)]
    return Group(
        title="Dataset",
        remark="scores of the unchanged input" if dataset.role == "pairs" else "no truth: compared by eye",
        scores=table.labelled("input", item.id),
        layers=tuple(
            _layer(title, title, title, path, folder / title.replace(" ", "-"), place)
            for title, path in pictures
            if path is not None
        ),
        missing="",
    )


def _network(table: PictureScoreTable, answer: _Answers, item: Picture, folder: PurePosixPath, place: Place) -> Group:
    model, found = answer.model, answer.items.get(item.id)
    said = [answer.label] if answer.label not in {"", "exact"} else []
    own = table.labelled(model.label, item.id)
    if found is None:
        return Group(model.title, "; ".join(said), own, (), f"no picture: {answer.why}")
    pictures: list[tuple[str, Path | None]] = [("transmission", found.transmission), ("reflection", found.reflection)]
    pictures += [(f"step {step}", path) for step, path in enumerate(found.steps, 1)]
    layers = [
        _layer(
            f"{model.label}/{title}", title, f"{model.title}, {title}", path, folder / title.replace(" ", "-"), place
        )
        for title, path in pictures
        if path is not None
    ]
    return Group(model.title, "; ".join([*said, numbers.duration(found.seconds)]), own, tuple(layers), "")


def _layer(key: str, title: str, full_title: str, source: Path, path: PurePosixPath, place: Place) -> Layer:
    shown = place(source, path)
    return Layer(key, title, full_title, shown.href, shown.thumbnail, shown.height, shown.width)

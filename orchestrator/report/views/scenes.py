"""The strip of pictures on the first page: the worst, the median and the best scene, as every network answered it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.report import numbers
from orchestrator.report.address import dataset_page, href
from orchestrator.report.content import Dataset, NotMeasured, ReportContent
from orchestrator.report.lookup import networks, picture_names, tested
from orchestrator.report.views.layers import TRANSMISSION, ShownPicture, ShownPictures
from orchestrator.report.views.measures import Measure, measures, picture_values
from stagekit.measures import INPUT, TRUTH

_MOST = 3


@dataclass(frozen=True)
class SceneHead:
    """One scene of the strip: which it is, and what it is called."""

    place: str
    name: str
    dataset: str


@dataclass(frozen=True)
class ScenePicture:
    """One picture of the strip; without an address there is none.

    Attributes:
        href: Opens it in the viewer.
        score: Of this picture, empty where it has none.
    """

    href: str
    thumbnail: str
    height: int
    width: int
    words: str
    score: str


@dataclass(frozen=True)
class SceneRow:
    """The input, a network or the truth, in every scene."""

    title: str
    kind: Literal["control", "network"]
    pictures: tuple[ScenePicture | None, ...]


@dataclass(frozen=True)
class Scenes:
    """The strip of pictures.

    Attributes:
        chosen: By what the scenes were chosen, in words.
    """

    heads: tuple[SceneHead, ...]
    rows: tuple[SceneRow, ...]
    chosen: str


@dataclass(frozen=True)
class _Scene:
    dataset: Dataset
    picture: ShownPicture
    place: str


def scenes(content: ReportContent, shown: Mapping[str, ShownPictures], order: Sequence[str] = ()) -> Scenes | None:
    """Return the strip of pictures; None where the report shows no picture.

    Args:
        shown: What the report shows, by dataset.
        order: Names of networks, those to be shown first before the others.
    """
    found, chosen = _chosen(content, shown)
    if not found:
        return None
    several = len(tested(content)) > 1
    return Scenes(
        tuple(
            SceneHead(
                scene.place,
                picture_names(scene.dataset)[scene.picture.picture.id],
                scene.dataset.title if several else "",
            )
            for scene in found
        ),
        tuple(row for row in _rows(content, found, order) if any(row.pictures)),
        chosen,
    )


def _chosen(content: ReportContent, shown: Mapping[str, ShownPictures]) -> tuple[list[_Scene], str]:
    """Return the scenes: by the mean of all networks where there are scores, else the first ones."""
    scored: list[tuple[float, Dataset, ShownPicture]] = []
    words = ""
    for dataset in tested(content):
        for measure in measures(content, dataset)[:1]:
            sign = 1 if measure.format.better == "higher" else -1
            values = _means(content, dataset, measure)
            scored += [
                (sign * value, dataset, picture)
                for picture in shown[dataset.name].pictures
                if (value := values.get(picture.number)) is not None
            ]
            words = f"chosen by the mean {measure.format.title} of all networks"
    if scored:
        order = sorted(scored, key=lambda entry: entry[0])
        places = {"worst": 0, "median": len(order) // 2, "best": len(order) - 1}
        if len(order) < _MOST:
            places = {"worst": 0, "best": 1} if len(order) == 2 else {"the only one": 0}
        return [_Scene(order[index][1], order[index][2], place) for place, index in places.items()], words
    every = [(dataset, picture) for dataset in tested(content) for picture in shown[dataset.name].pictures]
    return [_Scene(dataset, picture, "") for dataset, picture in every[:_MOST]], "the first of the dataset"


def _means(content: ReportContent, dataset: Dataset, measure: Measure) -> Mapping[int, float]:
    """Return the mean over all networks that were measured on any picture, by the number of the picture."""
    labels = [label for network in networks(content) for label in network.labels]
    columns = [picture_values(content, dataset, label, measure) for label in labels]
    known = [column for column in columns if not all(isinstance(value, NotMeasured) for value in column)]
    found = {}
    for number, values in enumerate(zip(*known, strict=True), 1):
        scores = [value for value in values if not isinstance(value, NotMeasured)]
        if len(scores) == len(values):
            found[number] = sum(scores) / len(scores)
    return found


def _rows(content: ReportContent, found: Sequence[_Scene], order: Sequence[str]) -> Iterator[SceneRow]:
    places = {name: place for place, name in enumerate(order)}
    yield _row(content, INPUT, "control", INPUT, INPUT, found)
    for network in sorted(networks(content), key=lambda network: places.get(network.name, len(places))):
        label = network.labels[0]
        yield _row(content, network.title, "network", f"{label}/{TRANSMISSION}", label, found)
    yield _row(content, TRUTH, "control", TRUTH, "", found)


def _row(
    content: ReportContent,
    title: str,
    kind: Literal["control", "network"],
    layer: str,
    label: str,
    found: Sequence[_Scene],
) -> SceneRow:
    return SceneRow(title, kind, tuple(_picture(content, scene, title, layer, label) for scene in found))


def _picture(content: ReportContent, scene: _Scene, title: str, layer: str, label: str) -> ScenePicture | None:
    shown = scene.picture.shown.get(layer)
    if shown is None:
        return None
    name = picture_names(scene.dataset)[scene.picture.picture.id]
    return ScenePicture(
        f"{href(dataset_page(scene.dataset.name))}#{scene.picture.anchor}",
        shown.thumbnail,
        shown.height,
        shown.width,
        f"{title}: {name}",
        _score(content, scene, label),
    )


def _score(content: ReportContent, scene: _Scene, label: str) -> str:
    for measure in measures(content, scene.dataset)[:1] if label else ():
        value = picture_values(content, scene.dataset, label, measure)[scene.picture.number - 1]
        return "" if isinstance(value, NotMeasured) else numbers.score(value, measure.format)
    return ""

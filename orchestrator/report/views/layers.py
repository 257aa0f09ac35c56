"""What can be seen of every picture of a dataset: its own layers and every network's answers, put into the report."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from orchestrator.report.address import file_name, href, picture_folder
from orchestrator.report.content import Dataset, Model, Picture, PicturePrediction, Predictions, ReportContent
from orchestrator.report.lookup import predictions
from orchestrator.report.pictures import PictureFile, Place, Shown
from stagekit.measures import INPUT, TRUTH

TRUE_REFLECTION = "true reflection"
TRANSMISSION = "transmission"

_ON_CARDS = {INPUT, TRUTH, TRANSMISSION}


@dataclass(frozen=True)
class Layer:
    """One kind of picture that a dataset's page can show.

    Attributes:
        key: Names it inside the page.
        title: What it is of its network.
        full_title: With the network's name.
        label: Its network's, empty for the dataset's own.
        path: Below a picture's folder, without ending.
    """

    key: str
    title: str
    full_title: str
    label: str
    path: PurePosixPath


@dataclass(frozen=True)
class ShownPicture:
    """One picture of the dataset in the report.

    Attributes:
        number: From 1, in the dataset's order.
        shown: By layer key.
    """

    number: int
    picture: Picture
    folder: str
    shown: Mapping[str, Shown]

    @property
    def anchor(self) -> str:
        """The fragment that opens the picture."""
        return anchor(self.number)

    @property
    def apart(self) -> float | None:
        """How far the networks' transmissions are apart, judged coarsely; None where fewer than two are there.

        The mean absolute difference of 8-bit values over all pairs of networks, of sketches.
        """
        ending = f"/{TRANSMISSION}"
        answers = [np.frombuffer(one.sketch, np.uint8) for key, one in self.shown.items() if key.endswith(ending)]
        pairs = list(itertools.combinations(np.array(answers, dtype=np.int16), 2))
        return float(np.mean([np.abs(one - other).mean() for one, other in pairs])) if pairs else None


@dataclass(frozen=True)
class ShownPictures:
    """The pictures of a dataset and all layers that any of them has; photographs without input are left out."""

    layers: tuple[Layer, ...]
    pictures: tuple[ShownPicture, ...]


def anchor(number: int) -> str:
    """Return the fragment of a dataset's page that opens a picture.

    Args:
        number: From 1, in the dataset's order.
    """
    return f"picture-{number}"


def shown_pictures(content: ReportContent, dataset: Dataset, place: Place) -> ShownPictures:
    """Put every picture of a test dataset into the report, and return where each is."""
    answers = {model.label: _answers(content, model, dataset) for model in content.models}
    found: dict[str, Layer] = {}
    pictures = []
    for number, item in enumerate(dataset.items, 1):
        if item.blended is None:
            continue
        folder = picture_folder(dataset.name, number, item.id)
        layers = dict(_sources(content, item, answers))
        found |= {layer.key: layer for layer in layers}
        pictures.append((number, item, folder, layers))
    placed = iter(place([file for _, _, folder, layers in pictures for file in _files(folder, layers)]))
    shown = (
        ShownPicture(number, item, href(folder), {layer.key: next(placed) for layer in layers})
        for number, item, folder, layers in pictures
    )
    return ShownPictures(tuple(_grouped(content, found)), tuple(shown))


def _files(folder: PurePosixPath, layers: Mapping[Layer, Path]) -> Iterator[PictureFile]:
    for layer, source in layers.items():
        yield PictureFile(source, folder / layer.path, "card" if layer.title in _ON_CARDS else "strip")


def _answers(content: ReportContent, model: Model, dataset: Dataset) -> Mapping[str, PicturePrediction]:
    found = predictions(content, model.label, dataset.name)
    return {item.id: item for item in found.items} if isinstance(found, Predictions) else {}


def _sources(
    content: ReportContent, item: Picture, answers: Mapping[str, Mapping[str, PicturePrediction]]
) -> Iterator[tuple[Layer, Path]]:
    """Yield the layers that one picture has, and the file of each."""
    for title, path in ((INPUT, item.blended), (TRUTH, item.transmission), (TRUE_REFLECTION, item.reflection)):
        if path is not None:
            yield Layer(title, title, title, "", PurePosixPath(_file(title))), path
    for index, model in enumerate(content.models, 1):
        answer = answers[model.label].get(item.id)
        for title, path in _answered(answer) if answer else ():
            yield (
                Layer(
                    f"{model.label}/{title}",
                    title,
                    f"{model.title}, {title}",
                    model.label,
                    PurePosixPath(f"{index:02d}-{file_name(model.label)}") / _file(title),
                ),
                path,
            )


def _answered(answer: PicturePrediction) -> Iterator[tuple[str, Path]]:
    yield TRANSMISSION, answer.transmission
    if answer.reflection is not None:
        yield "reflection", answer.reflection
    for step, path in enumerate(answer.steps, 1):
        yield f"step {step}", path


def _file(title: str) -> str:
    return title.replace(" ", "-")


def _grouped(content: ReportContent, found: Mapping[str, Layer]) -> Iterator[Layer]:
    """Yield the layers grouped: the dataset's own, then each network's."""
    for label in ("", *(model.label for model in content.models)):
        yield from (layer for layer in found.values() if layer.label == label)

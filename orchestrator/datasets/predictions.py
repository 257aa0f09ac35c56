"""Pictures that somebody's program has written, taken over as the answers to a prepared dataset."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from orchestrator.datasets.dataset_document import PictureFolder
from orchestrator.datasets.identifiers import shown_name
from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, SUFFIXES, RgbPicture, UnusablePicture, read_rgb
from orchestrator.datasets.prediction_files import PredictionFiles
from orchestrator.datasets.prediction_matching import Asked, Matching, layer_words, matched_by_name, matched_by_pattern
from stagekit import BadInput
from stagekit.results.dataset import DatasetFile, DatasetItem
from stagekit.results.left_out import LeftOut
from stagekit.results.predictions import ELSEWHERE, PredictionItem, PredictionsFile

_NAMED = 5
_FRACTION = 255


@dataclass(frozen=True)
class Naming:
    """How the files of predictions are called.

    Attributes:
        pictures: Pattern with {id}; None where they are matched by name.
        layer: Which layer to take of several; None where the names must tell.
    """

    pictures: str | None = None
    layer: str | None = None


def collected_predictions(
    model: str,
    folder: Path,
    files: PredictionFiles,
    naming: Naming,
    output: Path,
    controls: Mapping[str, str],
    progress: Callable[[int, int], None],
) -> PredictionsFile:
    """Return what a program answered to a dataset's pictures; the answers are written as 8-bit RGB PNG files.

    Nothing is resized. What is missing, cannot be read or has another size is named among the failed; what belongs to
    no picture, and what was done to files, in the warnings.

    Args:
        model: The entrant's label.
        folder: The prepared dataset.
        files: What the program has written.
        output: Where the answers go.
        controls: Control to the layer of the dataset that it answers with; an answer that is a control's is said.
        progress: Hears how many pictures of how many are done.

    Raises:
        BadInput: Where it is open which file answers which picture, or where no answer can be used.
    """
    dataset = DatasetFile.load(folder)
    asked = [Asked(item.id, tuple(_names(item))) for item in dataset.items]
    names = files.names()
    if not names:
        raise BadInput("there are no pictures among the predictions", "check the folder of this dataset")
    if naming.pictures is not None:
        matching = matched_by_pattern(names, asked, naming.pictures)
    else:
        matching = matched_by_name(names, asked, naming.layer)
    collecting = _Collecting(folder, files, PictureFolder(output), controls)
    items = []
    for done, item in enumerate(dataset.items, 1):
        if item.id in matching.answers:
            items += collecting.taken(item, matching.answers[item.id])
        else:
            collecting.failed.append(LeftOut(item.id, "has no file among the predictions"))
        progress(done, len(dataset.items))
    if not items:
        first = collecting.failed[0]
        raise BadInput(f"none of the predictions can be used: {first.name} {first.reason}", "correct the files")
    return PredictionsFile(
        model=model,
        dataset=dataset.name,
        mode=ELSEWHERE,
        label=ELSEWHERE,
        items=tuple(items),
        warnings=(*_matching_words(matching), *collecting.words()),
        failed=tuple(collecting.failed) or None,
        copies=collecting.copies or None,
    )


def _names(item: DatasetItem) -> Iterator[str]:
    """Yield what programs may have called a picture: its id, and the name of the user's file."""
    yield item.id
    file = PurePosixPath(item.origin)
    if file.suffix.lower() in SUFFIXES and file.stem != item.id:
        yield file.stem


class _Collecting:
    """Takes over one answer after the other, and remembers what is to be said of them."""

    def __init__(
        self, folder: Path, files: PredictionFiles, output: PictureFolder, controls: Mapping[str, str]
    ) -> None:
        self._folder, self._files, self._output, self._controls = folder, files, output, controls
        self.failed: list[LeftOut] = []
        self._notes: dict[str, list[str]] = {}
        self._copies: dict[str, list[str]] = {control: [] for control in controls}

    def taken(self, item: DatasetItem, path: PurePosixPath) -> list[PredictionItem]:
        """Return an answer as it is recorded, nothing where it cannot be used."""
        try:
            picture = self._read(path)
        except UnusablePicture as error:
            self.failed.append(LeftOut(item.id, f"has the prediction {str(path)!r}, which {error}"))
            return []
        if picture.size != (item.height, item.width):
            sizes = f"{picture.size[0]} x {picture.size[1]} pixels, the picture {item.height} x {item.width}"
            self.failed.append(LeftOut(item.id, f"has the prediction {str(path)!r} of another size: {sizes}"))
            return []
        for note in picture.notes:
            self._notes.setdefault(note, []).append(str(path))
        for control, ids in self._copies.items():
            if self._is(getattr(item, self._controls[control]), picture.pixels):
                ids.append(item.id)
        low, high = float(picture.pixels.min()) / _FRACTION, float(picture.pixels.max()) / _FRACTION
        name = self._output.save("transmission", item.id, picture.pixels)
        return [PredictionItem(item.id, name, item.height, item.width, low, high)]

    @property
    def copies(self) -> dict[str, tuple[str, ...]]:
        """Control to the ids of pictures whose answer is the control's."""
        return {control: tuple(ids) for control, ids in self._copies.items() if ids}

    def words(self) -> Iterator[str]:
        """Yield what a reader must know of the answers."""
        for note, paths in self._notes.items():
            yield f"predictions changed when they were read ({note}): {_listed(paths)}"

    def _read(self, path: PurePosixPath) -> RgbPicture:
        if path.suffix.lower() in FOREIGN_SUFFIXES:
            raise UnusablePicture(f"is of a kind that cannot be read ({path.suffix})")
        with self._files.copy(path) as copy:
            return read_rgb(copy)

    def _is(self, layer: str | None, pixels: np.ndarray) -> bool:
        """Return whether an answer is a picture of the dataset, pixel for pixel."""
        return layer is not None and np.array_equal(read_rgb(self._folder / layer).pixels, pixels)


def _matching_words(matching: Matching) -> Iterator[str]:
    if matching.layer:
        yield f"taken as answers: files whose names have {matching.layer!r} behind the picture's"
    for layer, count in sorted(matching.others.items()):
        yield f"passed over: layer {layer_words(layer)} ({count})"
    if matching.surplus:
        named = _listed([str(path) for path in matching.surplus])
        yield f"belonging to no picture of the dataset: {named}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(shown_name, names[:_NAMED])) + (
        f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    )


def settings_naming(settings: Mapping[str, str | None]) -> Naming:
    """Return how files are called, from the settings of a stage."""
    return Naming(settings.get("pictures"), settings.get("layer"))

"""Which pictures are scored against each other: a prepared dataset, and a network's predictions or a control's."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from orchestrator.metrics.score import smaller_than
from stagekit import BadInput
from stagekit.measures import CONTROLS
from stagekit.results.dataset import DatasetFile
from stagekit.results.predictions import ELSEWHERE, PredictionsFile
from stagekit.results.scores import NotMeasured


@dataclass(frozen=True)
class ScoredPicture:
    """A prediction and its truth, by path; None where there is no prediction.

    A prediction is a picture, or an array of floats (``.npy``) as the network answered it.

    Attributes:
        why: Why there is no prediction.
    """

    id: str
    prediction: Path | None
    truth: Path
    why: str = "there is no prediction"


@dataclass(frozen=True)
class ScoredPictures:
    """All pictures of a dataset with what is scored against them."""

    dataset: str
    items: tuple[ScoredPicture, ...]


def control_pictures(dataset: Path, control: str) -> ScoredPictures:
    """Return a dataset's pictures with a control's predictions: the blended picture, or the truth itself.

    Raises:
        BadInput: Where there is no such control, or the dataset has no truth.
    """
    if control not in CONTROLS:
        raise BadInput(f"there is no control {control!r}; there are {', '.join(CONTROLS)}")
    found = _pairs(dataset)
    return ScoredPictures(
        found.name,
        tuple(
            ScoredPicture(item.id, dataset / getattr(item, CONTROLS[control].layer), dataset / str(item.transmission))
            for item in found.items
        ),
    )


def network_pictures(dataset: Path, predictions: Path, *, floats: bool = False) -> ScoredPictures:
    """Return a dataset's pictures with a network's predictions; pictures without one are there too.

    Args:
        floats: Take the answers as they came, from ``arrays/ID.transmission.npy``, instead of the rounded pictures.
            Of answers that were computed elsewhere there are the pictures alone.

    Raises:
        BadInput: Where the dataset has no truth, and where none of the predictions is of this dataset.
    """
    pairs = _pairs(dataset)
    file = PredictionsFile.load(predictions)
    found = {item.id: item for item in file.items}
    reasons = {left_out.name: f"the picture {left_out.reason}" for left_out in file.failed or ()}
    if not any(item.id in found for item in pairs.items):
        raise BadInput(f"no prediction is of a picture of {pairs.name!r}", "run the infer stage of this dataset again")

    def prediction(identifier: str) -> Path | None:
        if identifier not in found:
            return None
        array = predictions / "arrays" / f"{identifier}.transmission.npy"
        path = array if floats and file.mode != ELSEWHERE else predictions / found[identifier].transmission
        return path if path.is_file() else None

    scored = []
    for item in pairs.items:
        picture = ScoredPicture(item.id, prediction(item.id), dataset / str(item.transmission))
        scored.append(replace(picture, why=reasons[item.id]) if item.id in reasons else picture)
    return ScoredPictures(pairs.name, tuple(scored))


def read_pictures(picture: ScoredPicture, border: int = 0) -> tuple[np.ndarray, np.ndarray] | NotMeasured:
    """Return the prediction and the truth: (H, W, 3), RGB, 0 to 255, of one size; or why they cannot be compared.

    The truth is uint8; so is the prediction, unless it is an array: then float64, clipped to the range of a picture.
    Nothing is resized.

    Args:
        border: Pixels along each side that are left out.

    Raises:
        BadInput: Where one cannot be read, or is no 8-bit RGB picture.
    """
    if picture.prediction is None:
        return NotMeasured(picture.why)
    is_array = picture.prediction.suffix == ".npy"
    prediction = _floats(picture.prediction) if is_array else _pixels(picture.prediction)
    truth = _pixels(picture.truth)
    if prediction.shape != truth.shape:
        sizes = [f"{pixels.shape[0]} x {pixels.shape[1]}" for pixels in (prediction, truth)]
        return NotMeasured(f"the prediction has {sizes[0]} pixels, the truth {sizes[1]}")
    if not border:
        return prediction, truth
    too_small = smaller_than(truth, 2 * border + 1, f"a picture without {border} pixels along each side")
    inner = np.s_[border:-border, border:-border]
    return too_small or (prediction[inner], truth[inner])


def _pairs(folder: Path) -> DatasetFile:
    dataset = DatasetFile.load(folder)
    if dataset.role != "pairs":
        raise BadInput(f"dataset {dataset.name!r} has no truth (it holds {dataset.role})", "score datasets of pairs")
    if not dataset.items:
        raise BadInput(f"dataset {dataset.name!r} has no pictures")
    return dataset


def _pixels(path: Path) -> np.ndarray:
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            if picture.mode != "RGB":
                raise BadInput(f"{path.name} is no 8-bit RGB picture, but of mode {picture.mode}")
            return np.array(picture, np.uint8)
    except (OSError, ValueError, SyntaxError) as error:
        raise BadInput(
            f"{path.name} cannot be read as a picture: {error}", "run the stage again that wrote it"
        ) from error


def _floats(path: Path) -> np.ndarray:
    """Return an answer of a network, 0 to 1, in the range of a picture: float64, (H, W, 3), 0 to 255."""
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"{path.name} cannot be read as an array: {error}", "run the infer stage again") from error
    if values.ndim != 3 or values.shape[2] != 3 or values.dtype.kind != "f" or not np.isfinite(values).all():
        raise BadInput(f"{path.name} is no picture of finite floats", "run the infer stage again")
    return np.asarray(np.clip(values.astype(np.float64), 0, 1) * 255)

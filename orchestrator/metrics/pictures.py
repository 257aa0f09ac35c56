"""Which pictures are scored against each other: a prepared dataset, and a network's predictions or a control's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from orchestrator.metrics.score import NotMeasured
from stagekit import BadInput

CONTROLS = {"input": "blended", "truth": "transmission"}
"""Each control, and the part of the dataset that it gives as its prediction."""


@dataclass(frozen=True)
class Comparison:
    """A prediction and its truth, by path; None where there is no prediction.

    A prediction is a picture, or an array of floats (``.npy``) as the network answered it.
    """

    id: str
    prediction: Path | None
    truth: Path


@dataclass(frozen=True)
class Comparisons:
    """All pictures of a dataset with what is scored against them."""

    dataset: str
    items: tuple[Comparison, ...]


def control_comparisons(dataset: Path, control: str) -> Comparisons:
    """Return a dataset's pictures with a control's predictions: the blended picture, or the truth itself.

    Raises: BadInput where there is no such control, or the dataset has no truth.
    """
    if control not in CONTROLS:
        raise BadInput(f"there is no control {control!r}; there are {', '.join(CONTROLS)}")
    name, items = _pairs(dataset)
    part = CONTROLS[control]
    return Comparisons(
        name,
        tuple(Comparison(item["id"], dataset / item[part], dataset / item["transmission"]) for item in items),
    )


def network_comparisons(dataset: Path, predictions: Path, *, floats: bool = False) -> Comparisons:
    """Return a dataset's pictures with a network's predictions; pictures without one are there too.

    floats: take the answers as they came, from ``arrays/ID.transmission.npy``, instead of the rounded pictures

    Raises: BadInput where the dataset has no truth, and where none of the predictions is of this dataset.
    """
    name, items = _pairs(dataset)
    document = _document(predictions / "predictions.json", "predictions")
    found = {item["id"]: item for item in _items(document, ("id", "transmission"), "predictions")}
    if not any(item["id"] in found for item in items):
        raise BadInput(f"no prediction is of a picture of {name!r}", "run the infer stage of this dataset again")

    def prediction(identifier: str) -> Path | None:
        if identifier not in found:
            return None
        array = predictions / "arrays" / f"{identifier}.transmission.npy"
        path = array if floats else predictions / found[identifier]["transmission"]
        return path if path.is_file() else None

    return Comparisons(
        name,
        tuple(Comparison(item["id"], prediction(item["id"]), dataset / item["transmission"]) for item in items),
    )


def read_comparison(comparison: Comparison) -> tuple[np.ndarray, np.ndarray] | NotMeasured:
    """Return the prediction and the truth: (H, W, 3), RGB, 0 to 255, of one size; or why they cannot be compared.

    The truth is uint8; so is the prediction, unless it is an array: then float64, clipped to the range of a picture.
    Nothing is resized.

    Raises: BadInput where one cannot be read, or is no 8-bit RGB picture.
    """
    if comparison.prediction is None:
        return NotMeasured("there is no prediction")
    is_array = comparison.prediction.suffix == ".npy"
    prediction = _floats(comparison.prediction) if is_array else _pixels(comparison.prediction)
    truth = _pixels(comparison.truth)
    if prediction.shape != truth.shape:
        sizes = [f"{pixels.shape[0]} x {pixels.shape[1]}" for pixels in (prediction, truth)]
        return NotMeasured(f"the prediction has {sizes[0]} pixels, the truth {sizes[1]}")
    return prediction, truth


def _pairs(folder: Path) -> tuple[str, list[Mapping[str, Any]]]:
    document = _document(folder / "dataset.json", "a prepared dataset")
    name = str(document.get("name", ""))
    if document.get("role") != "pairs":
        raise BadInput(f"dataset {name!r} has no truth (it holds {document.get('role')})", "score datasets of pairs")
    items = _items(document, ("id", "blended", "transmission"), "dataset")
    if not items:
        raise BadInput(f"dataset {name!r} has no pictures")
    return name, items


def _document(path: Path, what: str) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path.name} is not the description of {what}: {error}") from error
    if not isinstance(document, dict):
        raise BadInput(f"{path.name} is not the description of {what}")
    return document


def _items(document: Mapping[str, Any], fields: tuple[str, ...], what: str) -> list[Mapping[str, Any]]:
    items = document.get("items")
    if not isinstance(items, list) or any(not isinstance(item, dict) for item in items):
        raise BadInput(f"{what}: no list of items")
    lacking = [
        (item.get("id", "?"), field) for item in items for field in fields if not isinstance(item.get(field), str)
    ]
    if lacking:
        raise BadInput(f"{what}: " + "; ".join(f"item {identifier!r} has no {field}" for identifier, field in lacking))
    return items


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

"""Which pictures are scored against each other: a prepared dataset, and a network's predictions or a control's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from stagekit import BadInput

CONTROLS = {"input": "blended", "truth": "transmission"}
"""Each control, and the part of the dataset that it gives as its prediction."""


@dataclass(frozen=True)
class Comparison:
    """A prediction and its truth, by path."""

    id: str
    prediction: Path
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


def network_comparisons(dataset: Path, predictions: Path) -> Comparisons:
    """Return a dataset's pictures with a network's predictions.

    Raises: BadInput where the dataset has no truth, and where predictions are missing: all of them are named.
    """
    name, items = _pairs(dataset)
    document = _document(predictions / "predictions.json", "predictions")
    found = {item["id"]: item for item in _items(document, ("id", "transmission"), "predictions")}
    missing = [item["id"] for item in items if item["id"] not in found]
    if missing:
        raise BadInput(
            f"predictions lack {len(missing)} of {len(items)} pictures of {name!r}: {', '.join(missing)}",
            "run the infer stage of this dataset again",
        )
    return Comparisons(
        name,
        tuple(
            Comparison(item["id"], predictions / found[item["id"]]["transmission"], dataset / item["transmission"])
            for item in items
        ),
    )


def read_comparison(comparison: Comparison) -> tuple[np.ndarray, np.ndarray]:
    """Return the prediction and the truth: uint8, (H, W, 3), RGB, of one size.

    Raises: BadInput where one cannot be read, is no 8-bit RGB picture, or their sizes differ: nothing is resized.
    """
    prediction, truth = _pixels(comparison.prediction), _pixels(comparison.truth)
    if prediction.shape != truth.shape:
        sizes = [f"{pixels.shape[0]} x {pixels.shape[1]}" for pixels in (prediction, truth)]
        raise BadInput(
            f"picture {comparison.id!r}: the prediction has {sizes[0]} pixels, the truth {sizes[1]}",
            "make the network answer at the picture's size; nothing is resized here, as that changes scores",
        )
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

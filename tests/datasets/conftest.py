"""Small pictures and folders of them, and what the preparation of one leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from orchestrator.datasets.description import dataset_description
from orchestrator.datasets.preparation import Preparation, Preparing, prepare_dataset
from orchestrator.datasets.scenes import Blended
from orchestrator.photos.photo import ReadingLimits
from orchestrator.photos.photo_preparation import prepare_photos


def gradient(height: int = 12, width: int = 17, shift: int = 0) -> np.ndarray:
    """Return a picture whose every channel and quarter is unlike the others: uint8, (H, W, 3)."""
    rows, columns = np.mgrid[0:height, 0:width]
    channels = [rows * 7 + shift, columns * 9 + 20, 255 - rows * 3 - columns * 5]
    return np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    """Write an array as a picture of the kind that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def halves(_synthesis: str, transmission: np.ndarray, reflection: np.ndarray, _seed: int, _index: int) -> Blended:
    """Blend by adding halves, in place of a published synthesis."""
    return Blended(transmission / 2 + reflection / 2, transmission, reflection / 2)


@dataclass(frozen=True)
class PreparedFolder:
    """What a preparation left."""

    folder: Path
    document: Mapping[str, Any]
    done: Preparing

    @property
    def items(self) -> list[Mapping[str, Any]]:
        """Return the items of ``dataset.json``."""
        return list(self.document["items"])

    def pixels(self, name: str) -> np.ndarray:
        """Return a picture of the dataset, which is an 8-bit RGB PNG."""
        with Image.open(self.folder / name) as picture:
            assert (picture.format, picture.mode) == ("PNG", "RGB")
            return np.array(picture)


Prepare = Callable[..., PreparedFolder]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return an empty folder for a user's pictures."""
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def prepare(tmp_path: Path, source: Path) -> Prepare:
    """Return a function that prepares a dataset of `source`, of a kind and with the given fields."""

    def prepared(kind: str, *, step: Callable[[int, int], None] | None = None, **fields: Any) -> PreparedFolder:
        defaults: dict[str, dict[str, Any]] = {
            "photos": {"pictures": "*.*"},
            "layers": {"pictures": "*.*", "reflections": None},
            "pairs": {"blended": "blended/{id}.*", "transmission": "transmission/{id}.*", "reflection": None},
            "scenes": {"blend": None, "seed": 0},
        }
        output = tmp_path / "output"
        output.mkdir(exist_ok=True)
        description = dataset_description({"kind": kind, **defaults[kind], **fields})
        told = step or (lambda _done, _total: None)
        preparation = Preparation("postcard", "Postcards", description, None if kind == "scenes" else source, output)
        if kind == "photos":
            done = prepare_photos(preparation, ReadingLimits(tmp_path), told)
        else:
            done = prepare_dataset(preparation, halves, told)
        return PreparedFolder(output, json.loads((output / "dataset.json").read_text()), done)

    return prepared

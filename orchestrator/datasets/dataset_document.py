"""What a prepared dataset is on disk: ``dataset.json`` and PNG files beside it.

Those of pairs and layers are 8-bit RGB; those of photos have the depth of the user's files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from stagekit import write_atomically
from stagekit.results.dataset import DatasetFile, DatasetItem, Role
from stagekit.results.left_out import LeftOut

_FAST = 1
"""Compression level of PNG files: three times as fast as the usual one, files a tenth larger."""


@dataclass(frozen=True)
class PreparedDataset:
    """All of a prepared dataset but its name.

    Attributes:
        passed_over: In words, which files were not taken. No part of the document: they decide nothing.
    """

    role: Role
    items: tuple[DatasetItem, ...]
    warnings: tuple[str, ...] = ()
    variant: str = ""
    """Which form of a published dataset it is, in words."""
    passed_over: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def dataset_item(
    identifier: str, size: tuple[int, int], origin: str, notes: tuple[str, ...], layers: Mapping[str, str]
) -> DatasetItem:
    """Return an item of a dataset.

    Args:
        size: Height and width.
        layers: Path inside the dataset of each that it has.
    """
    blended, transmission, reflection = (layers.get(name) for name in ("blended", "transmission", "reflection"))
    return DatasetItem(identifier, *size, origin, notes, blended, transmission, reflection)


class PictureFolder:
    """Writes the pictures of a dataset into its folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def take(self, name: str, content: bytes) -> str:
        """Write a picture file as it is and return its path inside the dataset."""
        (self._root / name).parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(str(self._root / name)) as stream:
            stream.write(content)
        return name

    def save(self, part: str, identifier: str, pixels: np.ndarray) -> str:
        """Write a picture and return its path inside the dataset.

        Args:
            pixels: uint8, (H, W, 3), RGB.
        """
        name = f"{part}/{identifier}.png"
        (self._root / part).mkdir(parents=True, exist_ok=True)
        with write_atomically(str(self._root / name)) as stream:
            Image.fromarray(pixels).save(stream, "PNG", compress_level=_FAST)
        return name


def write_document(root: Path, name: str, title: str, prepared: PreparedDataset) -> None:
    """Write ``dataset.json``; the file appears when all pictures it names are there."""
    head = (name, prepared.role, prepared.items, title, prepared.warnings, prepared.variant)
    DatasetFile(*head, prepared.left_out or None).save(root)

"""What a prepared dataset is on disk: ``dataset.json`` and PNG files beside it.

Those of pairs and layers are 8-bit RGB; those of photos have the depth of the user's files.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from stagekit import write_atomically

Role = Literal["layers", "pairs", "photos"]

_FAST = 1
"""Compression level of PNG files: three times as fast as the usual one, files a tenth larger."""


@dataclass(frozen=True)
class PreparedItem:
    """A picture or pair of a prepared dataset; pictures by path inside it, None where there is none."""

    id: str
    height: int
    width: int
    origin: str
    notes: tuple[str, ...] = ()
    blended: str | None = None
    transmission: str | None = None
    reflection: str | None = None


@dataclass(frozen=True)
class PreparedPhoto(PreparedItem):
    """A photograph without truth. alpha: path of its transparency, kept apart, grey; kind: of file that results become.

    Its pictures have the depth of the user's file.
    """

    alpha: str | None = None
    bits: Literal[8, 16] = 8
    kind: Literal["png", "tiff"] = "png"


@dataclass(frozen=True)
class PreparedDataset:
    """All of a prepared dataset but its name."""

    role: Role
    items: tuple[PreparedItem, ...]
    warnings: tuple[str, ...] = ()
    variant: str = ""
    """Which form of a published dataset it is, in words."""


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
        """Write a picture and return its path inside the dataset. pixels: uint8, (H, W, 3), RGB."""
        name = f"{part}/{identifier}.png"
        (self._root / part).mkdir(parents=True, exist_ok=True)
        with write_atomically(str(self._root / name)) as stream:
            Image.fromarray(pixels).save(stream, "PNG", compress_level=_FAST)
        return name


def write_document(root: Path, name: str, title: str, prepared: PreparedDataset) -> None:
    """Write ``dataset.json``; the file appears when all pictures it names are there."""
    document = {
        "name": name,
        "title": title,
        "role": prepared.role,
        "items": [_plain(item) for item in prepared.items],
        "warnings": list(prepared.warnings),
        **({"variant": prepared.variant} if prepared.variant else {}),
    }
    with write_atomically(os.fspath(root / "dataset.json"), "w") as stream:
        json.dump(document, stream, indent=1)


def _plain(item: PreparedItem) -> dict[str, Any]:
    return {name: value for name, value in asdict(item).items() if value is not None}

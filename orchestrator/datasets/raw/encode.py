"""One raw scene as uniform, lossless files."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from orchestrator.datasets.identifiers import shown_name
from orchestrator.datasets.overlap_search import pixel_hash
from orchestrator.datasets.picture_reading import RgbPicture, UnusablePicture, read_rgb
from orchestrator.datasets.raw.stored import stored_picture

_PNG = {"compress_level": 1, "compress_type": 2}
"""Huffman coding alone (zlib's Z_HUFFMAN_ONLY): of photographs of 224 x 224 it takes three quarters of the time of
level 1 and a quarter of that of the usual level, for files that are 5 and 9 % larger."""


@dataclass(frozen=True)
class StoredLayer:
    """One prepared picture file.

    Attributes:
        file: Inside the prepared folder.
        sha256: Of it.
        pixels: Hash of size and pixels.
        source: The raw file.
        source_sha256: The raw file.
    """

    file: str
    sha256: str
    pixels: str
    source: str
    source_sha256: str


@dataclass(frozen=True)
class StoredScene:
    """One prepared scene.

    Attributes:
        layers: A photograph that serves as either layer is there under both names.
    """

    id: str
    height: int
    width: int
    origin: str
    notes: tuple[str, ...]
    layers: Mapping[str, StoredLayer]


@dataclass(frozen=True)
class SceneJob:
    """What is to become one scene.

    Attributes:
        crop: Side of the centre crop in pixels.
        changed: Pictures may be converted.
    """

    id: str
    name: str
    root: Path
    files: Mapping[str, PurePosixPath]
    output: Path
    crop: int | None = None
    changed: bool = False


SIZES_DIFFER = "sizes differ"
"""Words that are in the text of an `UnusableScene` for this reason alone."""


class UnusableScene(Exception):
    """A scene cannot be prepared; the text says which file, and why."""


def stored_scene(job: SceneJob) -> StoredScene:
    """Write a scene's pictures as PNG and return what was written.

    Raises:
        UnusableScene: Where a picture cannot be used, sizes differ, or one is smaller than its crop.
    """
    read = {layer: _read(job, path) for layer, path in job.files.items()}
    sizes = {layer: picture.size for layer, (picture, _) in read.items()}
    if len(set(sizes.values())) > 1:
        words = ", ".join(f"{_shown(job.files[layer])} has {size[0]} x {size[1]}" for layer, size in sizes.items())
        turned = ", so one of them lies on its side" if len({frozenset(size) for size in sizes.values()}) == 1 else ""
        told = [f"{_shown(job.files[layer])}: {note}" for layer, (one, _) in read.items() for note in one.notes]
        noted = f" ({'; '.join(told)})" if turned and told else ""
        raise UnusableScene(f"{shown_name(job.name)}: {SIZES_DIFFER} (height x width): {words}{turned}{noted}")
    layers: dict[str, StoredLayer] = {}
    for layer, (picture, digest) in read.items():
        pixels = picture.pixels if job.crop is None else centre_crop(picture.pixels, job.crop, _shown(job.files[layer]))
        written = _write(job, layer, pixels, digest)
        layers.update(dict.fromkeys(("transmission", "reflection") if layer == "layer" else (layer,), written))
    height, width = next(iter(sizes.values())) if job.crop is None else (job.crop, job.crop)
    single = len(read) == 1
    notes = [note if single else f"{layer}: {note}" for layer, (picture, _) in read.items() for note in picture.notes]
    origin = _shown(job.files.get("blended") or next(iter(job.files.values())))
    return StoredScene(job.id, height, width, origin, tuple(notes), layers)


def centre_crop(pixels: np.ndarray, side: int, name: str) -> np.ndarray:
    """Return the middle of a picture at its own scale; of an odd rest the smaller half lies above and left.

    Args:
        pixels: uint8, (H, W, 3).

    Raises:
        UnusableScene: Where the picture is smaller.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < side:
        raise UnusableScene(f"{name} has {height} x {width} pixels: too small for a crop of {side} x {side}")
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def _read(job: SceneJob, path: PurePosixPath) -> tuple[RgbPicture, str]:
    try:
        content = (job.root / path).read_bytes()
        picture = read_rgb(job.root / path) if job.changed else stored_picture(content, path)
    except UnusablePicture as error:
        raise UnusableScene(f"{_shown(path)} {error}") from error
    except OSError as error:
        raise UnusableScene(f"{_shown(path)} cannot be read: {error.strerror}") from error
    return picture, hashlib.sha256(content).hexdigest()


def _write(job: SceneJob, layer: str, pixels: np.ndarray, source_sha256: str) -> StoredLayer:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", **_PNG)
    content = stream.getvalue()
    folder = "layers" if layer == "layer" else layer
    name = f"{folder}/{job.id}.png"
    (job.output / folder).mkdir(parents=True, exist_ok=True)
    (job.output / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return StoredLayer(name, digest, pixel_hash(pixels), _shown(job.files[layer]), source_sha256)


def _shown(path: PurePosixPath) -> str:
    return shown_name(str(path))

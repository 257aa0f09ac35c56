"""Short descriptions of a picture's windows by their lowest frequencies, by which a crop is found again.

It is the perceptual hash of imagehash (the lowest 8 x 8 values of a discrete cosine transform) with two differences: it
is taken of windows of many sizes and places, not of the whole picture alone, and it keeps the values' sizes instead of
their signs. All windows of one size are two matrix products away from the picture. `benchmarks/overlap.py` measures
what is found, beside `imagehash.crop_resistant_hash`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

SHORT_EDGE = 64
"""Pixels of the short side of the small grey picture that windows are taken of."""

LENGTH = 63
"""Values of a description: 8 x 8 frequencies without the mean."""

SMALLEST = 0.4
"""The smallest window, as a part of the largest one of its shape: a crop that keeps less is not looked for."""

_FREQUENCIES = 8
_RATIO = 1.12
"""Each size of windows is smaller than the last by this factor."""
_STEP = 0.12
"""Windows of one size lie no further apart than this part of their side."""
_SHAPE_RATIO = 1.06
"""Pictures whose width by height differs by less than about half of this are taken for one shape."""


@dataclass(frozen=True)
class Rectangle:
    """A window as parts of the picture's height and width, 0 to 1."""

    top: float
    left: float
    height: float
    width: float


WHOLE = Rectangle(0.0, 0.0, 1.0, 1.0)


def small_grey(picture: Image.Image) -> np.ndarray:
    """Return a picture in grey with a short side of 64 pixels: uint8, (H, W)."""
    scale = SHORT_EDGE / min(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    resample = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    return np.asarray(picture.convert("L").resize((width, height), resample), np.uint8)


def shape_of(height: int, width: int) -> int:
    """Return the number of a picture's shape: pictures of nearly the same width by height have the same."""
    return round(math.log(width / height) / math.log(_SHAPE_RATIO))


def whole_description(grey: np.ndarray) -> np.ndarray:
    """Return the description of a whole small picture, whatever its shape: float32, (63,), of length 1."""
    height, width = grey.shape
    values = _waves(0, height, height) @ grey.astype(np.float32) @ _waves(0, width, width).T
    return np.asarray(_normalised(values[None])[0])


def window_descriptions(grey: np.ndarray, shape: int) -> np.ndarray:
    """Return the descriptions of a small picture's windows of one shape: float32, (windows, 63).

    The order is that of `window_rectangles`.
    """
    picture = grey.astype(np.float32)
    values = []
    for size in _sizes(*grey.shape, shape):
        # Stacks of small products: as two large ones they would be spread over threads, which costs more than it gains.
        down = (size.rows @ picture).reshape(-1, grey.shape[1])
        grid = (size.columns @ down.T).reshape(len(size.columns), _FREQUENCIES, len(size.rows), _FREQUENCIES)
        values.append(grid.transpose(2, 0, 3, 1).reshape(-1, _FREQUENCIES, _FREQUENCIES))
    return _normalised(np.concatenate(values))


def window_rectangles(height: int, width: int, shape: int) -> tuple[Rectangle, ...]:
    """Return where the windows of one shape lie in a small picture of a size."""
    return tuple(rectangle for size in _sizes(height, width, shape) for rectangle in size.rectangles)


@dataclass(frozen=True)
class _Size:
    """All windows of one size: the waves of every row and column of windows, (rows or columns, 8, H or W)."""

    rows: np.ndarray
    columns: np.ndarray
    rectangles: tuple[Rectangle, ...]


@lru_cache(maxsize=128)
def _sizes(height: int, width: int, shape: int) -> tuple[_Size, ...]:
    return tuple(_windows_of_size(height, width, *sides) for sides in _sides(height, width, shape))


def _sides(height: int, width: int, shape: int) -> Iterator[tuple[float, float]]:
    aspect = _SHAPE_RATIO**shape
    largest = min(height, width / aspect)
    part = 1.0
    while part >= SMALLEST:
        yield largest * part, largest * part * aspect
        part /= _RATIO


def _windows_of_size(height: int, width: int, rows: float, columns: float) -> _Size:
    tops, lefts = _places(height, rows), _places(width, columns)
    return _Size(
        np.stack([_waves(top, rows, height) for top in tops]),
        np.stack([_waves(left, columns, width) for left in lefts]),
        tuple(Rectangle(top / height, left / width, rows / height, columns / width) for top in tops for left in lefts),
    )


def _places(total: int, side: float) -> list[float]:
    room = max(0.0, total - side)
    steps = math.ceil(room / (_STEP * side) - 1e-9)
    return [room * step / steps for step in range(steps + 1)] if steps else [room / 2]


def _waves(start: float, side: float, total: int) -> np.ndarray:
    """Return the lowest cosines over a window of one axis: float32, (8, total), 0 outside it.

    Pixels that the window cuts count for the part inside it.
    """
    place = np.arange(total)
    inside = np.clip(np.minimum(place + 1, start + side) - np.maximum(place, start), 0, 1)
    phase = (np.clip(place + 0.5, start, start + side) - start) / side
    waves = np.cos(math.pi * np.arange(_FREQUENCIES)[:, None] * phase)
    return np.asarray(waves * inside / side, np.float32)


def _normalised(values: np.ndarray) -> np.ndarray:
    """Return descriptions of length 1 from the cosine transforms: (windows, 8, 8) to (windows, 63).

    Natural pictures hold less at higher frequencies, so values are multiplied by their frequency; the square root
    keeps a few large ones from deciding alone.
    """
    down, across = np.mgrid[:_FREQUENCIES, :_FREQUENCIES]
    weighted = (values * np.hypot(down, across)).reshape(len(values), -1)[:, 1:]
    soft = np.sign(weighted) * np.sqrt(np.abs(weighted))
    length = np.linalg.norm(soft, axis=1, keepdims=True)
    return np.asarray(soft / np.maximum(length, 1e-6), np.float32)

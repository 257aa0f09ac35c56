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
    values = _whole_waves(height) @ grey.astype(np.float32) @ _whole_waves(width).T
    return np.asarray(_normalised(values.reshape(1, -1))[0])


def window_descriptions(grey: np.ndarray, shape: int) -> np.ndarray:
    """Return the descriptions of a small picture's windows of one shape: float32, (windows, 63).

    The order is that of `window_rectangles`.
    """
    windows = _windows(*grey.shape, shape)
    values = np.empty((len(windows.rectangles), _FREQUENCIES**2), np.float32)
    down = windows.rows @ grey.astype(np.float32)
    row = number = 0
    for rows, columns in zip(windows.counts, windows.columns, strict=True):
        grid = down[row : row + rows * _FREQUENCIES] @ columns.T
        grid = grid.reshape(rows, _FREQUENCIES, -1, _FREQUENCIES).transpose(0, 2, 1, 3)
        row, count = row + rows * _FREQUENCIES, grid.shape[0] * grid.shape[1]
        values[number : number + count].reshape(grid.shape)[:] = grid
        number += count
    return _normalised(values)


def window_rectangles(height: int, width: int, shape: int) -> tuple[Rectangle, ...]:
    """Return where the windows of one shape lie in a small picture of a size."""
    return _windows(height, width, shape).rectangles


@dataclass(frozen=True)
class _Windows:
    """All windows of one shape in pictures of one size, from the largest to the smallest.

    Attributes:
        rows: The waves of all rows of windows, (rows x 8, H).
        counts: How many rows there are of each size.
        columns: The waves of the columns of each size, (columns x 8, W).
        rectangles: Where the windows lie: size by size, row by row.
    """

    rows: np.ndarray
    counts: tuple[int, ...]
    columns: tuple[np.ndarray, ...]
    rectangles: tuple[Rectangle, ...]


@lru_cache(maxsize=256)
def _windows(height: int, width: int, shape: int) -> _Windows:
    rows: list[np.ndarray] = []
    counts: list[int] = []
    columns: list[np.ndarray] = []
    rectangles: list[Rectangle] = []
    for down, across in _sides(height, width, shape):
        tops, lefts = _places(height, down), _places(width, across)
        rows += [_waves(top, down, height) for top in tops]
        counts.append(len(tops))
        columns.append(np.concatenate([_waves(left, across, width) for left in lefts]))
        rectangles += [
            Rectangle(top / height, left / width, down / height, across / width) for top in tops for left in lefts
        ]
    return _Windows(np.concatenate(rows), tuple(counts), tuple(columns), tuple(rectangles))


def _sides(height: int, width: int, shape: int) -> Iterator[tuple[float, float]]:
    aspect = _SHAPE_RATIO**shape
    largest = min(height, width / aspect)
    part = 1.0
    while part >= SMALLEST:
        yield largest * part, largest * part * aspect
        part /= _RATIO


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


@lru_cache(maxsize=256)
def _whole_waves(total: int) -> np.ndarray:
    return _waves(0, total, total)


_WEIGHTS = np.hypot(*np.mgrid[:_FREQUENCIES, :_FREQUENCIES]).astype(np.float32).ravel()[1:]


def _normalised(values: np.ndarray) -> np.ndarray:
    """Return descriptions of length 1 from the cosine transforms: float32, (windows, 64) to (windows, 63).

    Natural pictures hold less at higher frequencies, so values are multiplied by their frequency; the square root
    keeps a few large ones from deciding alone.
    """
    weighted = values[:, 1:] * _WEIGHTS
    sizes = np.abs(weighted)
    length = np.sqrt(sizes.sum(axis=1, keepdims=True))
    soft = np.sqrt(sizes, out=sizes)
    soft /= np.maximum(length, 1e-6)
    return np.asarray(np.copysign(soft, weighted, out=weighted))

"""Photographs upright: rows of a file in the order that its EXIF orientation asks for."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np

from orchestrator.photos.strips import Source, Strips, strip_rows

UPRIGHT = 1
ORIENTATIONS = range(1, 9)
_SIDEWAYS = range(5, 9)
_FROM_THE_RIGHT = {7, 8}
"""Sideways ones whose first upright row is the last stored column."""
_FROM_BELOW = {3, 4}

_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: stored[::-1].transpose(1, 0, 2),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: stored[:, ::-1].transpose(1, 0, 2),
}


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """Return pixels, (H, W, bands), as an EXIF orientation, 1 to 8, says that they are to be seen.

    Source: CIPA DC-008 (EXIF 2.3), tag Orientation.
    """
    return _TURNS[orientation](stored)


def upright_size(height: int, width: int, orientation: int) -> tuple[int, int]:
    """Return height and width as they are to be seen."""
    return (width, height) if orientation in _SIDEWAYS else (height, width)


@contextmanager
def upright_strips(stored: Source, size: tuple[int, int], orientation: int, folder: Path) -> Iterator[Source]:
    """Give a photograph's upright strips.

    Strips of a turned one need rows that come last in the file: its pixels are written to a nameless file of `folder`,
    and read from there as often as strips are asked for.

    Args:
        size: Height and width as stored.
    """
    if orientation == UPRIGHT:
        yield stored
        return
    with TemporaryFile(dir=folder) as stored_file:
        shape = (0, 0)
        dtype = np.dtype(np.uint8)
        for strip in stored():
            stored_file.write(strip.tobytes())
            shape, dtype = strip.shape[1:], strip.dtype
        stored_file.flush()
        pixels = _StoredPixels(stored_file, size[0], shape[0], shape[1], dtype)
        yield lambda: pixels.upright(orientation)


class _StoredPixels:
    """Pixels as they are stored, in a file, row by row."""

    def __init__(self, file: BinaryIO, height: int, width: int, bands: int, dtype: np.dtype) -> None:
        self._file, self._height, self._width = file, height, width
        self._bands, self._dtype = bands, dtype

    def upright(self, orientation: int) -> Strips:
        """Yield upright strips: of stored rows or columns, from whichever end."""
        sideways = orientation in _SIDEWAYS
        length, across = (self._width, self._height) if sideways else (self._height, self._width)
        count = strip_rows(across, self._bands * self._dtype.itemsize)
        backwards = orientation in _FROM_BELOW | _FROM_THE_RIGHT
        for first in range(0, length, count):
            last = min(length, first + count)
            begin, end = (length - last, length - first) if backwards else (first, last)
            block = self._block(0, self._height, begin, end) if sideways else self._block(begin, end, 0, self._width)
            yield upright(block, orientation)

    def _block(self, top: int, bottom: int, left: int, right: int) -> np.ndarray:
        block = np.empty((bottom - top, right - left, self._bands), self._dtype)
        pixel = self._bands * self._dtype.itemsize
        if (left, right) == (0, self._width):
            os.preadv(self._file.fileno(), [block.data.cast("B")], top * self._width * pixel)
            return block
        for row, line in enumerate(block, top):
            os.preadv(self._file.fileno(), [line.data.cast("B")], (row * self._width + left) * pixel)
        return block

"""Pictures as strips of rows, from top to bottom: so much of a picture is in memory at a time, whatever its size."""

from collections.abc import Callable, Iterator

import numpy as np

Strips = Iterator[np.ndarray]
"""Rows from top to bottom: uint8 or uint16, (rows, W, bands)."""

Source = Callable[[], Strips]
"""Gives a picture's strips, anew at every call."""

_STRIP_BYTES = 2**20


def strip_rows(width: int, pixel_bytes: int) -> int:
    """Return how many rows make a strip, at least one."""
    return max(1, _STRIP_BYTES // (width * pixel_bytes))


def strips_of(pixels: np.ndarray) -> Strips:
    """Yield the strips of a picture that is in memory.

    Args:
        pixels: (H, W, bands).
    """
    count = strip_rows(pixels.shape[1], pixels.shape[2] * pixels.itemsize)
    for top in range(0, len(pixels), count):
        yield pixels[top : top + count]


def colours(strips: Strips) -> Strips:
    """Yield the three colours of strips that may have transparency."""
    for strip in strips:
        yield strip[..., :3]


def transparency(strips: Strips) -> Strips:
    """Yield the last band of strips, which is their transparency."""
    for strip in strips:
        yield strip[..., 3:4]

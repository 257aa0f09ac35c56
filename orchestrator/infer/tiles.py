"""Overlapping tiles and their blending weights: pure arithmetic, one implementation for both axes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.infer.graphs.region import Region, Size, Span

Weights = npt.NDArray[np.float32]

ALIGNMENT = 32
"""Largest stride of the networks in pixels: where tiles begin at its multiples, their grids fall on one another."""


@dataclass(frozen=True)
class Tile:
    """A part of a picture.

    Attributes:
        weights: How much it counts at each of its pixels, (H, W), above 0 and at most 1.
    """

    region: Region
    weights: Weights


def tiles(size: Size, tile: int, overlap: int) -> Iterator[Tile]:
    """Yield tiles that cover a picture, row by row; at every pixel the weights of all tiles sum to one.

    Args:
        tile: As for `spans`.
        overlap: As for `spans`.
    """
    columns = list(_weighted(spans(size.width, tile, overlap)))
    for rows, down in _weighted(spans(size.height, tile, overlap)):
        for one, across in columns:
            yield Tile(Region(rows, one), np.multiply.outer(down, across).astype(np.float32))


def tile_count(size: Size, tile: int, overlap: int) -> int:
    """Return how many tiles a picture takes."""
    return len(spans(size.height, tile, overlap)) * len(spans(size.width, tile, overlap))


def spans(length: int, tile: int, overlap: int) -> list[Span]:
    """Return tiles along one axis that cover [0, length): all of one length, neighbours overlap by `overlap` at least.

    Tiles begin at multiples of `ALIGNMENT` where the overlap leaves room for that; the last tile is shifted inward to
    end with the picture. An axis no longer than a tile is a single, shorter span.

    Raises:
        ValueError: Where the overlap leaves no step.
    """
    if not 0 <= overlap < tile:
        raise ValueError(f"an overlap of {overlap} pixels does not fit tiles of {tile}")
    if length <= tile:
        return [Span(0, length)]
    step = tile - overlap
    starts = [*range(0, length - tile, step // ALIGNMENT * ALIGNMENT or step), length - tile]
    return [Span(start, start + tile) for start in starts]


def _weighted(found: list[Span]) -> Iterator[tuple[Span, npt.NDArray[np.float64]]]:
    """Yield each span with its weights along the axis; over every pixel the weights of all spans sum to one.

    A span's weight rises over what it shares with the one before and falls over what it shares with the one after,
    by half a cosine.
    """
    raw = [_raised(found, place) for place in range(len(found))]
    total = np.zeros(found[-1].stop)
    for span, weights in zip(found, raw, strict=True):
        total[span.slice] += weights
    for span, weights in zip(found, raw, strict=True):
        yield span, weights / total[span.slice]


def _raised(found: list[Span], place: int) -> npt.NDArray[np.float64]:
    span = found[place]
    weights = np.ones(span.length)
    if place > 0:
        shared = found[place - 1].stop - span.start
        weights[:shared] *= _ramp(shared)
    if place + 1 < len(found):
        shared = span.stop - found[place + 1].start
        weights[span.length - shared :] *= _ramp(shared)[::-1]
    return weights


def _ramp(length: int) -> npt.NDArray[np.float64]:
    """Return a rise from just above 0 to just below 1; never 0, so that no pixel is without weight."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(length, 1)))

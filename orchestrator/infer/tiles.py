"""Overlapping tiles and their blending weights: pure arithmetic, one implementation for both axes."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from orchestrator.infer.region import Region, Size, Span

Weights = npt.NDArray[np.float64]


def spans(length: int, tile: int, overlap: int) -> list[Span]:
    """Return tiles along one axis that cover [0, length): all of one length, neighbours overlap by `overlap` at least.

    The last tile is shifted inward to end with the picture. An axis no longer than a tile is a single, shorter span.

    Raises: ValueError where the overlap leaves no step.
    """
    if not 0 <= overlap < tile:
        raise ValueError(f"an overlap of {overlap} pixels does not fit tiles of {tile}")
    if length <= tile:
        return [Span(0, length)]
    starts = [*range(0, length - tile, tile - overlap), length - tile]
    return [Span(start, start + tile) for start in starts]


def tiles(size: Size, tile: int, overlap: int) -> list[Region]:
    """Return tiles that cover a picture, row by row."""
    columns = spans(size.width, tile, overlap)
    return [Region(rows, one) for rows in spans(size.height, tile, overlap) for one in columns]


def axis_weights(length: int, tile: int, overlap: int) -> Iterator[Weights]:
    """Yield each span's weights along one axis; over every pixel the weights of all spans sum to one.

    A span's weight rises over what it shares with the one before and falls over what it shares with the one after,
    by half a cosine.
    """
    found = spans(length, tile, overlap)
    raw = [_raised(found, place) for place in range(len(found))]
    total = np.zeros(length)
    for span, weights in zip(found, raw, strict=True):
        total[span.slice] += weights
    for span, weights in zip(found, raw, strict=True):
        yield weights / total[span.slice]


def _raised(found: list[Span], place: int) -> Weights:
    span = found[place]
    weights = np.ones(span.length)
    if place > 0:
        shared = found[place - 1].stop - span.start
        weights[:shared] *= _ramp(shared)
    if place + 1 < len(found):
        shared = span.stop - found[place + 1].start
        weights[span.length - shared :] *= _ramp(shared)[::-1]
    return weights


def _ramp(length: int) -> Weights:
    """Return a rise from just above 0 to just below 1; never 0, so that no pixel is without weight."""
    return 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(length, 1))

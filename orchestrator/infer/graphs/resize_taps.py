"""Weights of cubic resizing, and of resizing that smooths what it makes smaller: several neighbours of each pixel.

Positions are those in the whole picture, as in `resampling`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.graphs.region import Span


@dataclass(frozen=True)
class Filter:
    """Weights by the distance of a neighbour.

    Attributes:
        radius: Within which neighbours count, in pixels.
        slope: Of a cubic one at distance 1, the specification's `cubic_coeff_a`; None for a linear one.

    Source of the cubic one: Keys 1981.
    """

    radius: int
    slope: float | None = None

    def __call__(self, distance: Array) -> Array:
        """Return the weights of neighbours, float64."""
        far = np.abs(distance)
        if self.slope is None:
            return np.asarray(np.clip(1 - far, 0, 1))
        slope = self.slope
        near = ((slope + 2) * far - (slope + 3)) * far * far + 1
        beyond = ((slope * far - 5 * slope) * far + 8 * slope) * far - 4 * slope
        return np.asarray(np.where(far <= 1, near, np.where(far < 2, beyond, 0.0)))


LINEAR = Filter(1)
CUBIC = Filter(2, -0.75)


@dataclass(frozen=True, eq=False)
class Taps:
    """Where resizing along one axis reads, with several neighbours for each output pixel.

    Attributes:
        places: Of the neighbours, inside the input, (outputs, neighbours).
        weights: Theirs, float64, of the same shape.
    """

    places: Array
    weights: Array
    length: int

    @cached_property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        whole = Span(0, len(self.places))
        return whole.length == self.length and bool((self.matrix(whole, whole) == np.eye(self.length)).all())

    def seen(self, span: Span) -> Span:
        """Return what a span of the output reads."""
        places = self.places[span.slice]
        exact = Span(int(places.min()), int(places.max()) + 1)
        ratio = Fraction(self.length, len(self.places))
        steady = min(self.length, int(span.length * ratio) + 2 + self.places.shape[1])
        begin = max(0, min(exact.start, self.length - steady))
        found = Span(begin, begin + steady)
        return found if found.hull(exact) == found else exact

    def matrix(self, out: Span, need: Span) -> Array:
        """Return the weights of the inputs, float32, (out, need)."""
        weights = np.zeros((out.length, need.length), np.float64)
        rows = np.arange(out.length)[:, None]
        np.add.at(weights, (rows, self.places[out.slice] - need.start), self.weights[out.slice])
        return weights.astype(np.float32)


def tapped(positions: Sequence[float], length: int, filtering: Filter, *, outside: bool) -> Taps:
    """Return the taps of a filter at its own width.

    Args:
        outside: Whether neighbours beyond the picture are its edges; else they do not count.
    """
    middle = np.asarray(positions)
    first = np.floor(middle).astype(np.int64) - filtering.radius + 1
    places = first[:, None] + np.arange(2 * filtering.radius)
    return _inside(places, filtering(places - middle[:, None]), length, outside=outside)


def smoothed(positions: Sequence[float], length: int, filtering: Filter, scale: float, *, outside: bool) -> Taps:
    """Return the taps of a filter that is as much wider as the picture becomes smaller.

    Args:
        scale: Output by input, below 1.
        outside: As in `tapped`.
    """
    middle, support = np.asarray(positions), filtering.radius / scale
    first = np.floor(middle + 1 - support).astype(np.int64)
    places = first[:, None] + np.arange(int(2 * support) + 2)
    return _inside(places, filtering((places - middle[:, None]) * scale), length, outside=outside)


def _inside(places: Array, weights: Array, length: int, *, outside: bool) -> Taps:
    if not outside:
        weights = np.where((places >= 0) & (places < length), weights, 0.0)
    weights = weights / weights.sum(axis=1, keepdims=True)
    return Taps(np.clip(places, 0, length - 1), weights, length)

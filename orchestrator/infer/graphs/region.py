"""Sizes and regions of pictures; rows before columns, everywhere."""

from dataclasses import dataclass
from typing import NamedTuple

ROWS, COLUMNS = 0, 1
AXES = (ROWS, COLUMNS)
"""The two axes of a picture; what is said of one axis holds for both."""


class Span(NamedTuple):
    """The half-open range [start, stop) along one axis, in pixels. A tuple, for plans place millions of them."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many pixels it has."""
        return self.stop - self.start

    @property
    def slice(self) -> slice:
        """The range as Python's slice."""
        return slice(self.start, self.stop)

    def hull(self, other: "Span") -> "Span":
        """Return the smallest span that holds both."""
        return Span(min(self.start, other.start), max(self.stop, other.stop))

    def seen_from(self, origin: "Span") -> "Span":
        """Return the same range counted from the start of another span."""
        return Span(self.start - origin.start, self.stop - origin.start)


@dataclass(frozen=True)
class Size:
    """Height and width in pixels."""

    height: int
    width: int

    def along(self, axis: int) -> int:
        """Return the length along an axis."""
        return self.height if axis == ROWS else self.width

    @property
    def pixels(self) -> int:
        """How many pixels there are."""
        return self.height * self.width

    def __str__(self) -> str:
        return f"{self.height} x {self.width}"


@dataclass(frozen=True)
class Region:
    """A rectangle of a picture."""

    rows: Span
    columns: Span

    @property
    def size(self) -> Size:
        """Its height and width."""
        return Size(self.rows.length, self.columns.length)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index the first two axes of an array."""
        return self.rows.slice, self.columns.slice

"""Sizes and regions of pictures; rows before columns, everywhere."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """The half-open range [start, stop) along one axis, in pixels."""

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


@dataclass(frozen=True)
class Size:
    """Height and width in pixels."""

    height: int
    width: int


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

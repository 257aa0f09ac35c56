"""Maps that are made of no other map: of values of the whole picture, and of constants with pixels of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from orchestrator.infer.graphs.node import Array, Node, Placement, SubgraphWriter
from orchestrator.infer.graphs.region import AXES, Span


@dataclass(frozen=True)
class Spread(Node):
    """A value of the whole picture or a constant, (1, C, 1, 1), at every pixel."""

    def needs(self, axis: int, span: Span) -> Span:
        """Return the same span; there is no map to read."""
        return span

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write the value at the region's size."""
        parts = [writer.constant(np.array([1, self.map.channels], np.int64))]
        parts += [writer.fed(f"{self.output}|{axis}", [1]) for axis in AXES]
        writer.add("Expand", [writer.value(self.values[0]), writer.add("Concat", parts, axis=0)], self.output)

    def fed(self, axis: int, placed: Placement) -> Mapping[str, Array]:
        """Return the length along an axis."""
        return {f"{self.output}|{axis}": np.array([placed.out.length], np.int64)}


@dataclass(frozen=True)
class Stored(Node):
    """A constant with rows or columns of its own, (1, C, height or 1, width or 1), cut where a region lies."""

    lengths: tuple[int, int]

    def needs(self, axis: int, span: Span) -> Span:
        """Return the same span; there is no map to read."""
        return span

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write a choice of fed rows and columns."""
        value = writer.value(self.values[0])
        for axis, placed in zip(AXES, (rows, columns), strict=True):
            places = writer.fed(f"{self.output}|{axis}", [placed.out.length])
            value = writer.add("Gather", [value, places], axis=2 + axis)
        writer.add("Identity", [value], self.output)

    def fed(self, axis: int, placed: Placement) -> Mapping[str, Array]:
        """Return the places along an axis; the only one where the constant has one."""
        places = np.arange(placed.out.start, placed.out.stop)
        return {f"{self.output}|{axis}": np.minimum(places, self.lengths[axis] - 1)}

    def shape(self, axis: int, placed: Placement) -> tuple[Any, ...]:
        """Return nothing: where a region lies is fed."""
        return ()

"""Nodes that read pixels from elsewhere in the picture: nearest and linear resizing, cropping, repeating, mirroring.

Positions are those in the whole picture, computed from whole sizes; a tile never computes them from its own.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from orchestrator.infer.graphs.node import Array, Node, Placement, SubgraphWriter, axis_of
from orchestrator.infer.graphs.region import AXES, ROWS, Span
from orchestrator.infer.graphs.resize_taps import Taps

_SPARE = 2


def _steady(start: int, length: int, ratio: Fraction, whole: int) -> Span:
    """Return a span that begins at or before `start`, whose length depends on the length of the output alone.

    Tiles of one size then read regions of one size.

    Args:
        ratio: Input pixels per output pixel.
        whole: The input's length.
    """
    steady = min(whole, int(length * ratio) + 1 + _SPARE)
    begin = max(0, min(start, whole - steady))
    return Span(begin, begin + steady)


@dataclass(frozen=True)
class Take(Node):
    """Copies pixels along one axis: output i is input `index[i]`.

    Cropping, padding with edges or mirror images, nearest resizing.
    """

    axis: int
    index: tuple[int, ...]

    @cached_property
    def _array(self) -> Array:
        return np.array(self.index, np.int64)

    @cached_property
    def _is_shift(self) -> bool:
        """Whether it copies one run of pixels, with some others before and after: no resizing."""
        first, last = self._run(self._array)
        return last - first >= len(self.index) // 2

    @staticmethod
    def _run(index: Array) -> tuple[int, int]:
        """Return the longest range of places over which the index grows by one."""
        breaks = np.flatnonzero(np.diff(index) != 1) + 1
        edges = [0, *breaks.tolist(), len(index)]
        return max(itertools.pairwise(edges), key=lambda edge: edge[1] - edge[0])

    def needs(self, axis: int, span: Span) -> Span:
        """Return the hull of the pixels that are copied."""
        if axis != self.axis:
            return span
        index = self._array[span.slice]
        exact = Span(int(index.min()), int(index.max()) + 1)
        if self._is_shift:
            return exact
        whole = self.before.along(axis)
        steady = _steady(exact.start, span.length, Fraction(whole, len(self.index)), whole)
        return steady if steady.hull(exact) == steady else exact

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write a gather of fed places, or for a shift what it adds before and after one run."""
        value = writer.read(self.inputs[0], rows.need, columns.need)
        placed = axis_of(self.axis, rows, columns)
        if not self._is_shift:
            fed = writer.fed(f"{self.output}|index", [placed.out.length])
            writer.add("Gather", [value, fed], self.output, axis=2 + self.axis)
            return
        index = self._local(placed)
        first, last = self._run(index)
        odd, kept = last - first < len(index), Span(int(index[first]), int(index[last - 1]) + 1)
        if odd and kept != Span(0, placed.need.length):
            # Not a slice beside gathers: ONNX Runtime 1.32 makes one split of both, and of the wrong rows.
            writer.add("Gather", [value, writer.constant(index)], self.output, axis=2 + self.axis)
            return
        run = writer.cut(value, self.axis, kept, placed.need.length)
        before, after = (
            [writer.add("Gather", [value, writer.constant(part)], axis=2 + self.axis)] if len(part) else []
            for part in (index[:first], index[last:])
        )
        if before or after:
            writer.add("Concat", [*before, run, *after], self.output, axis=2 + self.axis)
        else:
            writer.add("Identity", [run], self.output)

    def shape(self, axis: int, placed: Placement) -> tuple[Any, ...]:
        """Return the places of a shift, as ranges and odd ones; those of a resizing are fed."""
        if axis != self.axis or not self._is_shift:
            return ()
        index = self._local(placed)
        first, last = self._run(index)
        return (first, last, int(index[first]), *index[:first].tolist(), *index[last:].tolist())

    def fed(self, axis: int, placed: Placement) -> Mapping[str, Array]:
        """Return the places that a resizing copies from."""
        if axis != self.axis or self._is_shift:
            return {}
        return {f"{self.output}|index": self._local(placed)}

    def _local(self, placed: Placement) -> Array:
        return np.asarray(self._array[placed.out.slice] - placed.need.start)


@dataclass(frozen=True)
class Axis:
    """Where linear resizing along one axis reads.

    Attributes:
        positions: Of each output pixel, in input pixels, inside the input.
    """

    positions: tuple[float, ...]
    length: int

    @cached_property
    def _first(self) -> Array:
        return np.minimum(np.floor(self.positions), max(0, self.length - 2)).astype(np.int64)

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return len(self.positions) == self.length and self.positions == tuple(range(self.length))

    def seen(self, span: Span) -> Span:
        """Return what a span of the output reads."""
        first = self._first[span.slice]
        exact = Span(int(first.min()), min(int(first.max()) + 2, self.length))
        steady = _steady(exact.start, span.length, Fraction(self.length, len(self.positions)), self.length)
        return steady if steady.hull(exact) == steady else exact

    def matrix(self, out: Span, need: Span) -> Array:
        """Return the weights of the inputs, float32, (out, need): two neighbours in each row."""
        first = self._first[out.slice]
        share = np.asarray(self.positions[out.slice]) - first
        weights = np.zeros((out.length, need.length), np.float64)
        places = np.arange(out.length)
        weights[places, first - need.start] += 1 - share
        weights[places, np.minimum(first + 1, self.length - 1) - need.start] += share
        return weights.astype(np.float32)


@dataclass(frozen=True)
class Linear(Node):
    """Linear or cubic resizing, as two products with the weights of the picture's positions; the weights are fed."""

    axes: tuple[Axis | Taps, Axis | Taps]

    def needs(self, axis: int, span: Span) -> Span:
        """Return what the span reads."""
        return span if self.axes[axis].is_identity else self.axes[axis].seen(span)

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write the product along the columns, at the input's height, then that along the rows."""
        value = writer.read(self.inputs[0], rows.need, columns.need)
        for axis in reversed(AXES):
            if self.axes[axis].is_identity:
                continue
            placed = axis_of(axis, rows, columns)
            lengths = [placed.out.length, placed.need.length]
            weights = writer.fed(f"{self.output}|{axis}", lengths if axis == ROWS else lengths[::-1])
            value = writer.add("MatMul", [weights, value] if axis == ROWS else [value, weights])
        writer.add("Identity", [value], self.output)

    def scratch_bytes(self, rows: Placement, columns: Placement) -> int:
        """Return the bytes of the product along the columns."""
        return 4 * self.map.channels * rows.need.length * columns.out.length

    def fed(self, axis: int, placed: Placement) -> Mapping[str, Array]:
        """Return the weights, transposed for the columns."""
        if self.axes[axis].is_identity:
            return {}
        matrix = self.axes[axis].matrix(placed.out, placed.need)
        return {f"{self.output}|{axis}": matrix if axis == ROWS else np.ascontiguousarray(matrix.T)}

    def macs(self, rows: Placement, columns: Placement) -> float:
        """Return the multiplications of both products; they grow faster than the region."""
        across = rows.need.length * columns.need.length * columns.out.length
        down = rows.out.length * rows.need.length * columns.out.length
        return float(self.map.channels * (across + down))


@dataclass(frozen=True)
class Blocks(Node):
    """Moves channels into space or space into channels, in blocks.

    Attributes:
        kind: "DepthToSpace" or "SpaceToDepth".
        block: Its side.
        more: Further attributes of the ONNX node.
    """

    kind: str
    block: int
    more: tuple[tuple[str, Any], ...] = ()

    def needs(self, axis: int, span: Span) -> Span:
        """Return the blocks that the span touches."""
        if self.kind == "DepthToSpace":
            return Span(span.start // self.block, -(-span.stop // self.block))
        return Span(span.start * self.block, span.stop * self.block)

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write the node over whole blocks, and cut the region out of them."""
        value = writer.read(self.inputs[0], rows.need, columns.need)
        value = writer.add(self.kind, [value], blocksize=self.block, **dict(self.more))
        if self.kind == "DepthToSpace":
            for axis, placed in zip(AXES, (rows, columns), strict=True):
                origin = Span(placed.need.start * self.block, placed.need.stop * self.block)
                value = writer.cut(value, axis, placed.out.seen_from(origin), origin.length)
        writer.add("Identity", [value], self.output)

    def shape(self, axis: int, placed: Placement) -> tuple[Any, ...]:
        """Return where in the first block the region begins."""
        return (placed.out.start - placed.need.start * self.block,) if self.kind == "DepthToSpace" else ()

"""Nodes that rearrange channels and blocks of pixels: each works at every pixel of a map by itself."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from orchestrator.infer.graphs.node import Array, GlobalReduction, Node, Placement, SubgraphWriter
from orchestrator.infer.graphs.region import AXES, Span


@dataclass(frozen=True)
class Form:
    """How the values of a region are laid out for an operation.

    Attributes:
        factors: Lengths that the channels split into, outer ones first.
        axes: Of the tensor, each the places of the factors that it holds; the rows are one place more than the
            factors, the columns two.
    """

    factors: tuple[int, ...]
    axes: tuple[tuple[int, ...], ...]

    @property
    def is_map(self) -> bool:
        """Whether it is (1, channels, rows, columns) as a map lies."""
        count = len(self.factors)
        return self.axes == ((), tuple(range(count)), (count,), (count + 1,))

    @cached_property
    def _order(self) -> list[int]:
        return [place for axis in self.axes for place in axis]

    @property
    def is_moved(self) -> bool:
        """Whether values change their order."""
        return self._order != sorted(self._order)

    def taken(self, writer: SubgraphWriter, region: str, height: int) -> str:
        """Write what brings a region, (1, channels, height, width), into this form."""
        if self.is_map:
            return region
        if self.is_moved:
            region = _reshaped(writer, region, self._lengths(range(len(self.factors) + 2), height))
            region = writer.add("Transpose", [region], perm=self._order)
        return _reshaped(writer, region, [self._length(axis, height) for axis in self.axes])

    def given_back(self, writer: SubgraphWriter, tensor: str, height: int, output: str) -> None:
        """Write what makes a region of a tensor of this form."""
        if self.is_map:
            writer.add("Identity", [tensor], output)
            return
        if self.is_moved:
            tensor = _reshaped(writer, tensor, self._lengths(self._order, height))
            tensor = writer.add("Transpose", [tensor], perm=np.argsort(self._order).tolist())
        _reshaped(writer, tensor, [1, math.prod(self.factors), height, -1], output)

    def _lengths(self, places: Sequence[int], height: int) -> list[int]:
        return [self._length((place,), height) for place in places]

    def _length(self, axis: Sequence[int], height: int) -> int:
        if len(self.factors) + 1 in axis:
            return -1
        return math.prod((*self.factors, height)[place] for place in axis)


def _reshaped(writer: SubgraphWriter, tensor: str, shape: Sequence[int], output: str | None = None) -> str:
    return writer.add("Reshape", [tensor, writer.constant(np.array(shape, np.int64))], output)


class Operand(NamedTuple):
    """What an operation is given: a map in a form, or a value or constant as it is, which has no form."""

    name: str
    form: Form | None = None


@dataclass(frozen=True)
class Rearranged(Node):
    """An operation that runs at each pixel by itself, on maps whose channels are laid out in other forms.

    Attributes:
        kind: Its ONNX name.
        operands: In their order.
        result: The form of what it answers.
        cost: Multiplications per pixel.
        more: Attributes of the ONNX node.
    """

    kind: str
    operands: tuple[Operand, ...]
    result: Form
    cost: float = 0.0
    more: tuple[tuple[str, Any], ...] = ()

    def needs(self, axis: int, span: Span) -> Span:
        """Return the same span."""
        return span

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write the operation between what lays out its operands and what lays its result back."""
        given = []
        for name, form in self.operands:
            if form is None:
                given.append(writer.value(name) if name else "")
            else:
                given.append(form.taken(writer, writer.read(name, rows.need, columns.need), rows.out.length))
        if self.result.is_map:
            writer.add(self.kind, given, self.output, **dict(self.more))
            return
        tensor = writer.add(self.kind, given, **dict(self.more))
        self.result.given_back(writer, tensor, rows.out.length, self.output)

    def macs(self, rows: Placement, columns: Placement) -> float:
        """Return the multiplications of a placement."""
        return self.cost * rows.out.length * columns.out.length

    def passes(self) -> float:
        """Return how often elementwise work goes over the output."""
        moved = sum(one.form is not None and one.form.is_moved for one in self.operands)
        return 1.0 + moved + self.result.is_moved

    def scratch_bytes(self, rows: Placement, columns: Placement) -> int:
        """Return the bytes of what is laid out anew: each operand that moves, and the result before it moves back.

        Three times, as was seen: ONNX Runtime lays out operands of what follows before their time.
        """
        forms = [one.form for one in self.operands if one.form is not None and one.form.is_moved]
        channels = sum(math.prod(form.factors) for form in forms) + self.map.channels * self.result.is_moved
        return 12 * channels * rows.out.length * columns.out.length


@dataclass(frozen=True)
class Windows(Node):
    """Moves blocks of pixels into channels, or back: channel, then row and column in the block.

    Attributes:
        block: Its rows and columns.
        opened: Whether channels become pixels.
    """

    block: tuple[int, int]
    opened: bool

    def needs(self, axis: int, span: Span) -> Span:
        """Return the blocks that the span touches, or their pixels."""
        block = self.block[axis]
        if self.opened:
            return Span(span.start // block, -(-span.stop // block))
        return Span(span.start * block, span.stop * block)

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write a transposition over whole blocks, and cut the region out of them."""
        value = writer.read(self.inputs[0], rows.need, columns.need)
        down, across = self.block
        if not self.opened:
            lengths = [self.map.channels // (down * across), rows.out.length, down, -1, across]
            moved = writer.add("Transpose", [_reshaped(writer, value, lengths)], perm=[0, 2, 4, 1, 3])
            _reshaped(writer, moved, [1, self.map.channels, rows.out.length, -1], self.output)
            return
        height = rows.need.length
        lengths = [self.map.channels, down, across, height, -1]
        moved = writer.add("Transpose", [_reshaped(writer, value, lengths)], perm=[0, 3, 1, 4, 2])
        value = _reshaped(writer, moved, [1, self.map.channels, height * down, -1])
        for axis, placed in zip(AXES, (rows, columns), strict=True):
            block = self.block[axis]
            origin = Span(placed.need.start * block, placed.need.stop * block)
            value = writer.cut(value, axis, placed.out.seen_from(origin), origin.length)
        writer.add("Identity", [value], self.output)

    def shape(self, axis: int, placed: Placement) -> tuple[Any, ...]:
        """Return where in the first block the region begins."""
        return (placed.out.start - placed.need.start * self.block[axis],) if self.opened else ()

    def scratch_bytes(self, rows: Placement, columns: Placement) -> int:
        """Return the bytes of whole blocks, before the region is cut out of them."""
        if not self.opened:
            return 0
        pixels = self.block[0] * self.block[1] * rows.need.length * columns.need.length
        return 4 * self.map.channels * pixels


@dataclass(frozen=True)
class ConstantMap(Node):
    """A constant with pixels of its own, as of shifted windows; equal rows and equal columns are kept once.

    Attributes:
        values: One constant, (different rows, different columns, channels).
        rows: For each row of the map which of them it is.
        columns: See `rows`.
        repeats: The shape that its channels come from and the shape that they are broadcast to.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    repeats: tuple[tuple[int, ...], tuple[int, ...]]

    def needs(self, axis: int, span: Span) -> Span:
        """Return the same span; there is no input to read."""
        return span

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write gathers of fed places."""
        value = writer.value(self.values[0])
        for axis, placed in zip(AXES, (rows, columns), strict=True):
            value = writer.add("Gather", [value, writer.fed(self._key(axis), [placed.out.length])], axis=axis)
        value = writer.add("Transpose", [value], perm=[2, 0, 1])
        few, many = self.repeats
        height = rows.out.length
        if few != many:
            ones = [writer.constant(np.array([*many, 1, 1], np.int64))]
            value = writer.add("Expand", [_reshaped(writer, value, [*few, height, -1]), *ones])
        _reshaped(writer, value, [1, self.map.channels, height, -1], self.output)

    def fed(self, axis: int, placed: Placement) -> Mapping[str, Array]:
        """Return which of the different rows or columns the region has."""
        places = (self.rows, self.columns)[axis][placed.out.slice]
        return {self._key(axis): np.array(places, np.int64)}

    def scratch_bytes(self, rows: Placement, columns: Placement) -> int:
        """Return the bytes of the region before its channels come first."""
        return 4 * math.prod(self.repeats[0]) * rows.out.length * columns.out.length

    def _key(self, axis: int) -> str:
        return f"{self.output}|{axis}"


@dataclass(frozen=True)
class Gram(GlobalReduction):
    """The sum over all pixels of products of two maps' channels, (shared, of the first, of the second).

    Attributes:
        against: The second map.
        forms: Of both: (shared, its own, pixels) and (shared, pixels, its own).
        multiplications: Per pixel.
    """

    against: str
    forms: tuple[Form, Form]
    multiplications: float

    @property
    def inputs(self) -> tuple[str, ...]:
        """The maps that it goes over."""
        return self.input, self.against

    @property
    def cost(self) -> float:
        """Multiplications per pixel."""
        return self.multiplications

    def emit(self, writer: SubgraphWriter, regions: Sequence[str], height: int) -> str:
        """Write the sum over one region of both maps."""
        taken = [form.taken(writer, region, height) for form, region in zip(self.forms, regions, strict=True)]
        return writer.add("MatMul", taken)

"""What a node of a network does in space: the region that it needs, and how it runs on one.

Each class below and in the modules `..._nodes` and `resampling` is one behaviour, with two pure functions: `needs`
says along one axis which part of its inputs a part of its output is computed from, and `emit` writes the ONNX nodes
that compute that part. At the border of the picture a node does what it does to the whole picture; inside, it sees real
neighbours.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import onnx

from orchestrator.infer.graphs.region import ROWS, Size, Span

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Map:
    """A tensor with rows and columns: (1, channels, height, width), float32.

    Attributes:
        kind: What the network calls its values, such as "bool" or "int64"; they are held as float32 all the same.
    """

    channels: int
    size: Size
    kind: str = "float32"

    @property
    def nbytes(self) -> int:
        """Bytes of the whole map."""
        return 4 * self.channels * self.size.pixels


class Placement(NamedTuple):
    """One axis of one node in one tile.

    Attributes:
        out: What is computed of its output.
        need: What it reads of its inputs, inside the picture.
        before: How far it would reach beyond the picture's start.
        after: How far it would reach beyond the picture's end.
    """

    out: Span
    need: Span
    before: int
    after: int


class SubgraphWriter(Protocol):
    """Takes the ONNX nodes of one subgraph."""

    def read(self, name: str, rows: Span, columns: Span) -> str:
        """Return the tensor that holds a region of a map."""

    def value(self, name: str) -> str:
        """Return the tensor of a constant, or of a value of the whole picture."""

    def constant(self, value: Array) -> str:
        """Return a new constant tensor."""

    def fed(self, key: str, shape: Sequence[int]) -> str:
        """Return an input that is fed anew for each tile."""

    def add(self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """Add a node and return its output."""

    def pick(self, kind: str, inputs: Sequence[str], place: int, count: int, **attributes: Any) -> str:
        """Add a node with several outputs and return the one at a place."""

    def cut(self, tensor: str, axis: int, span: Span, length: int) -> str:
        """Return a span of a tensor along an axis.

        Args:
            length: That of the tensor.
        """

    def is_map(self, name: str) -> bool:
        """Whether this is a map, and no constant or value of the whole picture."""


@dataclass(frozen=True)
class Node(ABC):
    """A node that makes a map of maps.

    Attributes:
        output: The map's name.
        inputs: Names of the maps that it reads, all of one size.
        values: Names of constants and of values of the whole picture.
        map: Its channels and size.
        before: Size of its inputs.
    """

    output: str
    inputs: tuple[str, ...]
    values: tuple[str, ...]
    map: Map
    before: Size

    @abstractmethod
    def needs(self, axis: int, span: Span) -> Span:
        """Return which span of the inputs a span of the output is computed from; it may reach beyond the picture."""

    @abstractmethod
    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write the nodes that compute the placed region; their last output has the name of the map."""

    def macs(self, rows: Placement, columns: Placement) -> float:
        """Return the multiplications of a placement; elementwise work counts as none."""
        return 0.0

    def passes(self) -> float:
        """Return how often elementwise work goes over the output."""
        return 1.0

    def scratch_bytes(self, rows: Placement, columns: Placement) -> int:
        """Return the bytes that it takes while it runs, besides inputs and output."""
        return 0

    def shape(self, axis: int, placed: Placement) -> tuple[Any, ...]:
        """Return what of a placement is written into the nodes, besides lengths and reach."""
        return ()

    def fed(self, axis: int, placed: Placement) -> Mapping[str, Array]:
        """Return the values that are fed for a placement, by their keys."""
        return {}

    def placed(self, axis: int, out: Span) -> Placement:
        """Return how it lies along an axis when a span of its output is computed, or more where that sees no pixel."""
        start, stop = self.needs(axis, out)
        length = self.before.along(axis)
        first, last = max(0, start), min(length, stop)
        if last > first:
            return Placement(out, Span(first, last), first - start, stop - last)
        more = Span(out.start, out.stop + 1) if stop <= 0 else Span(out.start - 1, out.stop)
        return self.placed(axis, more)


@dataclass(frozen=True)
class Pointwise(Node):
    """Every pixel for itself: elementwise operations, and those along the channels.

    Attributes:
        template: The ONNX node.
    """

    template: onnx.NodeProto

    def needs(self, axis: int, span: Span) -> Span:
        """Return the same span."""
        return span

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write the node as it was, over regions of its maps."""
        names = [
            writer.read(name, rows.need, columns.need) if writer.is_map(name) else writer.value(name) if name else ""
            for name in self.template.input
        ]
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in self.template.attribute}
        writer.add(self.template.op_type, names, self.output, **attributes)


@dataclass(frozen=True)
class Typed(Pointwise):
    """Every pixel for itself, where an input or the output is held as float32 and called something else.

    Attributes:
        kinds: What the network calls the values of each map that are no floats, by its name.
        place: Which of the template's outputs it is.
    """

    kinds: tuple[tuple[str, str], ...] = ()
    place: int = 0

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write the node as it was, between casts to the network's kinds and back."""
        kinds, names = dict(self.kinds), []
        for name in self.template.input:
            if not writer.is_map(name):
                names.append(writer.value(name) if name else "")
                continue
            tensor = writer.read(name, rows.need, columns.need)
            if name in kinds:
                tensor = writer.add("Cast", [tensor], to=_tensor_kind(kinds[name]))
            names.append(tensor)
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in self.template.attribute}
        count = len(self.template.output)
        made = writer.pick(self.template.op_type, names, self.place, count, **attributes)
        writer.add("Cast", [made], self.output, to=onnx.TensorProto.FLOAT)


def _tensor_kind(kind: str) -> int:
    return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind)))


@dataclass(frozen=True)
class Value:
    """A node that computes a value of the whole picture from others.

    Attributes:
        template: The ONNX node.
    """

    output: str
    values: tuple[str, ...]
    template: onnx.NodeProto


@dataclass(frozen=True)
class GlobalReduction:
    """A global reduction: a number per channel that the whole map decides, (1, C, 1, 1) or as `dims` says.

    Attributes:
        kind: "mean", "variance" (biased), "sum", "squares" (sum of squares), "max", "min", or "gram" (see `Gram`).
        input: The map.
        dims: Shape.
    """

    output: str
    kind: str
    input: str
    dims: tuple[int, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The maps that it goes over, all of one size."""
        return (self.input,)

    @property
    def cost(self) -> float:
        """Multiplications per pixel of its maps; those of plain sums count as none."""
        return 0.0


AnyNode = Node | Value | GlobalReduction


def axis_of(axis: int, rows: Placement, columns: Placement) -> Placement:
    """Return the placement along an axis."""
    return rows if axis == ROWS else columns

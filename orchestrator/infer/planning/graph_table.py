"""A graph as arrays over its tensors, for estimates of many segments at once.

Tensor 0 is the picture, tensor n the n-th node's output: the tensors up to n are those before cut n.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.node import GlobalReduction, Node, Placement, Value
from orchestrator.infer.graphs.region import AXES, Span
from orchestrator.infer.planning.segment import COARSEST, REDUCTION_COPIES, stride_of

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

_SAMPLE = 64
"""Pixels in the middle of a map from which a node's reach is taken."""
_FAR = 0.25
"""Of the picture: what the first or the last pixels reach farther than those in the middle, where they reach around."""
_BY_AREA = 0.02
"""Relative: what the work of half a map may differ from half the work of a map that grows with its area."""


class Reach(NamedTuple):
    """How far a node reads beyond what it gives, in pixels of the picture, before and after, for rows and columns.

    Attributes:
        rows_around: 1 where the first or the last rows are made of those at the other end, as when windows are shifted.
        columns_around: As `rows_around`.
    """

    rows_before: float
    rows_after: float
    columns_before: float
    columns_after: float
    rows_around: float
    columns_around: float

    def beyond(self, other: "Reach") -> "Reach":
        """Return the reach of one beyond another."""
        around = max(self[4], other[4]), max(self[5], other[5])
        return Reach(self[0] + other[0], self[1] + other[1], self[2] + other[2], self[3] + other[3], *around)

    def hull(self, other: "Reach") -> "Reach":
        """Return the farther of both, on each side."""
        return Reach(*map(max, self, other))


NOTHING = Reach(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class GraphTable:
    """The tensors of a graph in their order.

    Attributes:
        order: Names of the nodes.
    """

    graph: Graph
    order: tuple[str, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the tensors."""
        return (self.graph.image, *self.order)

    @cached_property
    def place(self) -> dict[str, int]:
        """Each tensor's number."""
        return {name: number for number, name in enumerate(self.names)}

    @cached_property
    def maps(self) -> dict[int, Node]:
        """The nodes that make maps, by number."""
        nodes = ((number, self.graph.nodes[name]) for number, name in enumerate(self.order, start=1))
        return {number: node for number, node in nodes if isinstance(node, Node)}

    @cached_property
    def reductions(self) -> dict[int, tuple[int, ...]]:
        """The numbers of the global reductions, with those of the maps that they look at."""
        nodes = ((number, self.graph.nodes[name]) for number, name in enumerate(self.order, start=1))
        return {
            number: tuple(self.place[name] for name in node.inputs)
            for number, node in nodes
            if isinstance(node, GlobalReduction)
        }

    @cached_property
    def lengths(self) -> Floats:
        """Rows and columns of each map, (2, tensors); 1 for what is no map."""
        found = np.ones((len(AXES), len(self.names)))
        for number in (0, *self.maps):
            found[:, number] = [self.graph.map(self.names[number]).size.along(axis) for axis in AXES]
        return found

    @cached_property
    def scale(self) -> Floats:
        """Pixels of the picture for each pixel of a map, (2, tensors)."""
        whole = np.array([[self.graph.size.along(axis)] for axis in AXES], np.float64)
        return np.asarray(whole / self.lengths)

    @cached_property
    def pixel_bytes(self) -> Floats:
        """Bytes of each map's pixels, (tensors,); none for what is no map."""
        found = np.zeros(len(self.names))
        for number in (0, *self.maps):
            found[number] = 4 * self.graph.map(self.names[number]).channels
        return found

    @cached_property
    def nbytes(self) -> Floats:
        """Bytes of each map, (tensors,)."""
        return np.asarray(self.pixel_bytes * self.lengths[0] * self.lengths[1])

    @cached_property
    def passed_bytes(self) -> Floats:
        """Bytes that elementwise work goes over for each map, (tensors,)."""
        found = np.zeros(len(self.names))
        for number, node in self.maps.items():
            found[number] = node.passes() * node.map.nbytes
        return found

    @cached_property
    def macs(self) -> Floats:
        """Multiplications of each map, (tensors,)."""
        found = np.zeros(len(self.names))
        for number, node in self.maps.items():
            found[number] = self.graph.work[node.output]
        return found

    @cached_property
    def scratch(self) -> Floats:
        """Bytes that each node takes while it runs over the whole picture, (tensors,)."""
        found = np.zeros(len(self.names))
        for number, node in self.maps.items():
            found[number] = node.scratch_bytes(*_whole(node))
        return found

    @cached_property
    def reduced_copies(self) -> Floats:
        """Bytes that each global reduction takes beside its map, where the whole picture goes through, (tensors,)."""
        found = np.zeros(len(self.names))
        for number, sources in self.reductions.items():
            found[number] = REDUCTION_COPIES.get(self._reduction(number).kind, 0) * self.nbytes[sources[-1]]
        return found

    @cached_property
    def reduced_macs(self) -> Floats:
        """Multiplications of each global reduction, (tensors,)."""
        found = np.zeros(len(self.names))
        for number, sources in self.reductions.items():
            found[number] = self._reduction(number).cost * self.lengths[:, sources[0]].prod()
        return found

    def _reduction(self, number: int) -> GlobalReduction:
        node = self.graph.nodes[self.names[number]]
        assert isinstance(node, GlobalReduction)
        return node

    @cached_property
    def grows_faster(self) -> tuple[int, ...]:
        """The maps whose multiplications grow faster than their area: products with dense matrices."""
        return tuple(
            number
            for number, node in self.maps.items()
            if self.macs[number] and not _is_by_area(node, self.macs[number])
        )

    @cached_property
    def strides(self) -> Numbers:
        """To how many pixels of the picture the tiles of each map are aligned, (tensors,)."""
        found = np.ones(len(self.names), np.int64)
        for number in (0, *self.maps):
            kept = self.graph.map(self.names[number])
            found[number] = max(min(COARSEST, stride_of(self.graph, kept, axis)) for axis in AXES)
        return found

    @cached_property
    def decided_by(self) -> Numbers:
        """The number of the last global reduction that each node waits for by its values, (tensors,); 0 for none."""
        found = np.zeros(len(self.names), np.int64)
        for number, name in enumerate(self.order, start=1):
            node = self.graph.nodes[name]
            if isinstance(node, GlobalReduction):
                found[number] = number
            elif isinstance(node, Node | Value):
                read = [found[self.place[value]] for value in node.values if value in self.place]
                found[number] = max(read, default=0)
        return found

    @cached_property
    def reads(self) -> dict[int, tuple[tuple[int, Reach], ...]]:
        """The maps that each map is computed from, and how far beyond."""
        found = {}
        for number, node in self.maps.items():
            sources = tuple(dict.fromkeys(node.inputs))
            reach = self._reach(node) if sources else None
            found[number] = tuple((self.place[name], reach) for name in sources if reach is not None)
        return found

    def macs_of(self, number: int, rows: float, columns: float) -> float:
        """Return the multiplications of a map over a region of some rows and columns in its middle."""
        node = self.maps[number]
        places = []
        for axis, length in zip(AXES, (rows, columns), strict=True):
            span = Span(0, max(1, int(length)))
            need = span.length * node.before.along(axis) / node.map.size.along(axis)
            places.append(Placement(span, Span(0, max(1, round(need))), 0, 0))
        return node.macs(*places)

    def _reach(self, node: Node) -> Reach:
        beyond: list[float] = []
        around: list[float] = []
        for axis in AXES:
            length = node.map.size.along(axis)
            middle, sample = max(0, (length - _SAMPLE) // 2), min(length, _SAMPLE)
            before, after = zip(
                *(self._beyond(node, axis, start) for start in (middle, min(middle + 1, length - 1))), strict=True
            )
            beyond += [max(0.0, *before), max(0.0, *after)]
            far = max(
                self._beyond(node, axis, 0)[1] - beyond[-1], self._beyond(node, axis, length - sample)[0] - beyond[-2]
            )
            around.append(float(far > _FAR * self.graph.size.along(axis)))
        return Reach(beyond[0], beyond[1], beyond[2], beyond[3], around[0], around[1])

    def _beyond(self, node: Node, axis: int, start: int) -> tuple[float, float]:
        """Return how far a few pixels from a start on reach before and after, in pixels of the picture."""
        whole, before, length = self.graph.size.along(axis), node.before.along(axis), node.map.size.along(axis)
        span = Span(start, min(length, start + _SAMPLE))
        need = node.needs(axis, span)
        return whole * (span.start / length - need.start / before), whole * (need.stop / before - span.stop / length)


def _whole(node: Node) -> tuple[Placement, Placement]:
    rows, columns = (node.placed(axis, Span(0, node.map.size.along(axis))) for axis in AXES)
    return rows, columns


def _is_by_area(node: Node, macs: float) -> bool:
    whole = _whole(node)
    rows, columns = (
        Placement(Span(0, max(1, one.out.length // 2)), Span(0, max(1, one.need.length // 2)), 0, 0) for one in whole
    )
    area = whole[0].out.length * whole[1].out.length / (rows.out.length * columns.out.length)
    return abs(area * node.macs(rows, columns) / macs - 1) < _BY_AREA

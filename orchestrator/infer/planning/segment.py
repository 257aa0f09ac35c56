"""A segment: the part of a network that lies between live tensors and maps to make, and how it lies in a tile."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.node import AnyNode, GlobalReduction, Map, Node, Placement, Value
from orchestrator.infer.graphs.region import AXES, Span

COARSEST = 64
"""Strides above this need not be aligned to: parts at such sizes are not worth a tile."""


REDUCTION_COPIES = {"variance": 1, "squares": 1, "gram": 1}
"""How many maps a global reduction makes besides its inputs, where the whole picture goes through at once."""


class Crossing(Exception):
    """A segment in tiles would need a number of the whole picture that is only known after it."""


@dataclass(frozen=True)
class Segment:
    """What one pass over the picture computes.

    Attributes:
        sources: Live tensors that it reads.
        targets: Maps that it makes.
        reductions: Global reductions that it computes.
        known: Global reductions that were computed before.
        whole: Whether the picture goes through at once.
    """

    graph: Graph
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    reductions: tuple[str, ...]
    known: frozenset[str]
    whole: bool

    @cached_property
    def nodes(self) -> tuple[AnyNode, ...]:
        """The nodes to run, in their order.

        Raises:
            Crossing: Where a segment in tiles reads a global reduction that it computes itself.
        """
        reduced_here = {name for name in self.reductions if self.whole}
        stack = [*self.targets, *self._reduced, *reduced_here]
        found: set[str] = set()
        while stack:
            name = stack.pop()
            node = self.graph.nodes.get(name)
            if node is None or name in found or name in self.known or name in self.sources:
                continue
            if isinstance(node, GlobalReduction) and not self.whole:
                raise Crossing(name)
            found.add(name)
            stack.extend(self.graph.reads(name))
        return tuple(node for name, node in self.graph.nodes.items() if name in found)

    @cached_property
    def maps(self) -> tuple[Node, ...]:
        """The nodes that make maps."""
        return tuple(node for node in self.nodes if isinstance(node, Node))

    @cached_property
    def read(self) -> tuple[str, ...]:
        """The live tensors that are really read."""
        needed = {name for node in self.maps for name in node.inputs}
        needed.update(self._reduced)
        return tuple(name for name in self.sources if name in needed)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The global reductions, computed before, whose results are fed."""
        read = {name for node in self.nodes if isinstance(node, Node | Value) for name in node.values}
        return tuple(name for name in self.known if name in read)

    @cached_property
    def owned(self) -> tuple[str, ...]:
        """The maps that the tiles divide among them: the targets, and what global reductions look at."""
        return tuple(dict.fromkeys([*self.targets, *self._reduced]))

    @cached_property
    def stride(self) -> int:
        """To how many pixels tiles are aligned, so that all of them are cut alike."""
        maps = [self.graph.map(name) for name in self.owned] + [node.map for node in self.maps]
        return max(
            (min(COARSEST, stride_of(self.graph, feature_map, axis)) for feature_map in maps for axis in AXES),
            default=1,
        )

    def cut(self, axis: int, tile: int | None) -> list[dict[str, Span]]:
        """Return for each tile along an axis which span of each owned map is its own; they cover each map once.

        Args:
            tile: Largest length in pixels of the picture; None for the whole.
        """
        lengths = {name: self.graph.map(name).size.along(axis) for name in self.owned}
        strides = {name: stride_of(self.graph, self.graph.map(name), axis) for name in self.owned}
        whole = self.graph.size.along(axis)
        if tile is None or tile >= whole:
            return [{name: Span(0, length) for name, length in lengths.items()}]
        each, count = tile_side(whole, tile, self.stride)
        while any((count - 1) * each // strides[name] >= length for name, length in lengths.items()):
            count -= 1
        return [
            {
                name: Span(
                    place * each // strides[name],
                    lengths[name] if place == count - 1 else (place + 1) * each // strides[name],
                )
                for name in self.owned
            }
            for place in range(count)
        ]

    def placed(self, axis: int, owned: Mapping[str, Span]) -> dict[str, Placement]:
        """Return how every node lies along an axis when a tile owns these spans.

        Live tensors are placed by what is read of them.
        """
        needs: dict[str, Span] = dict(owned)
        if self.whole:
            needs.update(
                (name, Span(0, self.graph.map(name).size.along(axis)))
                for node in self.nodes
                if isinstance(node, GlobalReduction)
                for name in node.inputs
            )
        found: dict[str, Placement] = {}
        for node in reversed(self.maps):
            placed = node.placed(axis, needs[node.output])
            found[node.output] = placed
            for name in node.inputs:
                needs[name] = placed.need.hull(needs[name]) if name in needs else placed.need
        found.update((name, Placement(needs[name], needs[name], 0, 0)) for name in self.read)
        return found

    def signature(self, axis: int, placed: Mapping[str, Placement], owned: Mapping[str, Span]) -> tuple[Any, ...]:
        """Return what two tiles must have in common along an axis to be run by the same ONNX graph."""
        parts: list[Any] = [(name, placed[name].out.length) for name in self.read]
        for node in self.maps:
            own = placed[node.output]
            places = [own.need.start - placed[name].out.start for name in node.inputs]
            parts.append((own.out.length, own.need.length, own.before, own.after, *places, node.shape(axis, own)))
        parts.extend((span.length, span.start - placed[name].out.start) for name, span in owned.items())
        return tuple(parts)

    @cached_property
    def reduction_nodes(self) -> tuple[GlobalReduction, ...]:
        """The global reductions that it computes."""
        nodes = (self.graph.nodes[name] for name in self.reductions)
        return tuple(node for node in nodes if isinstance(node, GlobalReduction))

    @cached_property
    def _reduced(self) -> tuple[str, ...]:
        """The maps that they go over."""
        return tuple(dict.fromkeys(name for node in self.reduction_nodes for name in node.inputs))


def tile_side(whole: int, tile: int, stride: int) -> tuple[int, int]:
    """Return the side of tiles that divide a length evenly, and how many there are.

    Args:
        tile: The largest side.
        stride: What they are aligned to.
    """
    most = max(stride, tile // stride * stride)
    each = _divided_up(_divided_up(whole, _divided_up(whole, most)), stride) * stride
    return each, _divided_up(whole, each)


def _divided_up(length: int, by: int) -> int:
    return -(-length // by)


def stride_of(graph: Graph, feature_map: Map, axis: int) -> int:
    """Return how many pixels of the picture one pixel of a map stands for, as a power of two."""
    return 1 << max(0, round(math.log2(graph.size.along(axis) / feature_map.size.along(axis))))


def region_bytes(feature_map: Map, rows: Span, columns: Span) -> int:
    """Return the bytes of a region of a map."""
    return 4 * feature_map.channels * rows.length * columns.length


def peak_bytes(segment: Segment, rows: Mapping[str, Placement], columns: Mapping[str, Placement]) -> int:
    """Return the most bytes that a tile's maps take at once, when each is freed after its last reader."""
    graph = segment.graph
    sizes = {name: region_bytes(graph.map(name), row.out, columns[name].out) for name, row in rows.items()}
    last = _last_readers(segment)
    outlive = set(segment.targets if segment.whole else segment.owned)
    live = sum(sizes[name] for name in segment.read)
    peak = live
    for node in segment.nodes:
        if isinstance(node, Node):
            live += sizes[node.output]
            scratch = node.scratch_bytes(rows[node.output], columns[node.output])
            peak = max(peak, live + scratch + _cropped(node, rows, columns, graph))
        elif isinstance(node, GlobalReduction):
            peak = max(peak, live + REDUCTION_COPIES.get(node.kind, 0) * sizes[node.inputs[-1]])
        read = dict.fromkeys((*graph.reads(node.output), node.output))
        live -= sum(sizes[name] for name in read if name in sizes and last[name] == node.output and name not in outlive)
    if not segment.whole:
        grams = (node for node in segment.reduction_nodes if node.kind == "gram")
        peak = max([peak, *(live + sizes[node.inputs[-1]] for node in grams)])
    return peak


def _last_readers(segment: Segment) -> dict[str, str]:
    """Return by which node each map is read last; by that which makes it, where nobody reads it here."""
    last = {node.output: node.output for node in segment.maps}
    last.update((read, node.output) for node in segment.nodes for read in segment.graph.reads(node.output))
    return last


def _cropped(node: Node, rows: Mapping[str, Placement], columns: Mapping[str, Placement], graph: Graph) -> int:
    """Return the bytes of the cuts that a node makes because others read more of its inputs than it does."""
    down, across = rows[node.output].need, columns[node.output].need
    return sum(
        region_bytes(graph.map(name), down, across)
        for name in dict.fromkeys(node.inputs)
        if (rows[name].out, columns[name].out) != (down, across)
    )

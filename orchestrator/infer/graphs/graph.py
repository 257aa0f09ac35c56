"""A network at one size of picture: typed nodes in their order, with every shape known."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from orchestrator.infer.graphs.node import AnyNode, Array, GlobalReduction, Map, Node, Value
from orchestrator.infer.graphs.region import AXES, Size, Span


@dataclass(frozen=True)
class NotTileable:
    """An operation that cannot be computed in parts.

    Attributes:
        op: Its kind.
        node: Its name in the file.
        why: In words.
    """

    op: str
    node: str
    why: str

    def __str__(self) -> str:
        return f"{self.op} ({self.node}): {self.why}"


@dataclass(frozen=True)
class Graph:
    """A network at one size of picture.

    Attributes:
        image: Name of the input map.
        size: Of the picture.
        opset: Of the ONNX file.
        nodes: By the name of their output, each after those that it reads.
        outputs: Names of the network's outputs to the maps that they are.
        constants: By name.
        not_tileable: What keeps the network from being computed in parts.
        left_out: Names of the network's outputs that are no maps, (1, channels, rows, columns), as far as is known.
        multiple: Of which its nodes take the picture's sides, whose edges are repeated up to it.
    """

    image: str
    size: Size
    channels: int
    opset: int
    nodes: Mapping[str, AnyNode]
    outputs: Mapping[str, str]
    constants: Mapping[str, Array]
    not_tileable: tuple[NotTileable, ...] = ()
    left_out: tuple[str, ...] = ()
    multiple: int = 1

    def map(self, name: str) -> Map:
        """Return channels and size of a map.

        Raises:
            KeyError: For what is no map.
        """
        if name == self.image:
            return Map(self.channels, self.size)
        node = self.nodes[name]
        if not isinstance(node, Node):
            raise KeyError(name)
        return node.map

    def is_map(self, name: str) -> bool:
        """Whether it is the picture or a map that a node makes."""
        return name == self.image or isinstance(self.nodes.get(name), Node)

    def reads(self, name: str) -> tuple[str, ...]:
        """Return the maps and the values of the whole picture that a node reads, constants left out."""
        node = self.nodes.get(name)
        if node is None:
            return ()
        if isinstance(node, GlobalReduction):
            return node.inputs
        values = tuple(value for value in node.values if value in self.nodes)
        return (*node.inputs, *values) if isinstance(node, Node) else values

    def readers(self) -> dict[str, list[str]]:
        """Return for each map and value the nodes that read it."""
        found: dict[str, list[str]] = {}
        for name in self.nodes:
            for read in self.reads(name):
                found.setdefault(read, []).append(name)
        return found

    @cached_property
    def work(self) -> dict[str, float]:
        """Multiplications of each node over the whole picture."""
        found = {}
        for name, node in self.nodes.items():
            if isinstance(node, Node):
                rows, columns = (node.placed(axis, Span(0, node.map.size.along(axis))) for axis in AXES)
                found[name] = node.macs(rows, columns)
        return found

    def reductions(self) -> Iterator[GlobalReduction]:
        """Yield the global reductions."""
        return (node for node in self.nodes.values() if isinstance(node, GlobalReduction))

    def with_nodes(self, nodes: Mapping[str, AnyNode], constants: Mapping[str, Array] | None = None) -> "Graph":
        """Return the graph with other nodes, in an order in which each can be computed, and without unread ones."""
        return ordered(replace(self, nodes=nodes, constants={**self.constants, **(constants or {})}))


def ordered(graph: Graph) -> Graph:
    """Return the graph with its nodes in the order in which they are best computed, and without those nobody reads.

    Of what a node reads, the longest path is computed first: what is quickly made is made late, and stays live briefly.
    """
    depth: dict[str, int] = {graph.image: 0}
    for name in _any_order(graph):
        depth[name] = 1 + max((depth[read] for read in graph.reads(name)), default=0)
    nodes: dict[str, AnyNode] = {}
    stack = [(name, False) for name in sorted(set(graph.outputs.values()), key=lambda name: depth[name], reverse=True)]
    stack.reverse()
    while stack:
        name, made = stack.pop()
        if name in nodes or name == graph.image:
            continue
        if made:
            nodes[name] = graph.nodes[name]
            continue
        stack.append((name, True))
        reads = sorted(graph.reads(name), key=lambda read: depth[read])
        stack.extend((read, False) for read in reads)
    read = {value for node in nodes.values() if isinstance(node, Node | Value) for value in node.values}
    # What was only folded, such as the masks of windows, is as large as the picture, and nobody needs it any more.
    constants = {name: value for name, value in graph.constants.items() if name in read}
    return replace(graph, nodes=nodes, constants=constants)


def _any_order(graph: Graph) -> Iterator[str]:
    """Yield every node that the outputs need after what it reads."""
    done = {graph.image}
    stack = [(name, False) for name in graph.outputs.values()]
    while stack:
        name, made = stack.pop()
        if name in done:
            continue
        if made:
            done.add(name)
            yield name
            continue
        stack.append((name, True))
        stack.extend((read, False) for read in graph.reads(name))

"""Names of values in an ONNX graph, and in the graphs within it."""

from typing import Callable, Iterator, Set

import onnx


def rename_graph(graph: onnx.GraphProto, renamed: Callable[[str], str]) -> None:
    """Rename every value of a graph, and of the graphs within it; what was said of their shapes goes."""
    for values in (graph.input, graph.output, graph.initializer):
        for value in values:
            value.name = renamed(value.name)
    for sparse in graph.sparse_initializer:
        sparse.values.name = renamed(sparse.values.name)
    for node in graph.node:
        rename_node(node, renamed)
    del graph.value_info[:], graph.quantization_annotation[:]


def rename_node(node: onnx.NodeProto, renamed: Callable[[str], str]) -> None:
    """Rename a node and the values that it reads and makes; one that is left out stays so."""
    node.name = renamed(node.name) if node.name else ""
    for names in (node.input, node.output):
        names[:] = [renamed(name) if name else "" for name in names]
    for inner in inner_graphs(node):
        rename_graph(inner, renamed)


def inner_graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs of a node's attributes: branches, bodies of loops."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def read_names(node: onnx.NodeProto) -> Set[str]:
    """Return the values that a node reads, or that graphs within it do."""
    found = set(node.input)
    for graph in inner_graphs(node):
        found |= {value.name for value in graph.output}
        for inside in graph.node:
            found |= read_names(inside)
    return found


def made_names(node: onnx.NodeProto) -> Set[str]:
    """Return the values that come into being with a node, in the graphs within it too."""
    found = {name for name in node.output if name}
    for graph in inner_graphs(node):
        for values in (graph.input, graph.initializer):
            found |= {value.name for value in values}
        found |= {sparse.values.name for sparse in graph.sparse_initializer}
        for inside in graph.node:
            found |= made_names(inside)
    return found

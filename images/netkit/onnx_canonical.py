"""One file for one network: whatever names and order a converter chose this time, the same bytes come out.

tf2onnx and TensorFlow's optimiser merge equal constants and nodes; which of their names is left, and how the others
are numbered, differs from run to run.
"""

from typing import Dict, List, Tuple

import onnx
from onnx import numpy_helper


def canonical(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the same network with names and an order that follow from its structure alone.

    Nodes stand in the order in which the outputs need them, depth first, and are named after it; so are their values.
    Constants of the same content are one, and stand in the order of their first use. What nothing needs is left out,
    and so are notes on inner shapes. Inputs and outputs keep their names. Every number stays as it is.

    Raises:
        ValueError: Where an operation holds a graph of its own, which no exported network here does.
    """
    graph = model.graph
    nodes = _in_order_of_need(graph)
    names = {value.name: value.name for value in (*graph.input, *graph.output)}
    constants: Dict[Tuple[int, Tuple[int, ...], bytes], onnx.TensorProto] = {}
    given = {tensor.name: tensor for tensor in graph.initializer}
    made = []
    for number, node in enumerate(nodes):
        for name in node.input:
            if name and name not in names:
                names[name] = _kept(given[name], constants)
        for place, name in enumerate(node.output):
            names.setdefault(name, "%s_%d.%d" % (node.op_type, number, place) if name else "")
        made.append(_renamed(node, number, names))
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for field in ("node", "initializer", "value_info", "quantization_annotation", "sparse_initializer"):
        del getattr(result.graph, field)[:]
    del result.opset_import[:]
    result.opset_import.extend(sorted(model.opset_import, key=lambda entry: entry.domain))
    result.graph.name, result.graph.doc_string, result.doc_string = "network", "", ""
    result.graph.node.extend(made)
    result.graph.initializer.extend(constants.values())
    return result


def _in_order_of_need(graph: onnx.GraphProto) -> List[onnx.NodeProto]:
    makers = {name: place for place, node in enumerate(graph.node) for name in node.output if name}
    order: List[int] = []
    seen = set()
    waiting = [(makers[value.name], False) for value in reversed(graph.output) if value.name in makers]
    while waiting:
        place, ready = waiting.pop()
        if ready:
            order.append(place)
            continue
        if place in seen:
            continue
        seen.add(place)
        waiting.append((place, True))
        needed = [makers[name] for name in reversed(graph.node[place].input) if name in makers]
        waiting += [(before, False) for before in needed if before not in seen]
    return [graph.node[place] for place in order]


def _kept(tensor: onnx.TensorProto, constants: Dict[Tuple[int, Tuple[int, ...], bytes], onnx.TensorProto]) -> str:
    """Return the name of the constant with a tensor's content, which is new where there was none."""
    values = numpy_helper.to_array(tensor)
    content = (tensor.data_type, tuple(tensor.dims), values.tobytes())
    if content not in constants:
        constants[content] = numpy_helper.from_array(values, "constant_%d" % len(constants))
    return constants[content].name


def _renamed(node: onnx.NodeProto, number: int, names: Dict[str, str]) -> onnx.NodeProto:
    if any(attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for attribute in node.attribute):
        raise ValueError("%s %s holds a graph" % (node.op_type, node.name))
    made = onnx.NodeProto()
    made.op_type, made.domain, made.name = node.op_type, node.domain, "%s_%d" % (node.op_type, number)
    made.input.extend(names[name] if name else "" for name in node.input)
    made.output.extend(names[name] for name in node.output)
    made.attribute.extend(sorted(node.attribute, key=lambda attribute: attribute.name))
    return made

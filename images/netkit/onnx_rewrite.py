"""Rewritings of an exported ONNX graph that leave its meaning as it is and its operators plain and exact."""

from typing import Dict, List

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper


def constants_as_initializers(model: onnx.ModelProto) -> None:
    """Move constants out of the list of operations."""
    nodes = []
    for node in model.graph.node:
        value = {attribute.name: attribute for attribute in node.attribute}.get("value")
        if node.op_type == "Constant" and value is not None:
            tensor = onnx.TensorProto()
            tensor.CopyFrom(value.t)
            tensor.name = node.output[0]
            model.graph.initializer.append(tensor)
        else:
            nodes.append(node)
    _replace_nodes(model, nodes)


def drop_empty_pads(model: onnx.ModelProto) -> None:
    """Remove the Pad nodes that add nothing. Constants must be initializers."""
    zeros = {tensor.name for tensor in model.graph.initializer if not numpy_helper.to_array(tensor).any()}
    source: Dict[str, str] = {}
    nodes = []
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = source.get(name, name)
        if node.op_type == "Pad" and node.input[1] in zeros:
            source[node.output[0]] = node.input[0]
        else:
            nodes.append(node)
    _replace_nodes(model, nodes)


def exact_nearest(model: onnx.ModelProto) -> None:
    """Replace nearest-neighbour Resize nodes by whole-number arithmetic and Gather.

    Row i of height n is row floor(i * k / n) of k, as PyTorch has it. ONNX Runtime divides by the float32 scale n / k
    instead and takes the row above at about one size in twenty, such as 114 out of 28.
    """
    nodes: List[onnx.NodeProto] = []
    count = 0
    for node in model.graph.node:
        if node.op_type == "Resize" and _is_floor_nearest(node):
            nodes.extend(_gathered(node, "nearest%d/" % count))
            count += 1
        else:
            nodes.append(node)
    for name, value in (("zero", 0), ("one", 1), ("axis2", 2), ("axis3", 3)):
        model.graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), "nearest/" + name))
    _replace_nodes(model, nodes)


def _is_floor_nearest(node: onnx.NodeProto) -> bool:
    given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    modes = (given.get("mode"), given.get("coordinate_transformation_mode"), given.get("nearest_mode"))
    return modes == (b"nearest", b"asymmetric", b"floor") and len(node.input) == 4


def _gathered(node: onnx.NodeProto, prefix: str) -> List[onnx.NodeProto]:
    """Return the nodes that do what a nearest Resize to given sizes, input 3, does along axes 2 and 3."""
    value = node.input[0]
    nodes = [helper.make_node("Shape", [value], [prefix + "shape"], prefix + "shape")]
    for axis in (2, 3):

        def named(name: str, axis: int = axis) -> str:
            return "%s%s%d" % (prefix, name, axis)

        end = node.output[0] if axis == 3 else named("value")
        for kind, inputs, output in (
            ("Gather", [node.input[3], "nearest/axis%d" % axis], named("after")),
            ("Gather", [prefix + "shape", "nearest/axis%d" % axis], named("before")),
            ("Range", ["nearest/zero", named("after"), "nearest/one"], named("range")),
            ("Mul", [named("range"), named("before")], named("product")),
            ("Div", [named("product"), named("after")], named("index")),
            ("Gather", [value, named("index")], end),
        ):
            nodes.append(helper.make_node(kind, inputs, [output], output))
        nodes[-1].attribute.append(helper.make_attribute("axis", axis))
        value = end
    return nodes


def _replace_nodes(model: onnx.ModelProto, nodes: List[onnx.NodeProto]) -> None:
    """Put these nodes in place of the graph's, and drop the initializers that none of them reads."""
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    if len(kept) < len(model.graph.initializer):
        del model.graph.initializer[:]
        model.graph.initializer.extend(kept)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def fold_constants(model: onnx.ModelProto) -> None:
    """Replace what is computed from constants alone by its value, such as the pads of a reflection padding.

    Args:
        model: Changed in place. The values are ONNX Runtime's own.
    """
    graph = model.graph
    known = {tensor.name: tensor for tensor in graph.initializer}
    constant = set(known)
    folded = []
    for node in graph.node:
        if node.input and all(name in constant for name in node.input if name):
            folded.append(node)
            constant.update(node.output)
    kept = [node for node in graph.node if node not in folded]
    used = {name for node in kept for name in node.input} | {output.name for output in graph.output}
    wanted = [name for node in folded for name in node.output if name in used]
    if not wanted:
        return
    needed = {name for node in folded for name in node.input}
    part = helper.make_graph(
        folded,
        "constants",
        [],
        [onnx.ValueInfoProto(name=name) for name in wanted],
        [tensor for name, tensor in known.items() if name in needed],
    )
    whole = helper.make_model(part, opset_imports=model.opset_import, ir_version=model.ir_version)
    session = onnxruntime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    for name, value in zip(wanted, session.run(wanted, {})):
        graph.initializer.append(numpy_helper.from_array(value, name))
    del graph.node[:]
    graph.node.extend(kept)
    unused = [tensor for tensor in graph.initializer if tensor.name not in used and tensor.name in needed]
    for tensor in unused:
        graph.initializer.remove(tensor)

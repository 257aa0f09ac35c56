"""Operations over the whole picture of channels, rows and columns: global reductions, and what is made of them."""

import numpy as np
import onnx

from orchestrator.infer.graphs.view import whole
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.operations.op_pointwise import add_pointwise
from orchestrator.infer.operations.op_view_normalisations import variance
from orchestrator.infer.operations.op_view_reductions import (
    OF_ONE_VALUE,
    axes_of,
    each_reduced,
    over_picture,
    plain_reduction,
    reduced,
    taken,
)

POOLINGS = ("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool")

_MVN_EPSILON = 1e-9


def reduction(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a number per channel over rows and columns, or one over all; over the channels it is pointwise."""
    axes, keep = axes_of(loader, node, 4), bool(attributes(node).get("keepdims", 1))
    spatial = axes - {0}
    if spatial == {1} and keep:
        source = loader.map(node.input[0])
        add_pointwise(loader, node, (node.input[0],), 1, source.size)
    elif not spatial and keep and node.op_type in OF_ONE_VALUE:
        loader.alias(node.output[0], node.input[0])
    elif spatial == {1} and node.op_type != "ReduceProd":
        reduced(loader, node)
    elif spatial in ({2, 3}, {1, 2, 3}) and node.op_type != "ReduceProd":
        name = node.input[0]
        over_picture(loader, node.op_type, name, whole(name, loader.map(name)), axes, node.output[0], keepdims=keep)
    else:
        words = "a product over" if node.op_type == "ReduceProd" else "over"
        raise NotTileableError(f"it goes {words} axes {sorted(axes)}, not over rows and columns together")


def pooling(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a number per channel over the whole picture."""
    name, output, shape = node.input[0], node.output[0], (1, loader.map(node.input[0]).channels, 1, 1)
    if node.op_type != "GlobalLpPool":
        each_reduced(loader, "mean" if node.op_type == "GlobalAveragePool" else "max", name, output, shape)
        return
    power = attributes(node).get("p", 2)
    for part, exponent in (("power", power), ("root", 1 / power)):
        loader.constants[f"{output}|{part}"] = np.array(exponent, np.float32)
    absolute = taken(loader, "Abs", [name], f"{output}|abs")
    powers = taken(loader, "Pow", [absolute, f"{output}|power"], f"{output}|powers")
    each_reduced(loader, "sum", powers, f"{output}|sum", shape)
    taken(loader, "Pow", [f"{output}|sum", f"{output}|root"], output)


def mean_variance_norm(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a normalisation by mean and deviation: of each channel, or of all together."""
    axes = {axis % 4 for axis in attributes(node).get("axes", [0, 2, 3])} - {0}
    if axes not in ({2, 3}, {1, 2, 3}):
        raise NotTileableError(f"it goes over axes {sorted(axes)}, not over rows and columns together")
    name, output = node.input[0], node.output[0]
    view = whole(name, loader.map(name))
    plain_reduction(loader, "mean", view, axes, f"{output}|mean", keepdims=True)
    variance(loader, view, axes, f"{output}|variance")
    loader.constants[f"{output}|epsilon"] = np.array(_MVN_EPSILON, np.float32)
    root = taken(loader, "Sqrt", [f"{output}|variance"], f"{output}|root")
    deviation = taken(loader, "Add", [root, f"{output}|epsilon"], f"{output}|deviation")
    centred = taken(loader, "Sub", [name, f"{output}|mean"], f"{output}|centred")
    taken(loader, "Div", [centred, deviation], output)

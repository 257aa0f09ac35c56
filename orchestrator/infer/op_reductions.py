"""Operations over the whole picture: global reductions, and normalisations made of them."""

from collections.abc import Iterator

import numpy as np
import onnx

from orchestrator.infer.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.node import GlobalReduction
from orchestrator.infer.op_pointwise import add_pointwise

REDUCTIONS = {
    "ReduceMean": "mean",
    "ReduceSum": "sum",
    "ReduceSumSquare": "squares",
    "ReduceMax": "max",
    "ReduceMin": "min",
}


def reduction(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a number per channel over rows and columns; over the channels it is pointwise."""
    options, before = attributes(node), loader.map(node.input[0])
    if node.op_type.startswith("Global"):
        kind, axes, keep = ("mean" if node.op_type == "GlobalAveragePool" else "max"), {2, 3}, 1
    else:
        kind, keep = REDUCTIONS[node.op_type], options.get("keepdims", 1)
        listed = (
            loader.constant(node.input[1]).tolist() if len(node.input) > 1 and node.input[1] else options.get("axes")
        )
        axes = {axis % 4 for axis in listed} if listed is not None else set(range(4))
    if axes == {1} and keep:
        add_pointwise(loader, node, (node.input[0],), 1, before.size)
        return
    if axes not in ({2, 3}, {0, 2, 3}):
        raise NotTileableError(f"it goes over axes {sorted(axes)}, not over rows and columns together")
    dims = [1, before.channels, 1, 1]
    shape = tuple(dims if keep else [side for axis, side in enumerate(dims) if axis not in axes])
    add_reduction(loader, node.output[0], kind, node.input[0], shape)


def add_reduction(loader: Loader, output: str, kind: str, name: str, shape: tuple[int, ...]) -> None:
    """Add a global reduction."""
    loader.add(GlobalReduction(output, kind, name, shape))
    loader.example(output, shape)


def instance_norm(loader: Loader, node: onnx.NodeProto) -> None:
    """Take an instance normalisation apart: (x - mean) * a + bias with a of the picture's variance."""
    name, scale, bias = list(node.input)
    output, shape = node.output[0], (1, loader.map(node.input[0]).channels, 1, 1)
    for part, constant in (("scale", scale), ("bias", bias)):
        loader.constants[f"{output}|{part}"] = loader.constant(constant).reshape(shape)
    loader.constants[f"{output}|epsilon"] = np.array(attributes(node).get("epsilon", 1e-5), np.float32)
    for kind in ("mean", "variance"):
        add_reduction(loader, f"{output}|{kind}", kind, name, shape)
    for step in _normalising(name, output):
        loader.take(step)


def _normalising(name: str, output: str) -> Iterator[onnx.NodeProto]:
    def made(kind: str, inputs: list[str], result: str) -> onnx.NodeProto:
        return onnx.helper.make_node(kind, inputs, [result])

    yield made("Add", [f"{output}|variance", f"{output}|epsilon"], f"{output}|raised")
    yield made("Sqrt", [f"{output}|raised"], f"{output}|deviation")
    yield made("Div", [f"{output}|scale", f"{output}|deviation"], f"{output}|a")
    yield made("Sub", [name, f"{output}|mean"], f"{output}|centred")
    yield made("Mul", [f"{output}|centred", f"{output}|a"], f"{output}|scaled")
    yield made("Add", [f"{output}|scaled", f"{output}|bias"], output)

"""Operations over the whole picture: global reductions, and normalisations made of them."""

from collections.abc import Iterator

import numpy as np
import onnx

from orchestrator.infer.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.node import GlobalReduction
from orchestrator.infer.op_pointwise import add_pointwise
from orchestrator.infer.op_view_reductions import OF_ONE_VALUE, reduced

REDUCTIONS = {
    "ReduceMean": "mean",
    "ReduceSum": "sum",
    "ReduceSumSquare": "squares",
    "ReduceMax": "max",
    "ReduceMin": "min",
}
MADE_OF_REDUCTIONS = ("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp")
POOLINGS = ("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool")

_OVER_CHANNELS = {
    "mean": "ReduceMean",
    "sum": "ReduceSum",
    "squares": "ReduceSum",
    "max": "ReduceMax",
    "min": "ReduceMin",
}
"""What of the channels' global reductions makes that of all."""

_MVN_EPSILON = 1e-9


def reduction(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a number per channel over rows and columns, or one over all; over the channels it is pointwise."""
    axes, keep = _axes(loader, node), attributes(node).get("keepdims", 1)
    spatial = axes - {0}
    if spatial == {1} and keep:
        source = loader.map(node.input[0])
        add_pointwise(loader, node, (node.input[0],), 1, source.size)
    elif not spatial & {2, 3} and spatial and node.op_type != "ReduceProd":
        reduced(loader, node)
    elif not spatial and keep and node.op_type in OF_ONE_VALUE:
        loader.alias(node.output[0], node.input[0])
    elif spatial in ({2, 3}, {1, 2, 3}) and node.op_type != "ReduceProd":
        dims = [1, 1 if 1 in axes else loader.map(node.input[0]).channels, 1, 1]
        shape = tuple(dims if keep else [side for axis, side in enumerate(dims) if axis not in axes])
        for step in _steps(loader, node, shape, channels=1 in axes):
            loader.take(step)
    else:
        words = "a product over" if node.op_type == "ReduceProd" else "over"
        raise NotTileableError(f"it goes {words} axes {sorted(axes)}, not over rows and columns together")


def pooling(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a number per channel over the whole picture."""
    name, output, shape = node.input[0], node.output[0], (1, loader.map(node.input[0]).channels, 1, 1)
    if node.op_type != "GlobalLpPool":
        add_reduction(loader, output, "mean" if node.op_type == "GlobalAveragePool" else "max", name, shape)
        return
    power = attributes(node).get("p", 2)
    for part, exponent in (("power", power), ("root", 1 / power)):
        loader.constants[f"{output}|{part}"] = np.array(exponent, np.float32)
    loader.take(_made("Abs", [name], f"{output}|abs"))
    loader.take(_made("Pow", [f"{output}|abs", f"{output}|power"], f"{output}|powers"))
    add_reduction(loader, f"{output}|sum", "sum", f"{output}|powers", shape)
    loader.take(_made("Pow", [f"{output}|sum", f"{output}|root"], output))


def _axes(loader: Loader, node: onnx.NodeProto) -> set[int]:
    options = attributes(node)
    given = loader.constant(node.input[1]).tolist() if len(node.input) > 1 and node.input[1] else options.get("axes")
    if not given:
        return set() if options.get("noop_with_empty_axes", 0) else set(range(4))
    return {axis % 4 for axis in given}


def _steps(loader: Loader, node: onnx.NodeProto, shape: tuple[int, ...], *, channels: bool) -> Iterator[onnx.NodeProto]:
    """Yield what a reduction over the picture is made of, each after what it reads.

    Args:
        shape: Of its result.
        channels: Whether it goes over the channels too.
    """
    kind, name, output = node.op_type, node.input[0], node.output[0]
    if kind == "ReduceL1":
        yield _made("Abs", [name], f"{output}|abs")
        _whole(loader, "sum", f"{output}|abs", output, shape, channels=channels)
    elif kind == "ReduceL2":
        _whole(loader, "squares", name, f"{output}|squares", shape, channels=channels)
        yield _made("Sqrt", [f"{output}|squares"], output)
    elif kind == "ReduceLogSum":
        _whole(loader, "sum", name, f"{output}|sum", shape, channels=channels)
        yield _made("Log", [f"{output}|sum"], output)
    elif kind == "ReduceLogSumExp":  # beside the largest, so that no power is too large
        most = (1, 1 if channels else loader.map(name).channels, 1, 1)
        _whole(loader, "max", name, f"{output}|most", most, channels=channels)
        yield _made("Sub", [name, f"{output}|most"], f"{output}|below")
        yield _made("Exp", [f"{output}|below"], f"{output}|powers")
        _whole(loader, "sum", f"{output}|powers", f"{output}|sum", shape, channels=channels)
        yield _made("Log", [f"{output}|sum"], f"{output}|log")
        loader.constants[f"{output}|shape"] = np.array(shape, np.int64)
        yield _made("Reshape", [f"{output}|most", f"{output}|shape"], f"{output}|shaped")
        yield _made("Add", [f"{output}|log", f"{output}|shaped"], output)
    else:
        _whole(loader, REDUCTIONS[kind], name, output, shape, channels=channels)


def _whole(loader: Loader, kind: str, name: str, output: str, shape: tuple[int, ...], *, channels: bool) -> None:
    """Add a global reduction of each channel, or of all channels together."""
    if not channels:
        add_reduction(loader, output, kind, name, shape)
        return
    each = f"{output}|each"
    add_reduction(loader, each, kind, name, (1, loader.map(name).channels, 1, 1))
    loader.take(over_channels(loader, _OVER_CHANNELS[kind], each, f"{output}|all"))
    loader.constants[f"{output}|dims"] = np.array(shape, np.int64)
    loader.take(_made("Reshape", [f"{output}|all", f"{output}|dims"], output))


def over_channels(loader: Loader, kind: str, name: str, output: str) -> onnx.NodeProto:
    """Return a reduction over the channels, in the form of the operator set."""
    if loader.opset >= (13 if kind == "ReduceSum" else 18):
        loader.constants[f"{output}|axes"] = np.array([1], np.int64)
        return onnx.helper.make_node(kind, [name, f"{output}|axes"], [output], keepdims=1)
    return onnx.helper.make_node(kind, [name], [output], axes=[1], keepdims=1)


def add_reduction(loader: Loader, output: str, kind: str, name: str, shape: tuple[int, ...]) -> None:
    """Add a global reduction."""
    loader.add(GlobalReduction(output, kind, name, shape))
    loader.example(output, shape)


def _made(kind: str, inputs: list[str], result: str) -> onnx.NodeProto:
    return onnx.helper.make_node(kind, inputs, [result])


def mean_variance_norm(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a normalisation by mean and deviation: of each channel, or of all together."""
    axes = {axis % 4 for axis in attributes(node).get("axes", [0, 2, 3])} - {0}
    if axes not in ({2, 3}, {1, 2, 3}):
        raise NotTileableError(f"it goes over axes {sorted(axes)}, not over rows and columns together")
    name, output, shape = node.input[0], node.output[0], (1, loader.map(node.input[0]).channels, 1, 1)
    for kind in ("mean", "variance"):
        add_reduction(loader, f"{output}|{kind}", kind, name, shape)
    if axes == {1, 2, 3}:
        for step in _pooled(loader, output):
            loader.take(step)
    suffix = "|all" if axes == {1, 2, 3} else ""
    loader.constants[f"{output}|epsilon"] = np.array(_MVN_EPSILON, np.float32)
    loader.take(_made("Sqrt", [f"{output}|variance{suffix}"], f"{output}|root"))
    loader.take(_made("Add", [f"{output}|root", f"{output}|epsilon"], f"{output}|deviation"))
    loader.take(_made("Sub", [name, f"{output}|mean{suffix}"], f"{output}|centred"))
    loader.take(_made("Div", [f"{output}|centred", f"{output}|deviation"], output))


def _pooled(loader: Loader, output: str) -> Iterator[onnx.NodeProto]:
    """Yield what makes mean and variance of all channels together of those of each."""
    yield over_channels(loader, "ReduceMean", f"{output}|mean", f"{output}|mean|all")
    yield _made("Sub", [f"{output}|mean", f"{output}|mean|all"], f"{output}|apart")
    yield _made("Mul", [f"{output}|apart", f"{output}|apart"], f"{output}|between")
    yield _made("Add", [f"{output}|variance", f"{output}|between"], f"{output}|variances")
    yield over_channels(loader, "ReduceMean", f"{output}|variances", f"{output}|variance|all")

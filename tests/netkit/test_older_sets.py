"""Operator sets 7 to 10 are converted: each operation that changed since, in tiles, as its file untiled has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from netkit.onnx_wrapping import Wrapping, wrapped
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.session import Session
from tests.infer.networks import ONE, picture, tiled

CHANNELS = 3
Constants = dict[str, Any]


def node(kind: str, *inputs: str, output: str = "y", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, list(inputs), output.split(), **attributes)


def numbers(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def whole(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def each(*names: str) -> Constants:
    return {name: np.linspace(0.5, 1 + place, CHANNELS).astype(np.float32) for place, name in enumerate(names)}


KERNEL = np.random.default_rng(0).normal(0, 0.2, (CHANNELS, CHANNELS, 3, 3)).astype(np.float32)
POOL = {"kernel_shape": [2, 2], "strides": [2, 2]}
PADS = [0, 0, 1, 2, 0, 0, 3, 0]
GATED = [node("GlobalAveragePool", "x", output="g")]

COMPUTED = [
    node("Shape", "x", output="all"),
    node("Slice", "all", output="sides", axes=[0], starts=[2], ends=[4]),
    node("Cast", "sides", output="before", to=TensorProto.FLOAT),
    node("Mul", "before", "two", output="after"),
    node("Div", "after", "before", output="ratios"),
    node("Concat", "ones", "ratios", output="scales", axis=0),
    node("Upsample", "x", "scales", mode="nearest"),
]

CASES: dict[str, tuple[int, list[onnx.NodeProto], Constants]] = {
    "Upsample-7-nearest": (7, [node("Upsample", "x", mode="nearest", scales=[1.0, 1.0, 2.0, 3.0])], {}),
    "Upsample-7-linear": (7, [node("Upsample", "x", mode="linear", scales=[1.0, 1.0, 2.0, 3.0])], {}),
    "Upsample-9-nearest": (9, [node("Upsample", "x", "s", mode="nearest")], {"s": numbers(1, 1, 1.5, 2.6)}),
    "Upsample-9-linear": (9, [node("Upsample", "x", "s", mode="linear")], {"s": numbers(1, 1, 1.37, 2)}),
    "Upsample-9-computed": (9, COMPUTED, {"two": numbers(2, 2), "ones": numbers(1, 1)}),
    "Resize-10-nearest": (10, [node("Resize", "x", "s", mode="nearest")], {"s": numbers(1, 1, 2, 2.6)}),
    "Resize-10-linear": (10, [node("Resize", "x", "s", mode="linear")], {"s": numbers(1, 1, 2.5, 0.7)}),
    "Pad-7-constant": (7, [node("Pad", "x", mode="constant", pads=PADS, value=0.5)], {}),
    "Pad-10-reflect": (10, [node("Pad", "x", mode="reflect", pads=PADS)], {}),
    "Pad-10-edge": (10, [node("Pad", "x", mode="edge", pads=PADS)], {}),
    "Slice-7": (7, [node("Slice", "x", axes=[2, 3], starts=[1, 0], ends=[9, -2])], {}),
    "Slice-10": (10, [node("Slice", "x", "a", "b", "c")], {"a": whole(1, 0), "b": whole(9, -2), "c": whole(2, 3)}),
    "Clip-7": (7, [node("Clip", "x", min=0.1, max=0.8)], {}),
    "Clip-7-above": (7, [node("Clip", "x", max=0.8)], {}),
    "BatchNormalization-7": (7, [node("BatchNormalization", "x", *"abcd")], each(*"abcd")),
    "BatchNormalization-8": (8, [node("BatchNormalization", "x", *"abcd", spatial=1)], each(*"abcd")),
    "BatchNormalization-9": (9, [node("BatchNormalization", "x", *"abcd")], each(*"abcd")),
    "Dropout-7": (7, [node("Dropout", "x", ratio=0.3)], {}),
    "AveragePool-7": (7, [node("AveragePool", "x", count_include_pad=1, pads=[1, 1, 1, 1], **POOL)], {}),
    "AveragePool-10": (10, [node("AveragePool", "x", ceil_mode=1, **POOL)], {}),
    "MaxPool-8": (8, [node("MaxPool", "x", **POOL)], {}),
    "MaxPool-10": (10, [node("MaxPool", "x", ceil_mode=1, **POOL)], {}),
    "TopK-9": (9, [node("TopK", "x", output="y i", axis=1, k=2)], {}),
    "Split-7": (7, [node("Split", "x", output="y z", axis=1, split=[2, 1])], {}),
    "ReduceMean-7": (7, [*GATED, node("ReduceMean", "x", output="m", axes=[2, 3]), node("Sub", "x", "m")], {}),
    "ReduceSum-7": (7, [node("ReduceSum", "x", axes=[1])], {}),
    "Sum-7": (7, [node("Sum", "x", "x", "x")], {}),
    "Max-7": (7, [node("Relu", "x", output="r"), node("Max", "x", "r")], {}),
    "PRelu-7": (7, [node("PRelu", "x", "a")], {"a": each("a")["a"].reshape(CHANNELS, 1, 1)}),
    "Conv-7": (7, [node("Conv", "x", "k", pads=[1] * 4)], {"k": KERNEL}),
    "ConvTranspose-7": (7, [node("ConvTranspose", "x", "k", strides=[2, 2])], {"k": KERNEL}),
    "InstanceNormalization-7": (7, [node("InstanceNormalization", "x", "a", "b")], each("a", "b")),
    "DepthToSpace-7": (
        7,
        [node("Concat", *"xxxx", output="c", axis=1), node("DepthToSpace", "c", blocksize=2)],
        {},
    ),
    "Unsqueeze-7": (
        7,
        [
            *GATED,
            node("Squeeze", "g", output="q", axes=[2, 3]),
            node("Gemm", "q", "w", "b", output="l", transB=1),
            node("Unsqueeze", "l", output="u", axes=[2, 3]),
            node("Mul", "x", "u"),
        ],
        {"w": KERNEL[:, :, 0, 0], **each("b")},
    ),
    "Where-9": (9, [node("Greater", "x", "a", output="g"), node("Where", "g", "x", "a")], {"a": numbers(0.5)}),
    "ArgMax-7": (7, [node("ArgMax", "x", output="i", axis=1), node("Cast", "i", to=TensorProto.FLOAT)], {}),
    "Expand-8": (8, [node("Expand", "x", "s")], {"s": whole(1, CHANNELS, 1, 1)}),
}


@pytest.mark.parametrize("name", list(CASES))
def test_an_operation_of_an_older_set_is_what_its_file_has(name: str, tmp_path: Path) -> None:
    opset, nodes, constants = CASES[name]
    graph = helper.make_graph(
        nodes,
        "older",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, CHANNELS, "h", "w"))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path, shown = tmp_path / "wrapped.onnx", picture(Size(23, 34), CHANNELS)
    converted = wrapped(model, Wrapping("x", {"transmission": "y"}))
    path.write_bytes(converted.SerializeToString())
    (untiled,) = Session(model.SerializeToString(), ONE, "the file").run(["y"], {"x": shown})
    found = tiled(path, shown, 8)["transmission"]
    np.testing.assert_allclose(found, untiled, rtol=2e-6, atol=1e-5)
    (right,) = ReferenceEvaluator(in_double(converted)).run(None, {"image": shown.astype(np.float64)})
    off = [float(np.abs(values - right).max()) for values in (found, untiled)]
    assert off[0] <= max(2e-5 * float(np.abs(right).max()), 1.01 * off[1])


def in_double(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a network that computes in double precision."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.DOUBLE
    for one in model.graph.initializer:
        if one.data_type == TensorProto.FLOAT:
            one.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(one).astype(np.float64), one.name))
    for part in model.graph.node:
        for one in part.attribute:
            if part.op_type == "Cast" and one.name == "to" and one.i == TensorProto.FLOAT:
                one.i = TensorProto.DOUBLE
            elif one.type == onnx.AttributeProto.TENSOR and one.t.data_type == TensorProto.FLOAT:
                one.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(one.t).astype(np.float64)))
    return model

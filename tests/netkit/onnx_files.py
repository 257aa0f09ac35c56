"""Small networks as exporters and model zoos give them out: other names, kinds, sizes, operator sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ANY = (1, 3, "h", "w")


def weights(name: str, *shape: int, kind: Any = np.float32, seed: int = 0) -> onnx.TensorProto:
    values = np.random.default_rng([seed, *shape]).normal(0, 0.2, shape)
    return numpy_helper.from_array(values.astype(kind), name)


def network(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    takes: tuple[str, int, Any] = ("x", TensorProto.FLOAT, ANY),
    answers: tuple[str, ...] = ("y",),
    opset: int = 17,
    ir_version: int = 8,
    more: tuple[onnx.ValueInfoProto, ...] = (),
) -> onnx.ModelProto:
    name, kind, sides = takes
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, kind, sides), *more],
        [helper.make_tensor_value_info(answer, kind, None) for answer in answers],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


def convolution(source: str = "x", target: str = "y", kernel: str = "k") -> onnx.NodeProto:
    return helper.make_node("Conv", [source, kernel], [target], pads=[1, 1, 1, 1], kernel_shape=[3, 3])


def small(**changes: Any) -> onnx.ModelProto:
    """Return one convolution from 'x' to 'y'."""
    return network([convolution()], [weights("k", 3, 3, 3, 3)], **changes)


def half(sides: Any = ANY) -> onnx.ModelProto:
    """Return one that takes and answers float16."""
    kernel = weights("k", 3, 3, 3, 3, kind=np.float16)
    return network([convolution()], [kernel], takes=("x", TensorProto.FLOAT16, sides))


def halving(times: int) -> onnx.ModelProto:
    """Return one that halves its maps, doubles them again and joins them: it takes multiples of 2 ** times."""
    nodes, source, factor = [], "x", 2**times
    for number in range(times):
        nodes.append(helper.make_node("MaxPool", [source], [f"m{number}"], kernel_shape=[2, 2], strides=[2, 2]))
        source = f"m{number}"
    nodes += [
        helper.make_node("Resize", [source, "", "s"], ["u"], mode="nearest"),
        helper.make_node("Concat", ["x", "u"], ["c"], axis=1),
        convolution("c", "y"),
    ]
    scales = numpy_helper.from_array(np.float32([1, 1, factor, factor]), "s")
    return network(nodes, [weights("k", 3, 6, 3, 3), scales])


def save(model: onnx.ModelProto, path: Path, data: str | None = None) -> Path:
    """Write a network, its tensors into a file beside it where that is named."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if data is None:
        onnx.save(model, str(path))
    else:
        onnx.save(model, str(path), save_as_external_data=True, location=data, size_threshold=0)
    return path


def own(**changes: Any) -> onnx.ModelProto:
    """Return a network with the names of this project's own."""
    model = small(**{"takes": ("image", TensorProto.FLOAT, ANY), "answers": ("transmission",), **changes})
    model.graph.node[0].input[0], model.graph.node[0].output[0] = "image", "transmission"
    return model

"""Small networks of the ONNX contract, each for one thing that can go wrong with tiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

Nodes = Sequence[onnx.NodeProto]
WriteNetwork = Callable[..., Path]

POINTWISE = (helper.make_node("Sqrt", ["image"], ["transmission"]),)
"""Every pixel by itself."""

GLOBAL = (
    helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=1),
    helper.make_node("Sub", ["image", "mean"], ["transmission"]),
)
"""The mean of the whole picture reaches every pixel."""


def picture(height: int, width: int) -> np.ndarray:
    """Return a smooth picture whose channels and corners differ: float32, (H, W, 3), 0 to 1."""
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    return np.stack([rows, columns, (rows + columns) / 2], axis=-1).astype(np.float32)


@pytest.fixture
def write_network(tmp_path: Path) -> WriteNetwork:
    """Return a function that writes nodes between `image` and the outputs as a network file."""

    def write(
        nodes: Nodes, outputs: Sequence[str] = ("transmission",), name: str = "network.onnx", source: str = "image"
    ) -> Path:
        sides = (1, 3, "height", "width")
        graph = helper.make_graph(
            list(nodes),
            "small",
            [helper.make_tensor_value_info(source, TensorProto.FLOAT, sides)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None) for output in outputs],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
        path = tmp_path / name
        path.write_bytes(model.SerializeToString())
        return path

    return write

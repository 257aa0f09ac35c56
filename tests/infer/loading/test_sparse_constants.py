"""Constants that a file gives as sparse tensors are constants as any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.loading.model_file import NetworkError, read_model
from tests.infer.networks import ONE, Draft, picture, tiled, untiled


def sparse(name: str, values: Array, *, flat: bool) -> onnx.SparseTensorProto:
    places = np.argwhere(values) if not flat else np.flatnonzero(values)
    kept = numpy_helper.from_array(values[values != 0], name)
    indices = numpy_helper.from_array(places.astype(np.int64), f"{name}/places")
    return helper.make_sparse_tensor(kept, indices, list(values.shape))


def made_sparse(model: onnx.ModelProto, *, flat: bool) -> onnx.ModelProto:
    """Let the network's first constant be a sparse one, three quarters of it zeros."""
    first = model.graph.initializer[0]
    values = numpy_helper.to_array(first) * (np.random.default_rng(1).random(first.dims) < 0.25)
    model.graph.sparse_initializer.add().CopyFrom(sparse(first.name, values.astype(np.float32), flat=flat))
    del model.graph.initializer[0]
    return model


@pytest.mark.parametrize("flat", [True, False])
def test_a_sparse_constant_is_no_picture(flat: bool, tmp_path: Path) -> None:
    draft = Draft()
    model = made_sparse(draft.model({"transmission": draft.conv("image", 3, 3)}), flat=flat)
    path, shown = tmp_path / "n.onnx", picture(Size(21, 34))
    path.write_bytes(model.SerializeToString())
    np.testing.assert_array_equal(tiled(path, shown, 8)["transmission"], untiled(path, shown)["transmission"])
    assert InferenceEngine(path, ONE)(np.moveaxis(shown[0], 0, -1))["transmission"].shape == (21, 34, 3)


def test_a_sparse_constant_of_a_node_is_one_too(tmp_path: Path) -> None:
    draft = Draft()
    scale = draft.node("Constant", sparse_value=sparse("s", np.array([[[0.0]], [[2]], [[3]]], np.float32), flat=True))
    path, shown = draft.saved(tmp_path / "n.onnx", draft.node("Mul", "image", scale)), picture(Size(11, 14))
    np.testing.assert_array_equal(tiled(path, shown, 8)["transmission"], untiled(path, shown)["transmission"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"dims": [2, 1, 1, 1]}, "its indices lie outside of it"),
        ({"dims": [1 << 20, 1 << 20, 9, 9]}, "values once it is dense"),
        ({"dims": [-1, 3, 3, 3]}, "less than nothing"),
        ({"values": [1.0]}, "not as many indices as values"),
    ],
)
def test_a_sparse_constant_that_is_none_is_named(change: dict[str, list[int]], why: str, tmp_path: Path) -> None:
    draft = Draft()
    model = made_sparse(draft.model({"transmission": draft.conv("image", 3, 3)}), flat=True)
    tensor = model.graph.sparse_initializer[0]
    if "dims" in change:
        tensor.dims[:] = change["dims"]
    else:
        tensor.values.CopyFrom(numpy_helper.from_array(np.array(change["values"], np.float32), tensor.values.name))
    (tmp_path / "n.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(NetworkError, match=f"sparse constant 'c0' that cannot be read: .*{why}"):
        read_model(tmp_path / "n.onnx")

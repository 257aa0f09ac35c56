"""Networks that take or give something else than pictures: told alike by the check, by inference and by whole ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.onnx_network import NetworkError, OnnxNetwork
from orchestrator.infer.plan_document import plan_document
from orchestrator.infer.region import Size
from tests.infer.networks import ONE, Draft

SIZE = Size(41, 53)
PICTURE = np.random.default_rng(3).random((41, 53, 3), np.float32)


def sentences(path: Path) -> dict[str, str]:
    """Return what is said of a network, by who says it."""
    said = {}
    for who, tried in (
        ("check", lambda: plan_document(InferenceEngine(path, ONE), SIZE)),
        ("infer", lambda: InferenceEngine(path, ONE)(PICTURE)),
        ("whole", lambda: OnnxNetwork(path, ONE)(PICTURE)),
    ):
        with pytest.raises(NetworkError) as refused:
            tried()
        said[who] = str(refused.value)
    return said


def saved(path: Path, model: onnx.ModelProto) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("sides", "kind", "said"),
    [
        pytest.param((1, 3, 64, 64), TensorProto.FLOAT, "1 x 3 x 64 x 64 alone, and this one has 41 x 53", id="fixed"),
        pytest.param((1, 3, "h", 64), TensorProto.FLOAT, "pictures of 1 x 3 x ? x 64 alone", id="fixed-width"),
        pytest.param((3, "h", "w"), TensorProto.FLOAT, "takes float32, 3 x ? x ?; it needs one", id="no-batch"),
        pytest.param((4, 3, "h", "w"), TensorProto.FLOAT, "takes float32, 4 x 3", id="batch-of-four"),
        pytest.param((1, 3, "h", "w"), TensorProto.FLOAT16, "takes float16, 1 x 3 x ? x ?; it needs", id="half"),
        pytest.param((1, 3, "h", "w"), TensorProto.UINT8, "takes uint8, 1 x 3 x ? x ?; it needs float32", id="bytes"),
        pytest.param((1, 1, "h", "w"), TensorProto.FLOAT, "pictures of 1 channel; it needs RGB", id="grey"),
        pytest.param((1, 4, "h", "w"), TensorProto.FLOAT, "pictures of 4 channels; it needs RGB", id="four-channels"),
        pytest.param((1, "h", "w", 3), TensorProto.FLOAT, "with the channels last", id="channels-last"),
        pytest.param((1, 64, 64, 3), TensorProto.FLOAT, "with the channels last", id="channels-last-fixed"),
    ],
)
def test_inputs_that_are_no_pictures_of_any_size_are_named(
    sides: Sequence[int | str], kind: int, said: str, tmp_path: Path
) -> None:
    draft = Draft()
    model = draft.model({"transmission": draft.node("Cast", "image", to=TensorProto.FLOAT)})
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("image", kind, sides))
    found = sentences(saved(tmp_path / "n.onnx", model))
    assert len(set(found.values())) == 1, found
    assert said in found["check"]


@pytest.mark.parametrize(
    ("outputs", "strides", "shape"),
    [
        pytest.param(1, 1, "(1, 1, 41, 53)", id="grey"),
        pytest.param(3, 2, "(1, 3, 21, 27)", id="half-as-large"),
    ],
)
def test_answers_of_another_shape_are_named_before_anything_runs(
    outputs: int, strides: int, shape: str, tmp_path: Path
) -> None:
    draft = Draft()
    path = draft.saved(tmp_path / "n.onnx", draft.conv("image", 3, outputs, strides=[strides, strides]))
    words = f"output transmission has shape {shape} for a picture of (1, 3, 41, 53)"
    assert sentences(path) == dict.fromkeys(("check", "infer", "whole"), words)


@pytest.mark.parametrize("halvings", [1, 3])
def test_a_network_that_needs_multiples_says_of_which(halvings: int, tmp_path: Path) -> None:
    draft = Draft()
    x = "image"
    for _ in range(halvings):
        x = draft.conv(x, 3, 3, strides=[2, 2])
    scale = 2.0**halvings
    up = draft.node("Resize", x, "", draft.numbers(1, 1, scale, scale), mode="nearest")
    path = draft.saved(tmp_path / "n.onnx", draft.conv(draft.node("Concat", "image", up, axis=1), 6, 3))
    said = sentences(path)
    assert said["check"] == said["infer"]
    assert f"multiples of {2**halvings}" in said["check"]
    assert said["whole"].startswith("Concat fails: ")
    fitting = Size(8 * 2**halvings, 9 * 2**halvings)
    assert not plan_document(InferenceEngine(path, ONE), fitting).not_tileable
    engine = InferenceEngine(path, ONE)
    engine.prepare([SIZE, fitting])
    assert not engine.not_tileable(fitting), "a size that is refused keeps no other"


def test_a_network_that_gives_the_picture_back_is_checked(tmp_path: Path) -> None:
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Identity", ["image"], ["transmission"])],
            "same",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, "h", "w"))],
            [helper.make_tensor_value_info("transmission", TensorProto.FLOAT, None)],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    path = saved(tmp_path / "n.onnx", model)
    assert not plan_document(InferenceEngine(path, ONE), SIZE).not_tileable
    np.testing.assert_array_equal(InferenceEngine(path, ONE)(PICTURE)["transmission"], PICTURE)


def test_an_operation_that_nobody_has_is_named_by_the_check_too(tmp_path: Path) -> None:
    draft = Draft()
    model = draft.model({"transmission": draft.node("Magic", "image", domain="my.ops")})
    model.opset_import.add(domain="my.ops", version=1)
    path = saved(tmp_path / "n.onnx", model)
    with pytest.raises(NetworkError, match=r"it needs the operation my\.ops:Magic, which ONNX Runtime") as checked:
        plan_document(InferenceEngine(path, ONE), SIZE)
    with pytest.raises(NetworkError) as whole:
        OnnxNetwork(path, ONE)
    assert str(checked.value) == str(whole.value)

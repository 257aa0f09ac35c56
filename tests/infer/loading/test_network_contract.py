"""Networks that take or give something else than pictures: told alike by the check, by inference and by whole ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from netkit.onnx_sizes import SizeRule, edge_padded
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.modes import EXACT, Settings, infer, infer_not_tileable
from orchestrator.infer.onnx_network import NetworkError, OnnxNetwork
from orchestrator.infer.operations.size_multiples import padded_picture, padded_size
from orchestrator.infer.plan_document import plan_document
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
        pytest.param((1, 3, 64, 64), TensorProto.FLOAT, "1 x 3 x 64 x 64 alone, none of 41 x 53", id="fixed"),
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


def halving(path: Path, halvings: int, *, whole: bool = False) -> Path:
    """Write a network that halves its maps, doubles them again and joins them.

    Args:
        whole: Whether something in it needs the whole picture.
    """
    draft = Draft()
    x = "image"
    for _ in range(halvings):
        x = draft.conv(x, 3, 3, strides=[2, 2])
    scale = 2.0**halvings
    up = draft.node("Resize", x, "", draft.numbers(1, 1, scale, scale), mode="nearest")
    answer = draft.conv(draft.node("Concat", "image", up, axis=1), 6, 3)
    return draft.saved(path, draft.node("Softmax", answer, axis=3) if whole else answer)


def test_outputs_of_other_names_have_any_size_and_number_of_channels(tmp_path: Path) -> None:
    draft = Draft()
    others = {"mask": draft.conv("image", 3, 1), "half": draft.conv("image", 3, 5, strides=[2, 2])}
    vector = draft.node("Squeeze", draft.node("GlobalAveragePool", "image"), draft.constant([2, 3]))
    path = draft.saved(tmp_path / "n.onnx", draft.conv("image", 3, 3), **others, vector=vector)
    found, whole = InferenceEngine(path, ONE, tile=16)(PICTURE), OnnxNetwork(path, ONE)(PICTURE)
    assert {name: values.shape for name, values in found.items()} == {
        "transmission": (41, 53, 3),
        "mask": (41, 53, 1),
        "half": (21, 27, 5),
    }
    assert found.keys() == whole.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, whole[name], atol=1e-6)
    blended = infer(OnnxNetwork(path, ONE), PICTURE, Settings("tiles", tile=32, overlap=8))
    assert list(blended.outputs) == ["transmission"]


@pytest.mark.parametrize("in_parts", [True, False])
def test_outputs_with_axes_in_another_order_are_left_out_and_named(in_parts: bool, tmp_path: Path) -> None:
    draft = Draft()
    x = draft.conv("image", 3, 8)
    last = draft.node("Transpose", x, perm=[0, 2, 3, 1])
    sequence = draft.node("Reshape", x, draft.constant([1, 8, -1]))
    answer = draft.conv(x, 8, 3) if in_parts else draft.node("Softmax", draft.conv(x, 8, 3), axis=3)
    engine = InferenceEngine(draft.saved(tmp_path / "n.onnx", answer, last=last, sequence=sequence, features=x), ONE)
    answers = engine(PICTURE) if in_parts else engine.whole()(PICTURE)
    assert {name: values.shape[2] for name, values in answers.items()} == {"transmission": 3, "features": 8}
    assert engine.left_out(SIZE) == ("last", "sequence")


def test_an_answer_with_axes_in_another_order_is_named_as_one(tmp_path: Path) -> None:
    draft = Draft()
    turned = draft.node("Transpose", draft.conv("image", 3, 3), perm=[0, 1, 3, 2])
    model = draft.model({"transmission": turned})
    model.graph.node[-1].op_type = "Identity"
    engine = InferenceEngine(saved(tmp_path / "n.onnx", model), ONE)
    (why,) = engine.not_tileable(Size(20, 20))
    assert (
        str(why) == "output (transmission): its axes, 1 x 3 x 20 x 20, are not channels, rows and columns in this order"
    )


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("halvings", [1, 3])
def test_pictures_are_padded_to_the_multiples_that_a_network_takes(halvings: int, whole: bool, tmp_path: Path) -> None:
    path, multiple = halving(tmp_path / "n.onnx", halvings, whole=whole), 2**halvings
    engine = InferenceEngine(path, ONE, tile=16)
    assert plan_document(engine, SIZE).padded_to == engine.size_multiple(SIZE) == multiple
    padded = padded_picture(PICTURE, multiple)
    expected = OnnxNetwork(path, ONE)(padded)["transmission"][: SIZE.height, : SIZE.width]
    if whole:
        found = infer_not_tileable(engine.whole(), PICTURE, Settings(), "Softmax")
        assert found.label == EXACT
        np.testing.assert_array_equal(found.outputs["transmission"], expected)
    else:
        np.testing.assert_allclose(engine(PICTURE)["transmission"], expected, atol=1e-6)


def test_a_network_whose_answer_is_smaller_at_odd_sizes_gets_even_ones(tmp_path: Path) -> None:
    draft = Draft()
    small = draft.node("MaxPool", "image", kernel_shape=[2, 2], strides=[2, 2])
    up = draft.node("Resize", small, "", draft.numbers(1, 1, 2, 2), mode="linear")
    path = draft.saved(tmp_path / "n.onnx", draft.conv(up, 3, 3))
    engine = InferenceEngine(path, ONE, tile=16)
    assert engine.size_multiple(SIZE) == 2
    expected = OnnxNetwork(path, ONE)(padded_picture(PICTURE, 2))["transmission"][: SIZE.height, : SIZE.width]
    np.testing.assert_allclose(engine(PICTURE)["transmission"], expected, atol=1e-5)


@pytest.mark.parametrize("halvings", [1, 3])
def test_pictures_of_sizes_that_a_network_takes_are_left_as_they_are(halvings: int, tmp_path: Path) -> None:
    engine = InferenceEngine(halving(tmp_path / "n.onnx", halvings), ONE)
    fitting = Size(8 * 2**halvings, 9 * 2**halvings)
    assert plan_document(engine, fitting).padded_to is None
    assert engine.graph(fitting).multiple == 1


def halved_beside(path: Path, *, whole: bool) -> Path:
    """Write a network that needs even sizes, with outputs of half and double the picture's size.

    Args:
        whole: Whether something in it needs the whole picture.
    """
    draft = Draft()
    half = draft.node("MaxPool", draft.conv("image", 3, 4), kernel_shape=[2, 2], strides=[2, 2])
    up = draft.node("Resize", half, "", draft.numbers(1, 1, 2, 2), mode="nearest")
    answer = draft.conv(draft.node("Add", up, draft.conv("image", 3, 4)), 4, 3)
    double = draft.node("Resize", up, "", draft.numbers(1, 1, 2, 2), mode="nearest")
    answer = draft.node("Softmax", answer, axis=3) if whole else answer
    return draft.saved(path, answer, half=half, double=double)


@pytest.mark.parametrize("in_parts", [True, False])
def test_answers_to_padded_pictures_are_cropped_in_their_own_scale(in_parts: bool, tmp_path: Path) -> None:
    engine = InferenceEngine(halved_beside(tmp_path / "n.onnx", whole=not in_parts), ONE)
    assert bool(engine.not_tileable(SIZE)) is not in_parts
    answers = engine(PICTURE) if in_parts else engine.whole()(PICTURE)
    assert {name: values.shape for name, values in answers.items()} == {
        "transmission": (41, 53, 3),
        "half": (21, 27, 4),
        "double": (82, 106, 4),
    }


def test_a_network_that_is_run_whole_pads_each_picture_by_its_own_size(tmp_path: Path) -> None:
    path = halving(tmp_path / "n.onnx", 1, whole=True)
    run = InferenceEngine(path, ONE).whole()
    assert run(PICTURE)["transmission"].shape == PICTURE.shape
    fitting = PICTURE[:40, :52]
    np.testing.assert_array_equal(run(fitting)["transmission"], OnnxNetwork(path, ONE)(fitting)["transmission"])


@pytest.mark.parametrize("multiple", [1, 2, 4, 32])
@pytest.mark.parametrize("size", [(41, 53), (32, 64), (1, 1)])
def test_pictures_are_padded_as_exported_graphs_pad_them(size: tuple[int, int], multiple: int) -> None:
    shown = PICTURE[: size[0], : size[1]] if size != (32, 64) else np.resize(PICTURE, (32, 64, 3))
    exported = edge_padded(shown, SizeRule(multiple))
    np.testing.assert_array_equal(padded_picture(shown, multiple), exported)
    padded = padded_size(Size(*size), multiple)
    assert SizeRule(multiple).padded(*size) == (padded.height, padded.width) == exported.shape[:2]


def test_sizes_that_fit_nowhere_are_named(tmp_path: Path) -> None:
    draft = Draft()
    path = draft.saved(tmp_path / "n.onnx", draft.node("Add", "image", draft.weight(3, 40, 40)))
    assert "it takes" not in sentences_of_check(path)
    assert "takes no picture of 41 x 53 pixels: Add" in sentences_of_check(path)


def sentences_of_check(path: Path) -> str:
    with pytest.raises(NetworkError) as refused:
        plan_document(InferenceEngine(path, ONE), SIZE)
    return str(refused.value)


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

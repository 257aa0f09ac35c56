"""What a network computes of its constants alone is computed when it is loaded, within bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from orchestrator.infer.graphs.region import Size
from orchestrator.infer.loading.constant_folding import MOST_VALUES, NotFolded, folded, shaped
from orchestrator.infer.loading.model_file import OnnxModel, read_model
from orchestrator.infer.loading.number_folding import folded_numbers
from orchestrator.infer.operations.table import graph_of
from tests.infer.networks import Draft, picture, tiled, untiled

FAR = 1 << 40


def node(operation: str, count: int, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operation, [f"in{number}" for number in range(count)], ["out"], **attributes)


def result(operation: str, *given: np.ndarray, **attributes: Any) -> np.ndarray:
    named = {f"in{number}": value for number, value in enumerate(given)}
    return folded(node(operation, len(given), **attributes), 17, named)[0]


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_what_fits_is_computed() -> None:
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.array_equal(result("Transpose", weights, perm=[1, 0]), weights.T)
    assert np.array_equal(result("Concat", numbers(1, 2), numbers(3), axis=0), [1, 2, 3])
    assert np.array_equal(result("NonZero", np.array([0.0, 2.0], np.float32)), [[1]])
    assert result("ConstantOfShape", numbers(2, 3)).shape == (2, 3)


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("ConstantOfShape", (numbers(FAR, FAR),)),
        ("Expand", (np.ones(1, np.float32), numbers(MOST_VALUES + 1))),
        ("Tile", (np.ones((2, 2), np.float32), numbers(FAR, 1))),
        ("Range", (np.int64(0).reshape(()), np.int64(FAR).reshape(()), np.int64(1).reshape(()))),
        ("OneHot", (numbers(1), numbers(FAR), np.ones(2, np.float32))),
        ("HannWindow", (np.int64(FAR).reshape(()),)),
        ("MatMul", (np.ones((2**14, 1), np.float32), np.ones((1, 2**14), np.float32))),
    ],
)
def test_a_result_of_any_size_is_refused_before_it_is_made(operation: str, given: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(NotFolded, match=r"its result has [\d,]+ values"):
        result(operation, *given)


def test_random_numbers_are_no_constants() -> None:
    with pytest.raises(NotFolded, match="it draws random numbers"):
        folded(helper.make_node("RandomNormal", [], ["out"], shape=[2]), 17, {})


def test_a_node_that_is_none_of_its_operation_is_named_and_not_computed() -> None:
    draft = Draft()
    model = draft.model({"transmission": draft.conv("image", 3, 3)})
    wrong = helper.make_node("Split", ["image"], ["a", "b"], axis=1)
    wrong.attribute[0].CopyFrom(helper.make_attribute("axis", numpy_helper.from_array(np.ones(1, np.float32))))
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    nodes = (*model.graph.node, wrong)
    found = graph_of(OnnxModel("x.onnx", 17, nodes, model.graph.input[0], ("transmission",), constants), Size(12, 20))
    (named,) = found.not_tileable
    assert named.op == "Split"
    assert "axis" in named.why


def reals(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


MATRIX = np.arange(12, dtype=np.int64).reshape(3, 4)

OF_NUMBERS = [
    ("Constant", (), {"value": numpy_helper.from_array(MATRIX)}),
    ("Constant", (), {"value_int": -3}),
    ("Constant", (), {"value_ints": [4, 5]}),
    ("Constant", (), {"value_float": 0.1}),
    ("Constant", (), {"value_floats": [0.1, 2.0]}),
    ("Identity", (reals(2, 3),), {}),
    ("Cast", (numbers(2**40, -1),), {"to": onnx.TensorProto.FLOAT}),
    ("Cast", (numbers(2**40, -1),), {"to": onnx.TensorProto.INT32}),
    ("Cast", (np.array([True, False]),), {"to": onnx.TensorProto.INT64}),
    ("Unsqueeze", (numbers(7, 8), numbers(0, -1)), {}),
    ("Squeeze", (MATRIX[:1], numbers(0)), {}),
    ("Squeeze", (MATRIX[:, :1], numbers(-1)), {}),
    ("Concat", (MATRIX, MATRIX[:, 1:]), {"axis": -1}),
    ("Gather", (MATRIX, np.int64(-1).reshape(())), {}),
    ("Gather", (MATRIX, numbers(1, -2)), {"axis": 1}),
    ("Slice", (MATRIX, numbers(1), numbers(2**62)), {}),
    ("Slice", (MATRIX, numbers(-2, 0), numbers(-1, 4), numbers(-1, 0), numbers(1, 2)), {}),
    ("Slice", (MATRIX, numbers(-1), numbers(-(2**62)), numbers(0), numbers(-1)), {}),
    ("Slice", (MATRIX, numbers(5, -1), numbers(-4, 0), numbers(0, 1), numbers(-2, -3)), {}),
    ("Squeeze", (MATRIX[:1],), {}),
    ("Transpose", (MATRIX,), {"perm": [1, 0]}),
    ("Transpose", (MATRIX,), {}),
    ("ConstantOfShape", (numbers(2, 0, 3),), {}),
    ("ConstantOfShape", (numbers(2),), {"value": numpy_helper.from_array(numbers(7))}),
    ("Neg", (numbers(3, -4),), {}),
    ("Mod", (numbers(-7, 7, -8, 6), numbers(8, -8, 8, 4)), {}),
    ("Add", (MATRIX, numbers(1, 2, 3, 4)), {}),
    ("Sub", (reals(0.1, 3), reals(0.3)), {}),
    ("Mul", (np.int64(2**62).reshape(()), np.int64(8).reshape(())), {}),
    ("Mul", (reals(1e38), reals(1e38)), {}),
    ("Equal", (MATRIX, numbers(1, 5, 9, 3)), {}),
    ("Div", (MATRIX, numbers(3)), {}),
    ("Where", (MATRIX > 4, MATRIX, numbers(-1)), {}),
    ("Reshape", (MATRIX, numbers(0, 2, -1)), {}),
]
LEFT_TO_ONNX = [
    ("Cast", (reals(2.5, -1e30),), {"to": onnx.TensorProto.INT64}),
    ("Cast", (numbers(300),), {"to": onnx.TensorProto.UINT8}),
    ("Mod", (numbers(-7), numbers(2)), {"fmod": 1}),
    ("ConstantOfShape", (numbers(FAR),), {}),
    ("Div", (numbers(-7), numbers(2)), {}),
    ("Div", (reals(1), reals(3)), {}),
    ("Reshape", (MATRIX, numbers(12)), {"allowzero": 1}),
]


@pytest.mark.parametrize(("operation", "given", "attributes"), OF_NUMBERS)
def test_numbers_are_what_onnx_makes_of_them(
    operation: str, given: tuple[np.ndarray, ...], attributes: dict[str, Any]
) -> None:
    made = node(operation, len(given), **attributes)
    found = folded_numbers(made, given)
    assert found is not None
    kinds = [
        helper.make_tensor_value_info(f"in{place}", onnx.helper.np_dtype_to_tensor_dtype(one.dtype), one.shape)
        for place, one in enumerate(given)
    ]
    graph = helper.make_graph([made], "one", kinds, [onnx.ValueInfoProto(name="out")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    with np.errstate(all="ignore"):
        right = ReferenceEvaluator(model).run(None, {f"in{place}": one for place, one in enumerate(given)})[0]
    np.testing.assert_array_equal(found, right)
    assert (found.dtype, found.shape) == (np.asarray(right).dtype, np.shape(right))


@pytest.mark.parametrize(("operation", "given", "attributes"), LEFT_TO_ONNX)
def test_what_onnx_rounds_or_turns_in_its_own_way_is_left_to_it(
    operation: str, given: tuple[np.ndarray, ...], attributes: dict[str, Any]
) -> None:
    assert folded_numbers(node(operation, len(given), **attributes), given) is None


def test_axes_were_attributes_before() -> None:
    assert result("Unsqueeze", numbers(7), axes=[0]).shape == (1, 1)


def test_of_values_that_the_picture_decides_the_shapes_are_known_before() -> None:
    weights, value = np.ones((6, 4, 1, 1), np.float32), np.ones((1, 4, 1, 1), np.float32)
    (found,) = shaped(node("Conv", 2), 17, {"in0": value, "in1": weights}, {"in1"})
    assert (found.shape, found.dtype) == ((1, 6, 1, 1), np.float32)
    with pytest.raises(NotFolded, match="it draws random numbers"):
        shaped(helper.make_node("RandomNormalLike", ["in0"], ["out"]), 17, {"in0": value}, set())
    with pytest.raises(NotFolded, match=r"its result has [\d,]+ values"):
        shaped(node("Expand", 2), 17, {"in0": value, "in1": numbers(1, 4, FAR, FAR)}, {"in1"})
    with pytest.raises(NotFolded, match="not known before it is computed"):
        shaped(node("Expand", 2), 17, {"in0": value, "in1": numbers(1, 4, 2, 2)}, set())


def test_a_shape_that_numbers_of_the_picture_decide_is_not_made_up(tmp_path: Path) -> None:
    """It would depend on the ones that stand in for them: how many are not zero is known when they are."""
    draft = Draft()
    mean = draft.node("Relu", draft.node("GlobalAveragePool", "image"))
    found = draft.node("Cast", draft.node("Shape", draft.node("NonZero", mean)), to=onnx.TensorProto.FLOAT)
    last = draft.node("Slice", found, draft.constant([1]), draft.constant([2]), draft.constant([0]))
    path = draft.saved(tmp_path / "network.onnx", draft.node("Mul", "image", last))
    (left_out,) = graph_of(read_model(path), Size(9, 8)).not_tileable
    assert left_out.op == "NonZero"
    assert "not known before it is computed" in left_out.why


def filled(draft: Draft) -> str:
    value = numpy_helper.from_array(np.array([1 / 27], np.float32))
    return draft.node("ConstantOfShape", draft.constant([3, 3, 3, 3]), value=value)


def filled_for_one(draft: Draft) -> str:
    value = numpy_helper.from_array(np.array([1 / 27], np.float32))
    return draft.node("ConstantOfShape", draft.constant([1, 3, 3, 3]), value=value)


def expanded_for_one(draft: Draft) -> str:
    return draft.node("Expand", draft.constant(np.full((1, 3, 1, 1), 1 / 27, np.float32)), draft.constant([1, 3, 3, 3]))


@pytest.mark.parametrize("write", [filled, filled_for_one, expanded_for_one])
def test_weights_that_hold_one_number_are_weights(write: Callable[[Draft], str], tmp_path: Path) -> None:
    draft = Draft()
    x = draft.node("Conv", "image", write(draft), pads=[1] * 4)
    path = draft.saved(tmp_path / "network.onnx", draft.node("Mul", x, draft.node("Relu", "image")))
    shown = picture(Size(20, 27))
    np.testing.assert_allclose(tiled(path, shown, 8)["transmission"], untiled(path, shown)["transmission"], atol=1e-6)


def test_a_map_of_one_number_is_a_map_beside_being_weights(tmp_path: Path) -> None:
    draft = Draft()
    same = filled_for_one(draft)
    x = draft.node("Conv", "image", same, pads=[1] * 4)
    path = draft.saved(tmp_path / "network.onnx", draft.node("Mul", draft.node("Concat", x, x, x, axis=1), same))
    shown = picture(Size(3, 3))
    np.testing.assert_allclose(tiled(path, shown, 8)["transmission"], untiled(path, shown)["transmission"], atol=1e-6)

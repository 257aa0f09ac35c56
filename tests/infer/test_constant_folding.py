"""What a network computes of its constants alone is computed when it is loaded, within bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from orchestrator.infer.constant_folding import MOST_VALUES, NotFolded, folded
from orchestrator.infer.model_file import OnnxModel
from orchestrator.infer.operations import graph_of
from orchestrator.infer.region import Size
from tests.infer.networks import Draft

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

"""Networks in half precision: rounded where ONNX Runtime rounds on processors, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.loading.model_file import read_model
from orchestrator.infer.operations.table import graph_of
from tests.infer.networks import ONE, Draft, picture, tiled, untiled

SIZE = Size(21, 26)
CHANNELS = 8
FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def half(draft: Draft, x: str = "image") -> str:
    return draft.node("Cast", x, to=HALF)


def single(draft: Draft, x: str) -> str:
    return draft.node("Cast", x, to=FLOAT)


def number(draft: Draft, value: float) -> str:
    return draft.constant(np.float16(value))


def conv(draft: Draft, x: str) -> str:
    weight = np.random.default_rng(3).normal(0, 0.2, (CHANNELS, CHANNELS, 3, 3)).astype(np.float16)
    return draft.node("Conv", x, draft.constant(weight), pads=[1] * 4)


def pair(draft: Draft) -> str:
    return single(draft, half(draft))


def overflowing(draft: Draft) -> str:
    large = draft.node("Mul", "image", draft.numbers(1e6))
    return draft.node("Clip", single(draft, half(draft, large)), draft.numbers(0), draft.numbers(5e5))


def pair_of_a_value(draft: Draft) -> str:
    mean = draft.node("GlobalAveragePool", "image")
    return draft.node("Mul", single(draft, half(draft, mean)), "image")


def moved(draft: Draft) -> str:
    turned = draft.node("Gather", half(draft), draft.constant(list(range(CHANNELS))[::-1]), axis=1)
    return single(draft, turned)


def to_whole_numbers(draft: Draft) -> str:
    large = draft.node("Mul", "image", draft.numbers(5000))
    return single(draft, draft.node("Cast", half(draft, large), to=TensorProto.INT32))


def in_arithmetic(draft: Draft) -> str:
    return single(draft, draft.node("Add", draft.node("Tanh", conv(draft, half(draft))), number(draft, 0.3)))


def clipped_last(draft: Draft) -> str:
    return single(draft, draft.node("Clip", conv(draft, half(draft)), number(draft, 0), number(draft, 1)))


def clipped_between(draft: Draft) -> str:
    return single(draft, conv(draft, draft.node("Clip", conv(draft, half(draft)), number(draft, 0))))


def clipped_and_joined_between(draft: Draft) -> str:
    first, second = half(draft), conv(draft, half(draft))
    joined = draft.node("Concat", draft.node("Clip", second, number(draft, 0)), first, axis=1)
    few = draft.node("Slice", joined, draft.constant([0]), draft.constant([CHANNELS]), draft.constant([1]))
    return single(draft, conv(draft, few))


def read_by_both(draft: Draft) -> str:
    x = half(draft)
    return single(draft, draft.node("Sub", draft.node("Max", x, number(draft, 0.5)), x))


def cast_back_beside(draft: Draft) -> str:
    x = half(draft)
    return draft.node("Mul", single(draft, x), single(draft, draft.node("Abs", x)))


def passed_through(draft: Draft) -> str:
    x = draft.node("Expand", draft.node("Identity", half(draft)), draft.constant([1, 1, 1, 1]))
    return single(draft, draft.node("Abs", x))


def spread_to_nothing(draft: Draft) -> str:
    ones = draft.node("Constant", value=onnx.numpy_helper.from_array(np.ones(4, np.int64)))
    spread = draft.node("Expand", draft.node("Identity", half(draft)), ones)
    return single(draft, draft.node("Abs", spread))


def in_another_shape(draft: Draft) -> str:
    split = draft.node("Reshape", half(draft), draft.constant([1, 2, CHANNELS // 2, SIZE.height, SIZE.width]))
    split = draft.node("Neg", split)
    return single(draft, draft.node("Reshape", split, draft.constant([1, CHANNELS, SIZE.height, SIZE.width])))


WRITERS: list[Callable[[Draft], str]] = [
    pair,
    overflowing,
    pair_of_a_value,
    moved,
    to_whole_numbers,
    in_arithmetic,
    clipped_last,
    clipped_between,
    clipped_and_joined_between,
    read_by_both,
    cast_back_beside,
    passed_through,
    spread_to_nothing,
    in_another_shape,
]


@pytest.mark.parametrize("opset", [13, 18, 21])
@pytest.mark.parametrize("write", WRITERS)
def test_float16_is_rounded_where_it_is_in_the_untiled_network(
    write: Callable[[Draft], str], opset: int, tmp_path: Path
) -> None:
    draft = Draft(CHANNELS, opset)
    path, shown = draft.saved(tmp_path / "half.onnx", write(draft)), picture(SIZE, CHANNELS)
    whole, found = untiled(path, shown)["transmission"], tiled(path, shown, 7)["transmission"]
    off = np.abs(found - whole) > 1e-5 * max(1.0, float(np.abs(whole).max()))
    # A sum that float32 rounds otherwise in tiles may come to the next number of float16.
    assert off.mean() < 0.01
    assert np.abs(found - whole).max() < 2e-3 * np.abs(whole).max()


def test_what_onnx_runtime_rounds_in_a_way_of_its_own_runs_whole(tmp_path: Path) -> None:
    draft = Draft()
    turned = draft.node("Neg", draft.node("Transpose", half(draft), perm=[0, 2, 3, 1]))
    answer = single(draft, draft.node("Transpose", turned, perm=[0, 3, 1, 2]))
    engine = InferenceEngine(draft.saved(tmp_path / "half.onnx", answer), ONE)
    assert [one.op for one in engine.not_tileable(SIZE)] == ["Transpose"]


def test_a_network_that_answers_in_float16_is_not_computed_in_parts(tmp_path: Path) -> None:
    draft = Draft()
    model = draft.model({"transmission": half(draft)}, FLOAT)
    model.graph.output[0].type.tensor_type.elem_type = HALF
    path = tmp_path / "half.onnx"
    path.write_bytes(model.SerializeToString())
    (why,) = graph_of(read_model(path), SIZE).not_tileable
    assert "answers in float16" in why.why


@pytest.mark.parametrize("opset", [13, 20])
def test_a_gelu_of_erf_in_float16_runs_whole(tmp_path: Path, opset: int) -> None:
    draft = Draft(CHANNELS, opset)
    x = conv(draft, half(draft))
    inner = draft.node("Add", draft.node("Erf", draft.node("Div", x, number(draft, 2**0.5))), number(draft, 1))
    gelu = draft.node("Mul", draft.node("Mul", x, inner), number(draft, 0.5))
    path = draft.saved(tmp_path / "network.onnx", single(draft, conv(draft, gelu)))
    assert "Erf" in {one.op for one in graph_of(read_model(path), SIZE).not_tileable}


@pytest.mark.parametrize("outputs", [(2, 4), (4, 2)])
def test_alike_nodes_of_different_outputs_are_two(tmp_path: Path, outputs: tuple[int, int]) -> None:
    nodes = [
        helper.make_node("Split", ["image"], [f"{count}/{place}" for place in range(count)], axis=2)
        for count in outputs
    ]
    nodes += [
        helper.make_node("Concat", [f"{count}/{place}" for place in range(count)], [f"{count}"], axis=2)
        for count in outputs
    ]
    nodes += [helper.make_node("Add", ["2", "4"], ["transmission"])]
    values = [helper.make_tensor_value_info(name, FLOAT, (1, 3, "h", "w")) for name in ("image", "transmission")]
    model = helper.make_model(
        helper.make_graph(nodes, "g", values[:1], values[1:]), opset_imports=[helper.make_opsetid("", 13)]
    )
    for half_too in (False, True):
        if half_too:
            model.graph.node[-1].output[0] = "sum"
            model.graph.node.extend(
                [
                    helper.make_node("Cast", ["sum"], ["half"], to=HALF),
                    helper.make_node("Cast", ["half"], ["transmission"], to=FLOAT),
                ]
            )
        (tmp_path / "network.onnx").write_bytes(model.SerializeToString())
        assert len([node for node in read_model(tmp_path / "network.onnx").nodes if node.op_type == "Split"]) == 2


@pytest.mark.parametrize("node", [("Identity", []), ("Expand", ["image"]), ("Cast", [])], ids=lambda node: node[0])
def test_nodes_that_lack_inputs_are_told_of_where_they_are_loaded(tmp_path: Path, node: tuple[str, list[str]]) -> None:
    operation, given = node
    odd = helper.make_node(operation, given, ["odd"], domain="my.ops", **({"to": HALF} if operation == "Cast" else {}))
    nodes = [
        odd,
        helper.make_node("Cast", ["image"], ["half"], to=HALF),
        helper.make_node("Cast", ["half"], ["transmission"], to=FLOAT),
    ]
    values = [helper.make_tensor_value_info(name, FLOAT, (1, 3, "h", "w")) for name in ("image", "transmission")]
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("my.ops", 1)]
    path = tmp_path / "network.onnx"
    path.write_bytes(
        helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:]), opset_imports=sets).SerializeToString()
    )
    assert read_model(path).nodes

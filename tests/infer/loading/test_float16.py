"""Networks in half precision: rounded where ONNX Runtime rounds on processors, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

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

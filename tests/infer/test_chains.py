"""Random chains of nodes, with skips, attention and normalisations, give in tiles and segments what the whole gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.infer.execution.plan_executor import PlanExecutor
from orchestrator.infer.execution.tile_statistics import Statistics
from orchestrator.infer.graphs.node import Array
from orchestrator.infer.graphs.optimise import optimised_graph
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.graphs.window_nodes import Window
from orchestrator.infer.planning.cuts import Cuts
from tests.infer.networks import ONE, Draft, cut_plan, in_float64, picture, tileable, tiled, untiled

WIDTH = 16
"""Channels; ONNX Runtime then uses its own layout, as for the real networks."""

Block = Callable[[Draft, str], str]
"""From a map of 16 channels to another of the same size."""


def dilated(draft: Draft, x: str) -> str:
    return draft.node("Relu", draft.conv(x, WIDTH, WIDTH, dilations=[3, 2], pads=[3, 2, 3, 2]))


def residual(draft: Draft, x: str) -> str:
    return draft.node("Add", x, draft.conv(draft.node("Relu", draft.conv(x, WIDTH, WIDTH)), WIDTH, WIDTH))


def scaled(draft: Draft, x: str) -> str:
    x = draft.node("Mul", draft.conv(x, WIDTH, WIDTH), draft.weight(WIDTH, 1, 1))
    return draft.node("LeakyRelu", draft.node("Add", x, draft.weight(1, WIDTH, 1, 1)), alpha=0.2)


def mirrored(draft: Draft, x: str) -> str:
    return draft.conv(
        draft.node("Pad", x, draft.constant([0, 0, 1, 1, 0, 0, 1, 1]), mode="edge"), WIDTH, WIDTH, pads=[0] * 4
    )


def shuffled(draft: Draft, x: str) -> str:
    x = draft.node("DepthToSpace", draft.conv(x, WIDTH, 4 * WIDTH), blocksize=2)
    return draft.node("AveragePool", draft.node("Sigmoid", x), kernel_shape=[2, 2], strides=[2, 2])


def hourglass(draft: Draft, x: str) -> str:
    """Down to a third and up again, cropped to the size that it had, with a skip."""
    down = draft.node("Relu", draft.conv(x, WIDTH, WIDTH, strides=[3, 3]))
    up = draft.node("Resize", draft.conv(down, WIDTH, WIDTH), "", draft.numbers(1, 1, 3, 3), mode="nearest")
    return draft.conv(draft.node("Concat", cropped(draft, up, x), x, axis=1), 2 * WIDTH, WIDTH)


def cropped(draft: Draft, x: str, like: str) -> str:
    ends = draft.node("Slice", draft.node("Shape", like), *(draft.constant([value]) for value in (2, 4, 0)))
    return draft.node("Slice", x, draft.constant([0, 0]), ends, draft.constant([2, 3]))


def spread(draft: Draft, x: str) -> str:
    """As an hourglass, by a transposed convolution."""
    down = draft.node("Relu", draft.conv(x, WIDTH, WIDTH, strides=[3, 3]))
    up = draft.node("ConvTranspose", down, draft.weight(WIDTH, WIDTH, 5, 5), strides=[3, 3], pads=[1, 1, 0, 0])
    return draft.node("Mul", cropped(draft, up, x), draft.node("Sigmoid", x))


LOCAL: dict[str, Block] = {
    "dilated": dilated,
    "scaled": scaled,
    "mirrored": mirrored,
    "shuffled": shuffled,
    "hourglass": hourglass,
}


def attention(draft: Draft, x: str) -> str:
    few = draft.node("Relu", draft.conv(draft.node("GlobalAveragePool", x), WIDTH, 4, 1))
    return draft.node("Mul", x, draft.node("Sigmoid", draft.conv(few, 4, WIDTH, 1)))


def flat_attention(draft: Draft, x: str) -> str:
    mean = draft.node("Flatten", draft.node("GlobalAveragePool", x))
    shares = draft.node("Sigmoid", draft.node("Gemm", mean, draft.weight(WIDTH, WIDTH), draft.weight(WIDTH)))
    return draft.node("Mul", draft.node("Reshape", shares, draft.constant([1, WIDTH, 1, 1])), x)


def mean_without_sides(draft: Draft, x: str) -> str:
    mean = draft.reduced("ReduceMean", x, [2, 3], keepdims=0)
    return draft.node("Add", x, draft.node("Reshape", mean, draft.constant([0, -1, 1, 1])))


def instance_norm(draft: Draft, x: str) -> str:
    return draft.node("InstanceNormalization", x, draft.weight(WIDTH), draft.weight(WIDTH), epsilon=1e-3)


def batch_statistics(draft: Draft, x: str) -> str:
    """As Zhang's: means over the batch too, mean of squared distances, and a mix of both by learned shares."""
    mean = draft.reduced("ReduceMean", x, [0, 2, 3])
    apart = draft.node("Sub", x, mean)
    variance = draft.reduced("ReduceMean", draft.node("Mul", apart, apart), [0, 2, 3])
    root = draft.node("Sqrt", draft.node("Add", variance, draft.numbers(0.001)))
    normal = draft.node("Add", draft.node("Mul", apart, draft.node("Reciprocal", root)), draft.weight(WIDTH, 1, 1))
    return draft.node("Add", draft.node("Mul", draft.numbers(0.3), x), draft.node("Mul", draft.numbers(0.7), normal))


def extremes(draft: Draft, x: str) -> str:
    low, high = draft.reduced("ReduceMin", x), draft.node("GlobalMaxPool", x)
    return draft.node(
        "Div", draft.node("Sub", x, low), draft.node("Add", draft.node("Sub", high, low), draft.numbers(0.5))
    )


def energy(draft: Draft, x: str) -> str:
    total = draft.node("Add", draft.reduced("ReduceSumSquare", x), draft.node("Abs", draft.reduced("ReduceSum", x)))
    return draft.node(
        "Div",
        draft.node("Mul", x, draft.numbers(30)),
        draft.node("Sqrt", draft.node("Add", total, draft.numbers(0.01))),
    )


GLOBAL_REDUCTIONS: dict[str, Block] = {
    "attention": attention,
    "flat-attention": flat_attention,
    "mean-without-sides": mean_without_sides,
    "instance-norm": instance_norm,
    "batch-statistics": batch_statistics,
    "extremes": extremes,
    "energy": energy,
}
BLOCKS = {**LOCAL, "residual": residual, "spread": spread, **GLOBAL_REDUCTIONS}


def chain(kinds: list[str], seed: int = 3, opset: int = 18) -> tuple[Draft, str]:
    """Return a draft of blocks between a first and a last convolution, and its result."""
    draft = Draft(3, opset, seed)
    x = draft.node("Relu", draft.conv("image", 3, WIDTH))
    for kind in kinds:
        x = BLOCKS[kind](draft, x)
    return draft, draft.conv(x, WIDTH, 3)


def in_segments(path: Path, shown: Array, tile: int, chosen: list[int]) -> Array:
    """Return what comes of tiles when the network is cut at some of the places where it may be."""
    graph = optimised_graph(tileable(path, Size(*shown.shape[2:])))
    places = Cuts(graph).places(99)[1:-1]
    plan = cut_plan(graph, {places[choice % len(places)] for choice in chosen if places}, tile)
    return PlanExecutor(graph, ONE).run(plan, shown)["transmission"]


def share_of_range(found: Array, expected: Array) -> float:
    return float(np.abs(found - expected).max() / max(np.ptp(expected), 1e-3))


SIDES = st.integers(1, 48)
TILES = st.sampled_from([4, 6, 9, 16, 24])
CHOSEN = st.lists(st.integers(0, 99), max_size=4)


@pytest.mark.slow
@settings(deadline=None, max_examples=35, derandomize=True)
@given(st.lists(st.sampled_from(list(LOCAL)), min_size=1, max_size=4), SIDES, SIDES, TILES, CHOSEN, st.integers(0, 9))
def test_segments_of_a_chain_without_global_reductions_are_the_whole_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory,
    kinds: list[str],
    height: int,
    width: int,
    tile: int,
    chosen: list[int],
    seed: int,
) -> None:
    draft, last = chain(kinds, seed)
    path, shown = draft.saved(tmp_path_factory.getbasetemp() / "chain.onnx", last), picture(Size(height, width))
    np.testing.assert_array_equal(in_segments(path, shown, tile, chosen), untiled(path, shown)["transmission"])


@pytest.mark.slow
@settings(deadline=None, max_examples=20, derandomize=True)
@given(st.lists(st.sampled_from(list(BLOCKS)), min_size=1, max_size=4), st.integers(1, 24), SIDES, TILES, CHOSEN)
def test_segments_of_a_chain_with_global_reductions_are_the_whole_in_double_precision(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[str], height: int, width: int, tile: int, chosen: list[int]
) -> None:
    draft, last = chain(kinds)
    size = Size(height + 3, width + 3)
    path, shown = draft.saved(tmp_path_factory.getbasetemp() / "barred.onnx", last), picture(size)
    expected = in_float64(draft, {"transmission": last}, shown)["transmission"]
    found = in_segments(path, shown, tile, chosen)
    usual = share_of_range(untiled(path, shown)["transmission"], expected)
    assert share_of_range(found, expected) <= max(3e-6, 3 * usual)


@pytest.mark.parametrize("kind", list(GLOBAL_REDUCTIONS))
@pytest.mark.parametrize("size", [Size(61, 47), Size(1, 90), Size(70, 2)], ids=str)
def test_a_global_reduction_over_tiles_is_that_of_the_whole_picture(kind: str, size: Size, tmp_path: Path) -> None:
    draft, last = chain(["dilated", kind, kind])
    path, shown = draft.saved(tmp_path / "network.onnx", last), picture(size)
    expected = in_float64(draft, {"transmission": last}, shown)["transmission"]
    assert share_of_range(tiled(path, shown, 16)["transmission"], expected) <= 3e-6


@pytest.mark.parametrize("opset", [11, 13, 17, 18, 21])
def test_global_reductions_are_written_in_the_words_of_the_files_operator_set(opset: int, tmp_path: Path) -> None:
    draft, last = chain(["energy", "extremes", "batch-statistics", "mean-without-sides"], opset=opset)
    path, shown = draft.saved(tmp_path / "network.onnx", last), picture(Size(33, 46))
    expected = untiled(path, shown)["transmission"]
    assert share_of_range(tiled(path, shown, 16)["transmission"], expected) <= 1e-5
    graph = optimised_graph(tileable(path, Size(33, 46)))
    assert (
        share_of_range(PlanExecutor(graph, ONE).run(cut_plan(graph, [], None), shown)["transmission"], expected) <= 1e-5
    )


def test_several_outputs_at_several_depths_all_are_those_of_the_whole(tmp_path: Path) -> None:
    draft = Draft()
    first = draft.conv("image", 3, WIDTH)
    second = attention(draft, draft.conv(draft.node("Relu", first), WIDTH, WIDTH, strides=[2, 2]))
    third = batch_statistics(draft, draft.conv(second, WIDTH, WIDTH))
    path = draft.saved(tmp_path / "network.onnx", third, transmission_1=first, transmission_2=second)
    shown = picture(Size(43, 58))
    expected, found = untiled(path, shown), tiled(path, shown, 16)
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name].shape == values.shape
        assert share_of_range(found[name], values) <= 1e-5, name


def shortened(monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    """Let windows see one pixel less than they do on a side, but for the picture's border."""
    seen = Window.seen

    def short(self: Window, span: object) -> object:
        right = seen(self, span)  # type: ignore[arg-type]
        if self.kernel == 1:
            return right
        if side == "start" and right.start > 0:
            return type(right)(right.start - 1, right.stop - 1)
        if side == "stop" and right.start >= 0:
            return type(right)(right.start + 1, right.stop + 1)
        return right

    monkeypatch.setattr(Window, "seen", short)


@pytest.mark.parametrize("side", ["start", "stop"])
@pytest.mark.parametrize("kind", ["dilated", "residual", "scaled", "hourglass", "spread"])
def test_windows_one_pixel_beside_their_place_are_found(
    kind: str, side: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checks above can fail: here all shapes are right, and the halo misses one pixel of what it should hold."""
    draft, last = chain([kind])
    path, shown = draft.saved(tmp_path / "network.onnx", last), picture(Size(44, 61))
    expected = untiled(path, shown)["transmission"]
    shortened(monkeypatch, side)
    assert share_of_range(tiled(path, shown, 16)["transmission"], expected) > 1e-3


@pytest.mark.parametrize("kind", list(GLOBAL_REDUCTIONS))
def test_global_reductions_computed_by_the_last_tile_alone_are_found(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, last = chain([kind])
    path, shown = draft.saved(tmp_path / "network.onnx", last), picture(Size(44, 61))
    expected = untiled(path, shown)["transmission"]
    add = Statistics.add

    def forgetful(self: Statistics, row_statistics: dict[str, Array], width: int) -> None:
        self.__dict__.update(vars(Statistics()))
        add(self, row_statistics, width)

    monkeypatch.setattr(Statistics, "add", forgetful)
    assert share_of_range(tiled(path, shown, 16)["transmission"], expected) > 1e-3

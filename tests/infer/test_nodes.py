"""Every kind of node, with any of its settings, gives in tiles what ONNX Runtime gives of the whole picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import helper

from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.model_loader import NetworkError, read_model
from orchestrator.infer.node import Array
from orchestrator.infer.operations import graph_of
from orchestrator.infer.region import Size, Span
from orchestrator.infer.resampling import Axis
from orchestrator.infer.window_nodes import Window
from tests.infer.conftest import WriteNetwork
from tests.infer.networks import ONE, Draft, picture, tiled, untiled

Draw = Callable[[st.SearchStrategy[Any]], Any]
"""Draws a value, as of `st.data`."""

Kind = Callable[[Draw, Draft], str]
"""Adds a node with drawn settings that reads `image`."""

CHANNELS = 8
"""ONNX Runtime has its own layout for channels in eights."""


def pair(draw: Draw, low: int, high: int) -> list[int]:
    return [draw(st.integers(low, high)) for _ in range(2)]


def padding(draw: Draw, most: int) -> dict[str, object]:
    auto = draw(st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    return {"auto_pad": auto} if auto != "NOTSET" else {"pads": pair(draw, 0, most) + pair(draw, 0, most)}


def conv(draw: Draw, draft: Draft) -> str:
    return convolved(draw, draft, 1, draw(st.sampled_from([3, 5, 8, 16])))


def each_by_itself(draw: Draw, draft: Draft) -> str:
    return convolved(draw, draft, CHANNELS, CHANNELS)


def grouped(draw: Draw, draft: Draft) -> str:
    return convolved(draw, draft, *draw(st.sampled_from([(2, 6), (2, 16), (4, 8)])))


def convolved(draw: Draw, draft: Draft, group: int, after: int) -> str:
    kernel, more = pair(draw, 1, 4), padding(draw, 4)
    dilations = [1, 1] if "auto_pad" in more else pair(draw, 1, 3)
    bias = [draft.weight(after)] if draw(st.booleans()) else []
    weight = draft.weight(after, CHANNELS // group, *kernel)
    return draft.node(
        "Conv", "image", weight, *bias, strides=pair(draw, 1, 3), dilations=dilations, group=group, **more
    )


def transposed(draw: Draw, draft: Draft) -> str:
    group, after = draw(st.sampled_from([(1, 5), (1, 8), (2, 4), (CHANNELS, 1)]))
    strides = pair(draw, 1, 3)
    added = [draw(st.integers(0, stride - 1)) for stride in strides]
    kernel, dilations, pads = pair(draw, 1, 5), pair(draw, 1, 2), pair(draw, 0, 2) + pair(draw, 0, 2)
    weight, bias = draft.weight(CHANNELS, after, *kernel), draft.weight(after * group)
    return draft.node(
        "ConvTranspose",
        "image",
        weight,
        bias,
        strides=strides,
        dilations=dilations,
        pads=pads,
        output_padding=added,
        group=group,
    )


def largest(draw: Draw, draft: Draft) -> str:
    return pooled(draw, draft, "MaxPool")


def average(draw: Draw, draft: Draft) -> str:
    return pooled(draw, draft, draw(st.sampled_from(["AveragePool", "LpPool"])))


def pooled(draw: Draw, draft: Draft, kind: str) -> str:
    kernel, strides = pair(draw, 1, 4), pair(draw, 1, 3)
    more = padding(draw, min(kernel) - 1)
    if kind == "AveragePool":
        more["count_include_pad"] = draw(st.integers(0, 1))
    if kind == "LpPool":
        more["p"] = draw(st.integers(1, 3))
        strides = [min(strides[0], kernel[0]), min(strides[1], kernel[1])]  # else ONNX Runtime shifts SAME otherwise
    elif "pads" in more:
        more["ceil_mode"] = draw(st.integers(0, 1))
    if kind == "MaxPool" and "pads" in more:
        more["dilations"] = pair(draw, 1, 2)
    return draft.node(kind, "image", kernel_shape=kernel, strides=strides, **more)


def pad(draw: Draw, draft: Draft) -> str:
    mode = draw(st.sampled_from(["reflect", "edge", "constant", "wrap"]))
    pads = [0, 0, *pair(draw, 0, 5), 0, 0, *pair(draw, 0, 5)]
    return draft.node("Pad", "image", draft.constant(pads), mode=mode)


def crop(draw: Draw, draft: Draft) -> str:
    pads = [0, 0, *pair(draw, -2, 1), 0, 0, *pair(draw, -2, 1)]
    return draft.node("Pad", "image", draft.constant(pads), mode=draw(st.sampled_from(["reflect", "edge"])))


def slice_(draw: Draw, draft: Draft) -> str:
    axes = draw(st.lists(st.sampled_from([1, 2, 3, -1, -2]), min_size=1, max_size=3, unique_by=lambda axis: axis % 4))
    starts = [draw(st.integers(-6, 4)) for _ in axes]
    ends = [draw(st.sampled_from([-1, -2, 7, 2**62])) for _ in axes]
    steps = [draw(st.integers(1, 3)) for _ in axes]
    for place in range(len(axes)):
        if draw(st.integers(0, 4)) == 0:
            starts[place], ends[place], steps[place] = -1, -(2**62), -steps[place]
    return draft.node("Slice", "image", *map(draft.constant, (starts, ends, axes, steps)))


def gather(draw: Draw, draft: Draft) -> str:
    axis = draw(st.integers(1, 3))
    index = draw(st.lists(st.integers(-1, 6 if axis == 1 else 0), min_size=1, max_size=12))
    return draft.node("Gather", "image", draft.constant(index), axis=axis)


def split(draw: Draw, draft: Draft) -> str:
    first, last = draft.nodes(
        "Split", "image", draft.constant([3, CHANNELS - 3]), axis=draw(st.sampled_from([1, -3])), count=2
    )
    return draft.node("Concat", last, "image", first, last, axis=1)


def resize(mode: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        modes = ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]
        more = {"mode": mode, "coordinate_transformation_mode": draw(st.sampled_from(modes))}
        if mode == "nearest":
            more["nearest_mode"] = draw(st.sampled_from(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]))
        if draw(st.booleans()):
            size = draft.constant([1, CHANNELS, *pair(draw, 1, 60)])
            return draft.node("Resize", "image", "", "", size, **more)
        scales = [draw(st.sampled_from([0.5, 0.3, 0.71, 1.0, 1.37, 2.0, 2.6, 3.0, 4.0])) for _ in range(2)]
        return draft.node("Resize", "image", "", draft.numbers(1, 1, *scales), **more)

    return write


def into_space(draw: Draw, draft: Draft) -> str:
    return draft.node("DepthToSpace", "image", blocksize=2, mode=draw(st.sampled_from(["DCR", "CRD"])))


def into_channels(draw: Draw, draft: Draft) -> str:
    even = draft.node("Resize", "image", "", draft.numbers(1, 1, 6, 6), mode="nearest")
    return draft.node("SpaceToDepth", even, blocksize=draw(st.sampled_from([2, 3])))


def fill(draw: Draw, draft: Draft) -> str:
    value = helper.make_tensor("value", 1, [1], [draw(st.sampled_from([0.0, 0.3]))])
    x = draft.conv("image", CHANNELS, 16)
    filled = draft.node("ConstantOfShape", draft.node("Shape", x), value=value)
    if draw(st.booleans()):
        filled = draft.node("Expand", draft.constant(np.full((1, 1, 1, 1), 0.7, np.float32)), draft.size_of(x, 16))
    if draw(st.booleans()):
        return draft.node("Mul", x, filled)
    return draft.conv(draft.node("Concat", x, filled, axis=1), 32, 16)


def one_input(draw: Draw, draft: Draft) -> str:
    kinds = ["Abs", "Ceil", "Erf", "Exp", "Floor", "HardSigmoid", "HardSwish", "LeakyRelu", "Neg", "Relu", "Round"]
    kinds += ["Sigmoid", "Sign", "Softsign", "Tanh", "ThresholdedRelu"]
    return draft.node(draw(st.sampled_from(kinds)), draft.conv("image", CHANNELS, 5))


def curved(draw: Draw, draft: Draft) -> str:
    kinds = ["Celu", "Cos", "Elu", "Mish", "Selu", "Sin", "Softplus"]
    return draft.node(draw(st.sampled_from(kinds)), draft.conv("image", CHANNELS, 5))


def two_inputs(draw: Draw, draft: Draft) -> str:
    kind = draw(st.sampled_from(["Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Mean", "Sum"]))
    shape = draw(st.sampled_from([(), (1,), (1, 1), (CHANNELS, 1, 1), (1, CHANNELS, 1, 1), None]))
    x = draft.node("Abs", "image")
    other = draft.conv("image", CHANNELS, CHANNELS) if shape is None else draft.weight(*shape)
    given = [x, other]
    return draft.node(kind, *(given[::-1] if draw(st.booleans()) and kind != "Pow" else given))


def along_channels(draw: Draw, draft: Draft) -> str:
    kind = draw(st.sampled_from(["Softmax", "LogSoftmax", "LpNormalization", "ReduceMean", "PRelu", "BatchNorm"]))
    if kind == "ReduceMean":
        return draft.reduced(kind, "image", [1])
    if kind == "PRelu":
        return draft.node(kind, "image", draft.weight(CHANNELS, 1, 1))
    if kind == "BatchNorm":
        positive = draft.constant(np.linspace(0.5, 2, CHANNELS, dtype=np.float32))
        return draft.node(
            "BatchNormalization", "image", positive, draft.weight(CHANNELS), draft.weight(CHANNELS), positive
        )
    return draft.node(kind, "image", axis=1)


EXACT: dict[str, Kind] = {
    "conv": conv,
    "each-by-itself": each_by_itself,
    "largest": largest,
    "pad": pad,
    "crop": crop,
    "slice": slice_,
    "gather": gather,
    "split": split,
    "nearest": resize("nearest"),
    "into-space": into_space,
    "into-channels": into_channels,
    "fill": fill,
    "one-input": one_input,
    "two-inputs": two_inputs,
    "along-channels": along_channels,
}
ROUNDED: dict[str, Kind] = {"grouped": grouped, "transposed": transposed, "average": average, "curved": curved}
"""ONNX Runtime itself rounds otherwise: sums for one pixel alone, curves at the end of an array."""

SIDES = st.integers(1, 34)
TILES = st.sampled_from([3, 4, 7, 8, 16])


def both(folder: Path, draft: Draft, x: str, size: Size, tile: int) -> tuple[Array, Array]:
    """Return the picture in tiles and whole; nothing of both where ONNX Runtime or the engine refuses the settings."""
    path, shown, nothing = draft.saved(folder / "node.onnx", x), picture(size, CHANNELS), np.empty(0, np.float32)
    try:
        whole = untiled(path, shown)["transmission"]
    except NetworkError:
        return nothing, nothing
    if whole.size == 0 or is_left_out(path, size):
        return nothing, nothing
    return tiled(path, shown, tile)["transmission"], whole


@pytest.mark.parametrize("kind", list(EXACT))
@settings(deadline=None, max_examples=12, derandomize=True)
@given(data=st.data(), height=SIDES, width=SIDES, tile=TILES)
def test_tiles_of_any_node_are_its_whole_picture_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject, height: int, width: int, tile: int
) -> None:
    assume(kind != "fill" or height * width > 1)
    draft = Draft(CHANNELS)
    x = EXACT[kind](data.draw, draft)
    found, whole = both(tmp_path_factory.getbasetemp(), draft, x, Size(height, width), tile)
    np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize("kind", list(ROUNDED))
@settings(deadline=None, max_examples=12, derandomize=True)
@given(data=st.data(), height=SIDES, width=SIDES, tile=TILES)
def test_tiles_of_nodes_that_round_by_their_size_are_the_whole_picture_within_rounding(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject, height: int, width: int, tile: int
) -> None:
    draft = Draft(CHANNELS)
    x = ROUNDED[kind](data.draw, draft)
    found, whole = both(tmp_path_factory.getbasetemp(), draft, x, Size(height, width), tile)
    np.testing.assert_allclose(found, whole, rtol=1e-6, atol=2e-6)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(data=st.data(), height=SIDES, width=SIDES, tile=TILES)
def test_tiles_of_linear_resizing_are_its_whole_picture(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, height: int, width: int, tile: int
) -> None:
    draft = Draft(CHANNELS)
    x = resize("linear")(data.draw, draft)
    found, whole = both(tmp_path_factory.getbasetemp(), draft, x, Size(height, width), tile)
    np.testing.assert_allclose(found, whole, atol=1e-5)


@pytest.mark.parametrize("size", [Size(1, 300), Size(211, 1), Size(2, 150)], ids=str)
@pytest.mark.parametrize("pads", [[9, 9, 9, 9], [0, 18, 18, 0]], ids=["even", "uneven"])
def test_tiles_of_pictures_thinner_than_the_halo_are_the_whole_picture(
    size: Size, pads: list[int], tmp_path: Path
) -> None:
    draft = Draft(CHANNELS)
    x = draft.node("Relu", draft.conv("image", CHANNELS, 16, 7, dilations=[3, 3], pads=pads))
    x = draft.conv(x, 16, 16, 7, dilations=[3, 3], pads=pads[::-1])
    found, whole = both(tmp_path, draft, x, size, 64)
    assert found.shape == (1, 16, size.height, size.width)
    np.testing.assert_array_equal(found, whole)


def test_transposed_convolutions_with_gaps_between_their_windows_go_in_tiles(tmp_path: Path) -> None:
    """Outputs between the windows are reached by no input; those before the first one read are zero as well."""
    draft = Draft(CHANNELS)
    x = draft.node("ConvTranspose", "image", draft.weight(CHANNELS, 5, 1, 2), strides=[2, 3], pads=[1, 1, 0, 0])
    for tile in (3, 4, 16):
        found, whole = both(tmp_path, draft, x, Size(13, 22), tile)
        np.testing.assert_allclose(found, whole, rtol=1e-6, atol=2e-6)


def test_dilated_pooling_whose_last_window_leaves_the_picture_too_far_is_named(tmp_path: Path) -> None:
    draft = Draft(CHANNELS)
    x = draft.node("MaxPool", "image", kernel_shape=[2, 2], dilations=[3, 3], strides=[4, 4], ceil_mode=1)
    (left_out,) = graph_of(read_model(draft.saved(tmp_path / "network.onnx", x)), Size(14, 22)).not_tileable
    assert left_out.op == "MaxPool"
    found, whole = both(tmp_path, draft, x, Size(16, 24), 8)
    assert found.shape == (1, CHANNELS, 4, 6)
    np.testing.assert_array_equal(found, whole)


def test_a_filled_map_of_one_pixel_can_be_put_beside_another(tmp_path: Path) -> None:
    draft = Draft(CHANNELS)
    filled = draft.node("ConstantOfShape", draft.node("Shape", "image"))
    path = draft.saved(tmp_path / "network.onnx", draft.node("Concat", "image", filled, axis=1))
    assert graph_of(read_model(path), Size(1, 2)).not_tileable == ()
    assert graph_of(read_model(path), Size(1, 1)).not_tileable == ()


def test_a_network_that_changes_nothing_answers_the_picture(tmp_path: Path, write_network: WriteNetwork) -> None:
    path = write_network([helper.make_node("Identity", ["image"], ["transmission"])])
    shown = np.moveaxis(picture(Size(11, 17))[0], 0, -1)
    np.testing.assert_array_equal(InferenceEngine(path, ONE)(shown)["transmission"], shown)


def test_inputs_of_transposed_convolutions_one_pixel_beside_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checks above can fail: here the halo lacks the first input, and the convolution takes the others' places."""
    draft, shift = Draft(CHANNELS), Window.spread

    def late(self: Window, span: Span) -> Span:
        right = shift(self, span)
        return Span(right.start + 1, right.stop) if right.start > 0 and right.length > 1 else right

    x = draft.node("ConvTranspose", "image", draft.weight(CHANNELS, 5, 5, 5), strides=[2, 2], pads=[1, 1, 1, 1])
    monkeypatch.setattr(Window, "spread", late)
    try:
        found, whole = both(tmp_path, draft, x, Size(30, 37), 16)
    except NetworkError:
        return  # ONNX Runtime refuses the shapes that come of it
    assert np.abs(found - whole).max() > 1e-2


def test_weights_of_linear_resizing_counted_from_each_tile_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, right = Draft(CHANNELS), Axis.matrix

    def from_its_own_start(self: Axis, out: Span, need: Span) -> Array:
        return right(self, Span(0, out.length), Span(0, need.length))

    more = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    x = draft.node("Resize", "image", "", draft.numbers(1, 1, 1.7, 2.3), **more)
    monkeypatch.setattr(Axis, "matrix", from_its_own_start)
    found, whole = both(tmp_path, draft, x, Size(30, 37), 16)
    assert np.abs(found - whole).max() > 1e-2


def is_left_out(path: Path, size: Size) -> bool:
    """Whether the settings are among those that the engine says it cannot compute in parts, and is right not to."""
    right = ("counts padding, but not", "smaller than its window", "by more than ONNX Runtime pads")
    return any(why in one.why for one in graph_of(read_model(path), size).not_tileable for why in right)

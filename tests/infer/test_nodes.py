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

from orchestrator.infer.engine import Engine
from orchestrator.infer.load import NetworkError, read_model
from orchestrator.infer.node import Array
from orchestrator.infer.operations import graph_of
from orchestrator.infer.region import Size, Span
from orchestrator.infer.resampling import Axis
from orchestrator.infer.windows import Window
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


def conv(draw: Draw, of: Draft) -> str:
    return convolved(draw, of, 1, draw(st.sampled_from([3, 5, 8, 16])))


def each_by_itself(draw: Draw, of: Draft) -> str:
    return convolved(draw, of, CHANNELS, CHANNELS)


def grouped(draw: Draw, of: Draft) -> str:
    return convolved(draw, of, *draw(st.sampled_from([(2, 6), (2, 16), (4, 8)])))


def convolved(draw: Draw, of: Draft, group: int, after: int) -> str:
    kernel, more = pair(draw, 1, 4), padding(draw, 4)
    dilations = [1, 1] if "auto_pad" in more else pair(draw, 1, 3)
    bias = [of.weight(after)] if draw(st.booleans()) else []
    weight = of.weight(after, CHANNELS // group, *kernel)
    return of.node("Conv", "image", weight, *bias, strides=pair(draw, 1, 3), dilations=dilations, group=group, **more)


def transposed(draw: Draw, of: Draft) -> str:
    group, after = draw(st.sampled_from([(1, 5), (1, 8), (2, 4), (CHANNELS, 1)]))
    strides = pair(draw, 1, 3)
    added = [draw(st.integers(0, stride - 1)) for stride in strides]
    kernel, dilations, pads = pair(draw, 1, 5), pair(draw, 1, 2), pair(draw, 0, 2) + pair(draw, 0, 2)
    weight, bias = of.weight(CHANNELS, after, *kernel), of.weight(after * group)
    return of.node(
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


def largest(draw: Draw, of: Draft) -> str:
    return pooled(draw, of, "MaxPool")


def average(draw: Draw, of: Draft) -> str:
    return pooled(draw, of, draw(st.sampled_from(["AveragePool", "LpPool"])))


def pooled(draw: Draw, of: Draft, kind: str) -> str:
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
    return of.node(kind, "image", kernel_shape=kernel, strides=strides, **more)


def pad(draw: Draw, of: Draft) -> str:
    mode = draw(st.sampled_from(["reflect", "edge", "constant", "wrap"]))
    pads = [0, 0, *pair(draw, 0, 5), 0, 0, *pair(draw, 0, 5)]
    return of.node("Pad", "image", of.constant(pads), mode=mode)


def crop(draw: Draw, of: Draft) -> str:
    pads = [0, 0, *pair(draw, -2, 1), 0, 0, *pair(draw, -2, 1)]
    return of.node("Pad", "image", of.constant(pads), mode=draw(st.sampled_from(["reflect", "edge"])))


def slice_(draw: Draw, of: Draft) -> str:
    axes = draw(st.lists(st.sampled_from([1, 2, 3, -1, -2]), min_size=1, max_size=3, unique_by=lambda axis: axis % 4))
    starts = [draw(st.integers(-6, 4)) for _ in axes]
    ends = [draw(st.sampled_from([-1, -2, 7, 2**62])) for _ in axes]
    steps = [draw(st.integers(1, 3)) for _ in axes]
    for place in range(len(axes)):
        if draw(st.integers(0, 4)) == 0:
            starts[place], ends[place], steps[place] = -1, -(2**62), -steps[place]
    return of.node("Slice", "image", *map(of.constant, (starts, ends, axes, steps)))


def gather(draw: Draw, of: Draft) -> str:
    axis = draw(st.integers(1, 3))
    index = draw(st.lists(st.integers(-1, 6 if axis == 1 else 0), min_size=1, max_size=12))
    return of.node("Gather", "image", of.constant(index), axis=axis)


def split(draw: Draw, of: Draft) -> str:
    first, last = of.nodes(
        "Split", "image", of.constant([3, CHANNELS - 3]), axis=draw(st.sampled_from([1, -3])), count=2
    )
    return of.node("Concat", last, "image", first, last, axis=1)


def resize(mode: str) -> Kind:
    def write(draw: Draw, of: Draft) -> str:
        modes = ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]
        more = {"mode": mode, "coordinate_transformation_mode": draw(st.sampled_from(modes))}
        if mode == "nearest":
            more["nearest_mode"] = draw(st.sampled_from(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]))
        if draw(st.booleans()):
            size = of.constant([1, CHANNELS, *pair(draw, 1, 60)])
            return of.node("Resize", "image", "", "", size, **more)
        scales = [draw(st.sampled_from([0.5, 0.3, 0.71, 1.0, 1.37, 2.0, 2.6, 3.0, 4.0])) for _ in range(2)]
        return of.node("Resize", "image", "", of.numbers(1, 1, *scales), **more)

    return write


def into_space(draw: Draw, of: Draft) -> str:
    return of.node("DepthToSpace", "image", blocksize=2, mode=draw(st.sampled_from(["DCR", "CRD"])))


def into_channels(draw: Draw, of: Draft) -> str:
    even = of.node("Resize", "image", "", of.numbers(1, 1, 6, 6), mode="nearest")
    return of.node("SpaceToDepth", even, blocksize=draw(st.sampled_from([2, 3])))


def fill(draw: Draw, of: Draft) -> str:
    value = helper.make_tensor("value", 1, [1], [draw(st.sampled_from([0.0, 0.3]))])
    x = of.conv("image", CHANNELS, 16)
    filled = of.node("ConstantOfShape", of.node("Shape", x), value=value)
    if draw(st.booleans()):
        filled = of.node("Expand", of.constant(np.full((1, 1, 1, 1), 0.7, np.float32)), of.size_of(x, 16))
    if draw(st.booleans()):
        return of.node("Mul", x, filled)
    return of.conv(of.node("Concat", x, filled, axis=1), 32, 16)


def one_input(draw: Draw, of: Draft) -> str:
    kinds = ["Abs", "Ceil", "Erf", "Exp", "Floor", "HardSigmoid", "HardSwish", "LeakyRelu", "Neg", "Relu", "Round"]
    kinds += ["Sigmoid", "Sign", "Softsign", "Tanh", "ThresholdedRelu"]
    return of.node(draw(st.sampled_from(kinds)), of.conv("image", CHANNELS, 5))


def curved(draw: Draw, of: Draft) -> str:
    kinds = ["Celu", "Cos", "Elu", "Mish", "Selu", "Sin", "Softplus"]
    return of.node(draw(st.sampled_from(kinds)), of.conv("image", CHANNELS, 5))


def two_inputs(draw: Draw, of: Draft) -> str:
    kind = draw(st.sampled_from(["Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Mean", "Sum"]))
    shape = draw(st.sampled_from([(), (1,), (1, 1), (CHANNELS, 1, 1), (1, CHANNELS, 1, 1), None]))
    x = of.node("Abs", "image")
    other = of.conv("image", CHANNELS, CHANNELS) if shape is None else of.weight(*shape)
    given = [x, other]
    return of.node(kind, *(given[::-1] if draw(st.booleans()) and kind != "Pow" else given))


def along_channels(draw: Draw, of: Draft) -> str:
    kind = draw(st.sampled_from(["Softmax", "LogSoftmax", "LpNormalization", "ReduceMean", "PRelu", "BatchNorm"]))
    if kind == "ReduceMean":
        return of.reduced(kind, "image", [1])
    if kind == "PRelu":
        return of.node(kind, "image", of.weight(CHANNELS, 1, 1))
    if kind == "BatchNorm":
        positive = of.constant(np.linspace(0.5, 2, CHANNELS, dtype=np.float32))
        return of.node("BatchNormalization", "image", positive, of.weight(CHANNELS), of.weight(CHANNELS), positive)
    return of.node(kind, "image", axis=1)


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


def both(folder: Path, of: Draft, x: str, size: Size, tile: int) -> tuple[Array, Array]:
    """Return the picture in tiles and whole; nothing of both where ONNX Runtime or the engine refuses the settings."""
    path, shown, nothing = of.saved(folder / "node.onnx", x), picture(size, CHANNELS), np.empty(0, np.float32)
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
    of = Draft(CHANNELS)
    x = EXACT[kind](data.draw, of)
    found, whole = both(tmp_path_factory.getbasetemp(), of, x, Size(height, width), tile)
    np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize("kind", list(ROUNDED))
@settings(deadline=None, max_examples=12, derandomize=True)
@given(data=st.data(), height=SIDES, width=SIDES, tile=TILES)
def test_tiles_of_nodes_that_round_by_their_size_are_the_whole_picture_within_rounding(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject, height: int, width: int, tile: int
) -> None:
    of = Draft(CHANNELS)
    x = ROUNDED[kind](data.draw, of)
    found, whole = both(tmp_path_factory.getbasetemp(), of, x, Size(height, width), tile)
    np.testing.assert_allclose(found, whole, rtol=1e-6, atol=2e-6)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(data=st.data(), height=SIDES, width=SIDES, tile=TILES)
def test_tiles_of_linear_resizing_are_its_whole_picture(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, height: int, width: int, tile: int
) -> None:
    of = Draft(CHANNELS)
    x = resize("linear")(data.draw, of)
    found, whole = both(tmp_path_factory.getbasetemp(), of, x, Size(height, width), tile)
    np.testing.assert_allclose(found, whole, atol=1e-5)


@pytest.mark.parametrize("size", [Size(1, 300), Size(211, 1), Size(2, 150)], ids=str)
@pytest.mark.parametrize("pads", [[9, 9, 9, 9], [0, 18, 18, 0]], ids=["even", "uneven"])
def test_tiles_of_pictures_thinner_than_the_halo_are_the_whole_picture(
    size: Size, pads: list[int], tmp_path: Path
) -> None:
    of = Draft(CHANNELS)
    x = of.node("Relu", of.conv("image", CHANNELS, 16, 7, dilations=[3, 3], pads=pads))
    x = of.conv(x, 16, 16, 7, dilations=[3, 3], pads=pads[::-1])
    found, whole = both(tmp_path, of, x, size, 64)
    assert found.shape == (1, 16, size.height, size.width)
    np.testing.assert_array_equal(found, whole)


def test_transposed_convolutions_with_gaps_between_their_windows_go_in_tiles(tmp_path: Path) -> None:
    """Outputs between the windows are reached by no input; those before the first one read are zero as well."""
    of = Draft(CHANNELS)
    x = of.node("ConvTranspose", "image", of.weight(CHANNELS, 5, 1, 2), strides=[2, 3], pads=[1, 1, 0, 0])
    for tile in (3, 4, 16):
        found, whole = both(tmp_path, of, x, Size(13, 22), tile)
        np.testing.assert_allclose(found, whole, rtol=1e-6, atol=2e-6)


def test_dilated_pooling_whose_last_window_leaves_the_picture_too_far_is_named(tmp_path: Path) -> None:
    of = Draft(CHANNELS)
    x = of.node("MaxPool", "image", kernel_shape=[2, 2], dilations=[3, 3], strides=[4, 4], ceil_mode=1)
    (left_out,) = graph_of(read_model(of.saved(tmp_path / "network.onnx", x)), Size(14, 22)).unplaced
    assert left_out.op == "MaxPool"
    found, whole = both(tmp_path, of, x, Size(16, 24), 8)
    assert found.shape == (1, CHANNELS, 4, 6)
    np.testing.assert_array_equal(found, whole)


def test_a_filled_map_of_one_pixel_can_be_put_beside_another(tmp_path: Path) -> None:
    of = Draft(CHANNELS)
    filled = of.node("ConstantOfShape", of.node("Shape", "image"))
    path = of.saved(tmp_path / "network.onnx", of.node("Concat", "image", filled, axis=1))
    assert graph_of(read_model(path), Size(1, 2)).unplaced == ()
    assert graph_of(read_model(path), Size(1, 1)).unplaced == ()


def test_a_network_that_changes_nothing_answers_the_picture(tmp_path: Path, write_network: WriteNetwork) -> None:
    path = write_network([helper.make_node("Identity", ["image"], ["transmission"])])
    shown = np.moveaxis(picture(Size(11, 17))[0], 0, -1)
    np.testing.assert_array_equal(Engine(path, ONE)(shown)["transmission"], shown)


def test_inputs_of_transposed_convolutions_one_pixel_beside_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checks above can fail: here the halo lacks the first input, and the convolution takes the others' places."""
    of, shift = Draft(CHANNELS), Window.spread

    def late(self: Window, span: Span) -> Span:
        right = shift(self, span)
        return Span(right.start + 1, right.stop) if right.start > 0 and right.length > 1 else right

    x = of.node("ConvTranspose", "image", of.weight(CHANNELS, 5, 5, 5), strides=[2, 2], pads=[1, 1, 1, 1])
    monkeypatch.setattr(Window, "spread", late)
    try:
        found, whole = both(tmp_path, of, x, Size(30, 37), 16)
    except NetworkError:
        return  # ONNX Runtime refuses the shapes that come of it
    assert np.abs(found - whole).max() > 1e-2


def test_weights_of_linear_resizing_counted_from_each_tile_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, right = Draft(CHANNELS), Axis.matrix

    def from_its_own_start(self: Axis, out: Span, need: Span) -> Array:
        return right(self, Span(0, out.length), Span(0, need.length))

    more = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    x = of.node("Resize", "image", "", of.numbers(1, 1, 1.7, 2.3), **more)
    monkeypatch.setattr(Axis, "matrix", from_its_own_start)
    found, whole = both(tmp_path, of, x, Size(30, 37), 16)
    assert np.abs(found - whole).max() > 1e-2


def is_left_out(path: Path, size: Size) -> bool:
    """Whether the settings are among those that the engine says it cannot compute in parts, and is right not to."""
    right = ("counts padding, but not", "smaller than its window", "by more than ONNX Runtime pads")
    return any(why in one.why for one in graph_of(read_model(path), size).unplaced for why in right)

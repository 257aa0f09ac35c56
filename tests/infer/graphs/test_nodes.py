"""What single nodes do at their borders: thin pictures, gaps, filled maps. Whatever is registered is in test_proof."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import helper

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.graphs.region import Size, Span
from orchestrator.infer.graphs.resampling import Axis
from orchestrator.infer.graphs.window_nodes import Window
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.loading.model_file import NetworkError, read_model
from orchestrator.infer.operations.table import graph_of
from tests.infer.conftest import WriteNetwork
from tests.infer.networks import ONE, Draft, picture, tiled, untiled
from tests.infer.proof.case import CHANNELS, Draw, is_left_out

SIDES = st.integers(1, 34)
TILES = st.sampled_from([3, 4, 7, 8, 16])


def filled(draw: Draw, draft: Draft) -> str:
    value = helper.make_tensor("value", 1, [1], [draw(st.sampled_from([0.0, 0.3]))])
    x = draft.conv("image", CHANNELS, 16)
    map_ = draft.node("ConstantOfShape", draft.node("Shape", x), value=value)
    if draw(st.booleans()):
        map_ = draft.node("Expand", draft.constant(np.full((1, 1, 1, 1), 0.7, np.float32)), draft.size_of(x, 16))
    if draw(st.booleans()):
        return draft.node("Mul", x, map_)
    return draft.conv(draft.node("Concat", x, map_, axis=1), 32, 16)


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


@settings(deadline=None, max_examples=12, derandomize=True)
@given(data=st.data(), height=SIDES, width=SIDES, tile=TILES)
def test_tiles_of_maps_filled_with_a_number_are_the_whole_picture_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, height: int, width: int, tile: int
) -> None:
    assume(height * width > 1)
    draft = Draft(CHANNELS)
    x = filled(data.draw, draft)
    found, whole = both(tmp_path_factory.getbasetemp(), draft, x, Size(height, width), tile)
    np.testing.assert_array_equal(found, whole)


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

"""A picture through a network, whole and in tiles; networks are plain functions here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.infer.modes import APPROXIMATE, EXACT, Settings, infer
from tests.infer.conftest import picture

TILES = Settings("tiles", 64, 16)


def pointwise(part: np.ndarray) -> Mapping[str, np.ndarray]:
    return {"transmission": 1 - part, "reflection": part[..., ::-1]}


def minus_mean(part: np.ndarray) -> Mapping[str, np.ndarray]:
    return {"transmission": part - part.mean(axis=(0, 1))}


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.integers(1, 190), st.integers(1, 190), st.sampled_from([0, 2, 30, 62]))
def test_pointwise_network_answers_the_same_in_tiles(height: int, width: int, overlap: int) -> None:
    shown = np.rint(picture(height, width) * 255).astype(np.float32) / np.float32(255)
    tiled = infer(pointwise, shown, Settings("tiles", 64, overlap))
    whole = infer(pointwise, shown, Settings())
    assert set(tiled.outputs) == {"transmission", "reflection"}
    for name, values in whole.outputs.items():
        assert tiled.outputs[name].dtype == np.float32
        np.testing.assert_allclose(tiled.outputs[name], values, atol=1e-5)
        assert np.array_equal(np.rint(tiled.outputs[name] * 255), np.rint(values * 255))


def test_whole_picture_is_exact() -> None:
    answer = infer(minus_mean, picture(100, 130), Settings())
    assert answer.label == EXACT
    assert abs(float(answer.outputs["transmission"].mean())) < 1e-4


def test_picture_that_fits_one_tile_is_exact() -> None:
    answer = infer(minus_mean, picture(64, 50), TILES)
    assert answer.label == EXACT
    assert np.array_equal(answer.outputs["transmission"], minus_mean(picture(64, 50))["transmission"])


def test_network_that_sees_all_answers_otherwise_in_tiles_and_the_label_says_so() -> None:
    shown = picture(100, 130)
    answer = infer(minus_mean, shown, TILES)
    assert answer.label == APPROXIMATE
    assert np.abs(answer.outputs["transmission"] - minus_mean(shown)["transmission"]).max() > 0.05


def test_every_tile_but_smaller_pictures_has_the_same_shape() -> None:
    shapes = set()

    def note(part: np.ndarray) -> Mapping[str, np.ndarray]:
        shapes.add(part.shape)
        return pointwise(part)

    infer(note, picture(101, 203), TILES)
    assert shapes == {(64, 64, 3)}


def test_tiles_are_told_as_they_end_and_can_be_stopped() -> None:
    heard: list[tuple[int, int]] = []
    infer(pointwise, picture(64, 150), TILES, lambda done, count: heard.append((done, count)))
    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]

    def stop(done: int, _count: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        infer(pointwise, picture(64, 150), TILES, stop)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"mode": "halves"}, "no mode 'halves'", id="unknown mode"),
        pytest.param({"mode": "tiles", "tile": 64, "overlap": 64}, "overlap of 64 pixels", id="overlap too large"),
        pytest.param({"mode": "tiles", "tile": "64", "overlap": 0}, "'64'", id="text for pixels"),
        pytest.param({"mode": "tiles", "side": 64}, "no setting side", id="unknown setting"),
    ],
)
def test_settings_that_cannot_be_are_refused(values: Mapping[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Settings.from_values(values)


def test_settings_of_a_whole_picture_need_no_tile() -> None:
    assert Settings.from_values({"mode": "whole"}) == Settings("whole")

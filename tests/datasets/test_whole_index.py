"""The index answers what comparing all windows with all pictures, lying in all ways, answers."""

import numpy as np
import pytest

from orchestrator.datasets.turns import TURNS
from orchestrator.datasets.whole_index import WholeIndex

WINDOWS, PICTURES = 300, 1100
"""More than a block of each."""


@pytest.fixture(scope="module")
def descriptions():
    """Windows, and pictures of three shapes, most of which show one of the windows more or less, lying in some way."""
    rng = np.random.default_rng(4)
    windows = unit(rng.standard_normal((WINDOWS, 63)))
    shown = windows[rng.integers(0, WINDOWS, PICTURES)]
    turned = np.concatenate([TURNS[rng.integers(8)].descriptions(one[None]) for one in shown])
    pictures = unit(turned + rng.uniform(0.5, 1.5, (PICTURES, 1)) * unit(rng.standard_normal((PICTURES, 63))))
    return windows, pictures, rng.choice((-2, 0, 2), PICTURES)


def unit(values):
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("least", [0.55, 0.7])
def test_every_picture_that_a_window_shows_is_answered_with_window_and_turn(descriptions, least):
    windows, pictures, shapes = descriptions
    index = WholeIndex(pictures, shapes.tolist())
    assert set(index.shapes) == {-2, 0, 2}
    for shape in index.shapes:
        found = {(one.picture, one.turn): (one.window, one.value) for one in index.shown(windows, shape, least)}
        expected = {}
        for turn in TURNS:
            products = windows @ turn.descriptions(pictures).T
            for number in np.flatnonzero(products.max(axis=0) >= least):
                if turn.shape(int(shapes[number])) == shape:
                    expected[number, turn] = int(products[:, number].argmax()), products[:, number].max()
        assert len(expected) > 50
        assert {key: window for key, (window, _) in found.items()} == {
            key: place for key, (place, _) in expected.items()
        }
        assert all(found[key][1] == pytest.approx(value, abs=1e-5) for key, (_, value) in expected.items())


def test_whole_pictures_are_alike_whatever_their_shape(descriptions):
    windows, pictures, shapes = descriptions
    index = WholeIndex(pictures, shapes.tolist())
    found = {(one.picture, one.turn) for one in index.alike(windows[0], 0.5)}
    products = {turn: turn.descriptions(pictures) @ windows[0] for turn in TURNS}
    assert found == {(number, turn) for turn in TURNS for number in np.flatnonzero(products[turn] >= 0.5)}
    assert found

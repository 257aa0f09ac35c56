"""The three ways of blending give the numbers of the authors' programs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from netkit.seeded import seeded_image
from netkit.synthesis import (
    SYNTHESES,
    Blend,
    ClippedDraws,
    LinearDraws,
    blend,
    blend_clipped,
    blend_linear,
    degenerate,
    draw_ibcln,
    draw_zhang,
    reflection_too_dark,
    vignette,
)

PARITY = Path(__file__).resolve().parents[1] / "parity"
DRAWS = json.loads((PARITY / "synthesis.json").read_text())


def blended(tag: str) -> Blend:
    draws = dict(DRAWS[tag])
    height, width = draws.pop("height"), draws.pop("width")
    transmission, reflection = (seeded_image(f"{tag}/{layer}", height, width) for layer in "tr")
    if tag.startswith("errnet"):
        transmission, reflection = (np.round(255 * layer) / np.float32(255) for layer in (transmission, reflection))
        return blend_clipped(transmission, reflection, ClippedDraws(draws["sigma"], draws["gamma"]))
    return blend_linear(transmission, reflection, LinearDraws(**draws))


@pytest.mark.parametrize("tag", DRAWS)
def test_blend_equals_the_reference(tag: str) -> None:
    found = blended(tag)
    with np.load(PARITY / "synthesis.npz") as reference:
        for layer in ("transmission", "reflection", "blended"):
            expected = reference[f"{tag}/{layer}"].astype(np.float64)
            error = np.linalg.norm(getattr(found, layer) - expected) / np.linalg.norm(expected)
            assert error <= 1e-5, (layer, error)


@pytest.mark.parametrize("synthesis", SYNTHESES)
@pytest.mark.parametrize(("height", "width"), [(40, 70), (31, 17), (600, 20)])
def test_blend_stays_in_range_at_every_size(synthesis: str, height: int, width: int) -> None:
    layers = [seeded_image(name, height, width) for name in "tr"]
    found = blend(synthesis, *layers, np.random.RandomState(3))
    for picture in (found.blended, found.transmission, found.reflection):
        assert picture.shape == (height, width, 3)
        assert picture.dtype == np.float32
        assert picture.min() >= 0
        assert picture.max() <= 1


@pytest.mark.parametrize("synthesis", SYNTHESES)
def test_blend_leaves_its_pictures_alone_and_repeats_itself(synthesis: str) -> None:
    layers = [seeded_image(name, 40, 50) for name in "tr"]
    before = [layer.copy() for layer in layers]
    first, second = (blend(synthesis, *layers, np.random.RandomState(9)) for _ in range(2))
    np.testing.assert_array_equal(first.blended, second.blended)
    for layer, copy in zip(layers, before, strict=True):
        np.testing.assert_array_equal(layer, copy)


def test_draws_of_ibcln_start_at_the_batch_size() -> None:
    rng = np.random.RandomState(0)
    sigmas = [draw_ibcln(rng, 100, 120, batch=2).sigma for _ in range(200)]
    assert 2 <= min(sigmas) < 2.2
    assert max(sigmas) <= 5


def test_draws_keep_the_picture_inside_the_mask() -> None:
    rng = np.random.RandomState(0)
    for _ in range(100):
        draws = draw_zhang(rng, 300, 549)
        assert 0 <= draws.mask_top <= 250
        assert draws.mask_left == 0


def test_vignette_is_brightest_in_the_middle_and_symmetric() -> None:
    mask = vignette(560)
    assert mask.max() == 1
    np.testing.assert_allclose(mask, mask[::-1, ::-1], rtol=1e-9)
    assert mask[0, 0] < mask[0, 280] < mask[280, 280]


def test_skipped_pairs() -> None:
    bright, grey, black = (np.full((4, 5, 3), value, np.float32) for value in (0.8, 0.3, 0.05))
    assert reflection_too_dark(bright, grey)
    assert not reflection_too_dark(grey, bright)
    assert degenerate(bright, black)
    assert degenerate(bright, bright, black)
    assert degenerate(black, bright, bright)
    assert not degenerate(bright, grey)

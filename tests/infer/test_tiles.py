"""Where tiles lie and what they weigh, for every size there can be."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestrator.infer.graphs.region import Region, Size, Span
from orchestrator.infer.tiles import ALIGNMENT, spans, tile_count, tiles

SIDES = st.integers(1, 700)
TILES = st.integers(2, 8).map(lambda count: count * ALIGNMENT)


@st.composite
def axes(draw: st.DrawFn) -> tuple[int, int, int]:
    """Draw the length of an axis, the side of a tile, and an overlap that fits it."""
    tile = draw(TILES)
    return draw(SIDES), tile, draw(st.integers(0, tile - 1))


@given(axes())
def test_spans_cover_the_axis_and_lie_inside_it(axis: tuple[int, int, int]) -> None:
    length, tile, overlap = axis
    covered = np.zeros(length, bool)
    for span in spans(length, tile, overlap):
        assert 0 <= span.start < span.stop <= length
        covered[span.slice] = True
    assert covered.all()


@given(axes())
def test_spans_have_one_length_and_overlap_enough(axis: tuple[int, int, int]) -> None:
    length, tile, overlap = axis
    found = spans(length, tile, overlap)
    assert {span.length for span in found} == {min(length, tile)}
    for one, following in pairwise(found):
        assert one.start < following.start
        assert one.stop - following.start >= overlap


@given(axes())
def test_spans_begin_on_the_networks_grid_where_the_overlap_leaves_room(axis: tuple[int, int, int]) -> None:
    length, tile, overlap = axis
    assume(tile - overlap >= ALIGNMENT and length > tile)
    assert {span.start % ALIGNMENT for span in spans(length, tile, overlap)[:-1]} == {0}


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from([64, 96]), st.integers(0, 63))
def test_weights_of_all_tiles_sum_to_one_at_every_pixel(height: int, width: int, tile: int, overlap: int) -> None:
    total = np.zeros((height, width))
    found = list(tiles(Size(height, width), tile, overlap))
    for one in found:
        assert one.weights.shape == (one.region.size.height, one.region.size.width)
        assert one.weights.min() > 0
        total[one.region.slices] += one.weights
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert len(found) == tile_count(Size(height, width), tile, overlap)


def test_tiles_go_row_by_row_and_the_last_is_moved_inwards() -> None:
    found = [one.region for one in tiles(Size(64, 130), 64, 0)]
    assert found == [Region(Span(0, 64), Span(start, start + 64)) for start in (0, 64, 66)]


def test_weights_rise_over_what_neighbours_share_alone() -> None:
    first, second = (one.weights[0] for one in tiles(Size(64, 96), 64, 32))
    assert np.array_equal(first[:32], np.ones(32, np.float32))
    assert np.all(np.diff(first[32:]) < 0)
    assert np.all(np.diff(second[:32]) > 0)
    np.testing.assert_allclose(first[32:] + second[:32], 1, atol=1e-6)


@pytest.mark.parametrize("overlap", [-2, 64, 100])
def test_overlap_that_leaves_no_step_is_refused(overlap: int) -> None:
    with pytest.raises(ValueError, match=f"overlap of {overlap} pixels does not fit tiles of 64"):
        spans(500, 64, overlap)

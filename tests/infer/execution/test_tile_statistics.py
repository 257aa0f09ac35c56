"""Numbers of the whole picture from its tiles: no tile's border is in them, and large means cost no digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.infer.execution.tile_statistics import Statistics
from orchestrator.infer.graphs.node import Array
from orchestrator.infer.graphs.region import Size
from tests.infer.networks import Draft, picture, tiled, untiled

KINDS = ("mean", "sum", "variance", "squares", "max", "min")


def row_statistics(part: Array) -> dict[str, Array]:
    """Return what a tile says of its rows, in single precision."""
    mean = part.mean(axis=3, keepdims=True)
    return {
        "mean": mean,
        "deviation": np.square(part - mean).sum(axis=3, keepdims=True),
        "squares": np.square(part).sum(axis=3, keepdims=True),
        "max": part.max(axis=3, keepdims=True),
        "min": part.min(axis=3, keepdims=True),
    }


def gathered(values: Array, rows: list[int], columns: list[int]) -> Statistics:
    """Return the statistics of a map cut into tiles at some rows and columns."""
    statistics = Statistics()
    for band in np.split(values, sorted({row for row in rows if 0 < row < values.shape[2]}), axis=2):
        for part in np.split(band, sorted({column for column in columns if 0 < column < values.shape[3]}), axis=3):
            statistics.add(row_statistics(part), part.shape[3])
    return statistics


def of_the_whole(values: Array, kind: str) -> Array:
    double = values.astype(np.float64)
    return {
        "mean": double.mean(axis=(0, 2, 3)),
        "sum": double.sum(axis=(0, 2, 3)),
        "variance": double.var(axis=(0, 2, 3)),
        "squares": np.square(double).sum(axis=(0, 2, 3)),
        "max": double.max(axis=(0, 2, 3)),
        "min": double.min(axis=(0, 2, 3)),
    }[kind]


CUTS = st.lists(st.integers(1, 40), max_size=4)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 40), CUTS, CUTS, st.sampled_from([-900, 0, 0.5, 3000]))
def test_numbers_of_tiles_of_any_shapes_are_those_of_the_map(
    height: int, width: int, rows: list[int], columns: list[int], offset: float
) -> None:
    values = picture(Size(height, width), 4) + np.float32(offset)
    statistics = gathered(values, rows, columns)
    for kind in KINDS:
        expected = of_the_whole(values, kind)
        found = statistics.result(kind)
        assert found.dtype == np.float32
        largest = float(np.abs(values).max())
        slack = 1e-6 * largest * (values[0, 0].size if kind == "sum" else 1)  # as rows' means in single precision
        np.testing.assert_allclose(found, expected, rtol=3e-5, atol=slack)


def test_variance_of_two_flat_halves_is_that_between_them(tmp_path: Path) -> None:
    """Left 0, right 1: each tile by itself has no variance, and the picture has a quarter."""
    draft = Draft()
    mean = draft.reduced("ReduceMean", "image", [0, 2, 3])
    apart = draft.node("Sub", "image", mean)
    variance = draft.reduced("ReduceMean", draft.node("Mul", apart, apart), [0, 2, 3])
    path = draft.saved(
        tmp_path / "network.onnx", draft.node("Add", draft.node("Mul", "image", draft.numbers(0)), variance)
    )
    shown = np.zeros((1, 3, 24, 64), np.float32)
    shown[..., 32:] = np.array([1, 2, 4], np.float32).reshape(1, 3, 1, 1)
    found = tiled(path, shown, 16)["transmission"]
    np.testing.assert_array_equal(-found, np.broadcast_to(np.array([0.25, 1, 4]).reshape(1, 3, 1, 1), shown.shape))


@pytest.mark.parametrize("offset", [0.0, 400.0], ids=["centred", "far-from-zero"])
@pytest.mark.parametrize("tile", [8, 16, 24])
def test_variance_of_an_uneven_number_of_tiles_is_that_of_the_picture(offset: float, tile: int, tmp_path: Path) -> None:
    """Border tiles are smaller than others and count for less."""
    draft = Draft()
    apart = draft.node("Sub", "image", draft.reduced("ReduceMean", "image"))
    variance = draft.reduced("ReduceMean", draft.node("Mul", apart, apart))
    path = draft.saved(
        tmp_path / "network.onnx", draft.node("Add", draft.node("Mul", "image", draft.numbers(0)), variance)
    )
    shown = picture(Size(59, 83)) + np.float32(offset)
    shown[:, :, :, 80:] += 5
    found = -tiled(path, shown, tile)["transmission"][0, :, 0, 0]
    np.testing.assert_allclose(found, of_the_whole(shown, "variance"), rtol=1e-5)


def test_extremes_in_the_last_row_and_column_are_not_missed(tmp_path: Path) -> None:
    draft = Draft()
    span = draft.node("Sub", draft.node("GlobalMaxPool", "image"), draft.reduced("ReduceMin", "image"))
    path = draft.saved(tmp_path / "network.onnx", draft.node("Mul", "image", span))
    shown = picture(Size(37, 53))
    shown[0, :, -1, 3], shown[0, :, 5, -1] = [20, 30, 40], [-20, -30, -40]
    np.testing.assert_array_equal(tiled(path, shown, 16)["transmission"], untiled(path, shown)["transmission"])

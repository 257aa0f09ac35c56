"""Intervals of means against closed forms, and levels at which several tests hold together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.metrics.statistics import SMALLEST, Interval, holm, holm_levels, mean_interval

SAMPLES = st.lists(st.floats(0, 60), min_size=SMALLEST, max_size=30).map(np.array)


def drawn(n: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).gamma(9, 2.5, n)


@pytest.mark.parametrize("n", [20, 99, 200])
def test_interval_is_near_that_of_the_normal_distribution(n: int) -> None:
    values = drawn(n)
    found = mean_interval(values)
    assert found is not None
    half = 1.96 * values.std(ddof=1) / math.sqrt(n)
    assert found.low == pytest.approx(values.mean() - half, abs=0.25 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.25 * half)


@pytest.mark.slow
def test_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    truth = 9 * 2.5
    found = [mean_interval(drawn(40, seed)) for seed in range(300)]
    hits = sum(interval is not None and interval.low <= truth <= interval.high for interval in found)
    assert 0.90 <= hits / 300 <= 0.98


@given(SAMPLES)
@settings(max_examples=25, deadline=None)
def test_interval_holds_the_mean_and_moves_with_the_values(values: np.ndarray) -> None:
    found, moved = mean_interval(values), mean_interval(values + 10)
    assert found is not None
    assert moved is not None
    assert found.low - 1e-9 <= values.mean() <= found.high + 1e-9
    assert moved.low == pytest.approx(found.low + 10, abs=1e-6)
    assert moved.high == pytest.approx(found.high + 10, abs=1e-6)


def test_interval_is_the_same_every_time() -> None:
    assert mean_interval(drawn(33)) == mean_interval(drawn(33))


def test_equal_values_have_an_interval_of_no_width_and_few_have_none() -> None:
    assert mean_interval(np.full(12, 21.5)) == Interval(21.5, 21.5)
    noise = 1e-17 * drawn(12)
    assert mean_interval(noise) == Interval(float(np.mean(noise)), float(np.mean(noise)))
    assert mean_interval(drawn(SMALLEST - 1)) is None
    assert mean_interval(np.array([])) is None


@pytest.mark.parametrize("values", [np.eye(5)[0] * 1e-9, np.r_[0, 0, 0, 1e-9, 2e-9, 0]], ids=["one", "two"])
def test_values_that_hardly_rise_above_noise_have_no_interval_that_is_no_number(values: np.ndarray) -> None:
    found = mean_interval(values)
    assert found is None or found.low <= values.mean() <= found.high


def test_holm_is_the_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.9, 0.5]) == (1.0, 1.0)
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni(p: list[float]) -> None:
    found = holm(p)
    for raw, corrected in zip(p, found, strict=True):
        assert raw <= corrected <= 1
    order = sorted(range(len(p)), key=lambda index: p[index])
    assert [found[index] for index in order] == sorted(found)
    assert found[order[0]] == min(1.0, p[order[0]] * len(p))


def test_holm_tests_the_smallest_at_the_strictest_level_and_stops() -> None:
    assert holm_levels([0.01, 0.04, 0.001], 0.05) == pytest.approx((0.025, 0.05, 0.05 / 3))
    assert holm_levels([0.03, 0.04, 0.001], 0.05) == pytest.approx((0.025, 0.025, 0.05 / 3))
    assert holm_levels([0.01, 0.01], 0.05) == (0.025, 0.025), "equal ones at one level"
    assert holm_levels([], 0.05) == ()


@given(st.lists(st.sampled_from([2.0**-n for n in range(1, 14)]), min_size=1, max_size=8))
def test_what_lies_below_its_level_is_what_the_corrected_p_rejects(p: list[float]) -> None:
    levels = holm_levels(p, 0.05)
    assert [raw < level for raw, level in zip(p, levels, strict=True)] == [found < 0.05 for found in holm(p)]
    assert all(0.05 / len(p) <= level <= 0.05 for level in levels)

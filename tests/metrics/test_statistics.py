"""Intervals and tests against closed forms, against each other, and against scipy's own."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from orchestrator.metrics.statistics import (
    MOST_EXACT,
    SIGN_DRAWS,
    SMALLEST,
    Interval,
    holm,
    mean_interval,
    signed_ranks,
)

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


def exact_p(differences: np.ndarray) -> float:
    """Return the two-sided p over all assignments of signs: the definition, for a few values. Zeros count for none."""
    doubled = np.rint(2 * stats.rankdata(np.abs(differences))).astype(int)[differences != 0]
    seen = abs(int(np.sum(np.sign(differences[differences != 0]) * doubled)))
    signs = np.array(list(itertools.product((1, -1), repeat=len(doubled))))
    return float(np.mean(np.abs(signs @ doubled) >= seen))


@pytest.mark.parametrize("n", [1, 4, 7, 10, 12])
def test_signed_ranks_give_the_exact_probability(n: int) -> None:
    differences = drawn(n) - 20
    assert signed_ranks(differences).p == pytest.approx(exact_p(differences), rel=1e-12)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=12).map(lambda drawn: np.array(drawn, np.float64)))
@settings(max_examples=60, deadline=None)
def test_signed_ranks_are_exact_with_ties_and_zeros(differences: np.ndarray) -> None:
    found = signed_ranks(differences)
    assert found.p == pytest.approx(exact_p(differences), rel=1e-12)
    assert (found.n, found.method) == (len(differences), "exact")


@pytest.mark.parametrize("n", [5, 50, 51, 150])
def test_signed_ranks_are_those_of_scipy_where_its_own_are_exact(n: int) -> None:
    differences = drawn(n) - 22
    found = signed_ranks(differences)
    assert found.p == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue, rel=1e-9)
    assert (found.n, found.positive, found.negative) == (n, (differences > 0).sum(), (differences < 0).sum())


@pytest.mark.slow
def test_signed_ranks_with_ties_are_those_of_scipys_permutations() -> None:
    differences = np.round(drawn(60) - 23, 0)
    every_sign = stats.PermutationMethod(n_resamples=20_000, rng=np.random.default_rng(1))
    assert 0.05 < signed_ranks(differences).p < 0.9
    assert signed_ranks(differences).p == pytest.approx(
        stats.wilcoxon(differences, zero_method="pratt", method=every_sign).pvalue, abs=0.02
    )


def test_p_of_pictures_that_agree_halves_with_every_picture() -> None:
    """It grew 290,000 times from 50 to 51, where scipy takes the normal distribution."""
    for n in range(1, 130):
        assert signed_ranks(np.arange(1.0, n + 1)).p == pytest.approx(2.0 ** (1 - n), rel=1e-12)


@pytest.mark.parametrize("n", [14, 40, 50, 51, 90])
def test_one_tie_or_one_zero_moves_p_by_little(n: int) -> None:
    """One tie made it 46 times larger."""
    differences = np.arange(1.0, n + 1) * np.where(np.arange(n) % 5, 1, -1)
    tied, zero = differences.copy(), differences.copy()
    tied[-1] = np.sign(tied[-1]) * abs(tied[-2])
    zero[0] = 0.0
    whole = signed_ranks(differences).p
    assert signed_ranks(tied).p == pytest.approx(whole, rel=0.25)
    assert signed_ranks(zero).p == pytest.approx(whole, rel=0.25)


@given(st.lists(st.integers(-30, 30), min_size=2, max_size=70), st.data())
@settings(max_examples=40, deadline=None)
def test_p_falls_as_more_ranks_lie_on_the_larger_side(values: list[int], data: st.DataObject) -> None:
    differences = np.array(values, np.float64)
    if signed_ranks(differences).direction < 0:
        differences = -differences
    turned = differences.copy()
    place = data.draw(st.integers(0, len(values) - 1))
    turned[place] = abs(turned[place])
    assert signed_ranks(turned).p <= signed_ranks(differences).p * (1 + 1e-12)


@pytest.mark.slow
def test_p_of_thousands_of_pictures_is_drawn_near_the_exact_one() -> None:
    differences = np.random.default_rng(4).normal(0.03, 1, MOST_EXACT)
    exact, permuted = signed_ranks(differences), signed_ranks(np.append(differences, 1e-9))
    assert (exact.method, permuted.method) == ("exact", "permutation")
    assert permuted.p == pytest.approx(exact.p, abs=0.01)
    assert signed_ranks(np.arange(1.0, MOST_EXACT + 2)).p == pytest.approx(1 / (1 + SIGN_DRAWS))
    assert 0 < signed_ranks(np.arange(1.0, MOST_EXACT + 1)).p < 1e-300


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=7).map(np.array))
@settings(max_examples=20, deadline=None)
def test_signed_ranks_turn_with_the_sign(differences: np.ndarray) -> None:
    found, turned = signed_ranks(differences), signed_ranks(-differences)
    assert 0 < found.p <= 1
    assert turned.p == pytest.approx(found.p)
    assert (turned.direction, turned.positive) == (-found.direction, found.negative)


def test_infinite_differences_rank_above_all_finite_ones() -> None:
    differences = np.array([math.inf, 1.0, -2.0, 3.0, 4.5, -0.5, 6.0])
    finite = np.where(np.isinf(differences), 100.0, differences)
    assert signed_ranks(differences) == signed_ranks(finite)


def test_without_any_difference_nothing_is_told_apart() -> None:
    assert signed_ranks(np.zeros(20)).p == 1
    assert signed_ranks(np.array([])).p == 1
    assert signed_ranks(np.zeros(20)).direction == 0


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

"""The signed-rank test against its definition and scipy's, and its interval against the test itself."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from orchestrator.metrics.signed_rank import MOST_EXACT, SIGN_DRAWS, signed_ranks, smallest_p

GRID = st.lists(st.integers(-4, 4), min_size=1, max_size=12).map(lambda drawn: np.array(drawn, np.float64))


def drawn(n: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).gamma(9, 2.5, n)


def exact_p(differences: np.ndarray, *, opposed_cost: int = 1) -> float:
    """Return the two-sided p over all assignments of signs: the definition, for a few values. Zeros are left out.

    Of two that are equal but for the sign, half a rank is taken from the side that is ahead; none at a cost of 0.
    """
    there = differences[differences != 0]
    doubled = np.rint(2 * stats.rankdata(np.abs(there))).astype(int)
    opposed = sum(int(a == -b) for a, b in itertools.combinations(there, 2))
    seen = abs(int(np.sum(np.sign(there) * doubled))) - 2 * opposed_cost * opposed
    signs = np.array(list(itertools.product((1, -1), repeat=len(doubled))))
    return min(1.0, 2 * float(np.mean(signs @ doubled >= seen))) if len(there) else 1.0


@pytest.mark.parametrize("n", [1, 4, 7, 10, 12])
def test_signed_ranks_give_the_exact_probability(n: int) -> None:
    differences = drawn(n) - 20
    assert signed_ranks(differences).p == pytest.approx(exact_p(differences), rel=1e-12)


@given(GRID)
@settings(max_examples=60, deadline=None)
def test_signed_ranks_are_counted_with_ties_and_zeros(differences: np.ndarray) -> None:
    found = signed_ranks(differences)
    assert found.p == pytest.approx(exact_p(differences), rel=1e-12)
    assert (found.n, found.method) == (len(differences), "exact")


@given(GRID)
@settings(max_examples=60, deadline=None)
def test_p_is_exact_with_ties_of_one_sign_and_an_upper_bound_with_opposed_ones(differences: np.ndarray) -> None:
    exact = exact_p(differences, opposed_cost=0)
    opposed = set(differences[differences > 0]) & set(-differences[differences < 0])
    if opposed:
        assert signed_ranks(differences).p >= exact * (1 - 1e-12)
    else:
        assert signed_ranks(differences).p == pytest.approx(exact, rel=1e-12)


def test_opposed_ties_make_p_larger() -> None:
    differences = np.array([2.0, 3, 4, 3, -1, 2, 1, 1, -1])
    assert (signed_ranks(differences).p, exact_p(differences, opposed_cost=0)) == pytest.approx((13 / 256, 11 / 256))


@pytest.mark.parametrize("n", [5, 50, 51, 150])
def test_signed_ranks_are_those_of_scipy_where_its_own_are_exact(n: int) -> None:
    differences = drawn(n) - 22
    found = signed_ranks(differences)
    assert found.p == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue, rel=1e-9)
    assert (found.n, found.positive, found.negative) == (n, (differences > 0).sum(), (differences < 0).sum())


@pytest.mark.slow
def test_signed_ranks_with_ties_are_those_of_scipys_permutations() -> None:
    whole = np.round(drawn(60) - 23, 0)
    differences = np.where(whole < 0, whole - 0.5, whole)  # ties of one sign each
    every_sign = stats.PermutationMethod(n_resamples=20_000, rng=np.random.default_rng(1))
    assert 0.05 < signed_ranks(differences).p < 0.9
    assert signed_ranks(differences).p == pytest.approx(
        stats.wilcoxon(differences, zero_method="wilcox", method=every_sign).pvalue, abs=0.02
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


@given(GRID, st.sampled_from([0.01, 0.05, 0.2, 0.5]))
@settings(max_examples=200, deadline=None)
def test_interval_excludes_zero_exactly_where_the_test_rejects(differences: np.ndarray, level: float) -> None:
    found = signed_ranks(differences)
    interval = found.interval(level)
    if interval is None:
        assert found.p >= level
        return
    assert (interval.low > 0 or interval.high < 0) == (found.p < level)
    assert found.p >= level or (interval.low > 0) == (found.direction > 0)
    typical = found.typical
    assert typical is not None
    assert interval.low <= typical <= interval.high


@given(st.lists(st.integers(-9000, 9000), min_size=7, max_size=12, unique_by=abs), st.data())
@settings(max_examples=40, deadline=None)
def test_interval_holds_the_shifts_that_the_test_does_not_reject(values: list[int], data: st.DataObject) -> None:
    differences = np.array([value for value in values if value]) / 1000
    interval = signed_ranks(differences).interval(0.1)
    if interval is None:
        return
    for end, outwards in ((interval.low, -1), (interval.high, 1)):
        step = outwards * data.draw(st.floats(2e-5, 1e-4))
        assert signed_ranks(differences - end - step).p < 0.1
        assert signed_ranks(differences - end + step).p >= 0.1


@pytest.mark.parametrize("n", [8, 25])
def test_interval_is_that_of_tables(n: int) -> None:
    """Critical values of two sides at 0.05: 3 of 8 pairs, 89 of 25 (Wilcoxon and Wilcox 1964)."""
    differences = drawn(n) - 20
    averages = np.sort([(a + b) / 2 for place, a in enumerate(differences) for b in differences[place:]])
    critical = {8: 3, 25: 89}[n]
    found = signed_ranks(differences).interval(0.05)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((averages[critical], averages[-1 - critical]))
    assert signed_ranks(differences).typical == pytest.approx(np.median(averages))


def test_interval_of_thousands_agrees_with_drawn_signs() -> None:
    differences = np.random.default_rng(4).normal(0.05, 1, MOST_EXACT + 1)
    found = signed_ranks(differences)
    for level in (0.9 * found.p, found.p, 1.1 * found.p):
        interval = found.interval(level)
        assert interval is not None
        assert (interval.low > 0) == (found.p < level)


def test_infinite_differences_are_in_the_interval() -> None:
    interval = signed_ranks(np.array([math.inf] * 4 + [1.0, 2.0, 3.0, 4.0])).interval(0.05)
    assert interval is not None
    assert interval.low > 0
    assert interval.high == math.inf
    opposed = signed_ranks(np.array([math.inf, -math.inf, *np.arange(1.0, 9.0)]))
    assert opposed.typical is not None
    assert math.isfinite(opposed.typical)


@given(
    st.lists(st.sampled_from([-math.inf, -3.0, -1.0, 0.0, 1.0, 2.0, math.inf]), min_size=1, max_size=8).map(np.array)
)
@settings(max_examples=60, deadline=None)
def test_typical_difference_turns_with_the_sign(differences: np.ndarray) -> None:
    """Of -inf and finite ones it was -1.8e308."""
    found, turned = signed_ranks(differences).typical, signed_ranks(-differences).typical
    assert found is not None
    assert turned == -found
    assert math.isinf(found) or abs(found) <= 3


def test_differences_of_zero_are_left_out() -> None:
    whole = np.array([1.0, -2.0, 3.0, 4.5, 6.0, 7.0, 8.0])
    padded = signed_ranks(np.append(whole, np.zeros(9)))
    assert padded.p == signed_ranks(whole).p
    assert padded.interval(0.1) == signed_ranks(whole).interval(0.1)
    assert (padded.n, padded.typical) == (16, signed_ranks(whole).typical)
    assert signed_ranks(np.zeros(20)).typical == 0
    assert signed_ranks(np.zeros(20)).interval(0.05) is None


def test_smallest_p_is_that_of_pictures_that_all_agree() -> None:
    for n in (0, 1, 5, 6, 7, 40):
        assert smallest_p(n) == signed_ranks(np.arange(1.0, n + 1)).p
    assert smallest_p(MOST_EXACT + 1) == 1 / (1 + SIGN_DRAWS)

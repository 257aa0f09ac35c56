"""Averages of every two numbers that are counted and picked by rank, against all of them in order."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.metrics import walsh_averages
from orchestrator.metrics.ranking import compared, ranking
from orchestrator.metrics.signed_rank import signed_ranks
from orchestrator.metrics.walsh_averages import WalshAverages

NUMBERS = st.lists(
    st.one_of(
        st.integers(-4, 4).map(float),
        st.floats(allow_nan=False),
        st.floats(-2, 2).map(lambda value: round(value, 2)),
        st.sampled_from([math.inf, -math.inf, 0.0, -0.0, 1.7e308, -1.7e308, 5e-324]),
    ),
    max_size=14,
)


def direct(numbers: np.ndarray) -> np.ndarray:
    """Return all averages in order: the definition."""
    first, second = np.triu_indices(len(numbers))
    with np.errstate(invalid="ignore", over="ignore"):
        sums = numbers[first] + numbers[second]
    return np.sort(np.where(np.isnan(sums), 0.0, sums) / 2)


def check(numbers: np.ndarray, probes: list[float]) -> None:
    wanted, found = direct(numbers), WalshAverages(numbers)
    assert found.count == len(wanted)
    for number, value in enumerate(wanted, 1):
        assert found.smallest(number) == value
    for value in (*wanted.tolist(), *probes):
        assert found.at_most(value) == np.count_nonzero(wanted <= value)
        assert found.below(value) == np.count_nonzero(wanted < value)


@pytest.mark.parametrize("most", [0, 256], ids=["counted", "held"])
@given(numbers=NUMBERS, probes=st.lists(st.floats(allow_nan=False), max_size=3))
@settings(max_examples=60, deadline=None)
def test_averages_are_those_of_the_definition(most: int, numbers: list[float], probes: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walsh_averages, "_MOST_HELD", most)
        check(np.array(numbers, np.float64), probes)


def test_ranks_that_there_are_not_are_refused() -> None:
    for number in (0, 4):
        with pytest.raises(ValueError, match="there are 3 averages"):
            WalshAverages(np.array([1.0, 2.0])).smallest(number)


@pytest.mark.parametrize("decimals", [9, 1], ids=["apart", "ties"])
def test_what_a_test_of_hundreds_says_is_what_all_averages_say(decimals: int) -> None:
    differences = np.round(np.random.default_rng(4).normal(0.1, 1, 300), decimals)
    averages = direct(differences[differences != 0])
    found = signed_ranks(differences)
    middle = (averages[(len(averages) - 1) // 2], averages[len(averages) // 2])
    assert found.typical == float(np.mean(middle))
    interval = found.interval(0.05)
    assert interval is not None
    assert {interval.low, interval.high} <= set(averages.tolist())
    assert interval.low < found.typical < interval.high


@pytest.mark.parametrize("level", [0.05, 1e-6, 1e-12, 1e-40])
def test_an_interval_at_any_level_is_that_of_all_sums(level: float) -> None:
    found = signed_ranks(np.random.default_rng(5).normal(0.4, 1, 250))
    interval = found.interval(level)
    assert interval is not None
    assert (interval.low > 0) == (found.p < level)


def test_tests_of_many_pictures_hold_little() -> None:
    draw = np.random.default_rng(6)
    differences = [draw.normal(0.05, 1, 1200) for _pair in range(6)]
    signed_ranks(differences[0])  # what is imported and remembered once
    tracemalloc.start()
    try:
        held = [signed_ranks(one) for one in differences]
        assert all(one.interval(0.05) is not None and one.typical is not None for one in held)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # All averages of one are 5.8 MB.
    assert kept / len(held) < 1.5e6
    assert peak < 16e6


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12), st.sampled_from(["higher", "lower"]))
@settings(max_examples=40, deadline=None)
def test_two_by_themselves_compare_as_in_a_ranking_of_two(scores: list[tuple[int, int]], better: str) -> None:
    columns = np.array(scores, np.float64).reshape(-1, 2).T
    networks = {"a": columns[:1], "b": columns[1:]}
    assert compared(networks, better) == ranking(networks, better).pairs[0]  # type: ignore[arg-type]

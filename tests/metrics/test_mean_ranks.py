"""Mean ranks: ties share, only pictures of all count, and groups hold nobody whom the test tells apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.metrics.mean_ranks import mean_ranks, not_told_apart
from orchestrator.metrics.ranking import every_pair


def test_ranks_are_means_over_pictures_that_all_were_measured_on() -> None:
    networks = {"a": np.array([[3.0, 3.0, np.nan]]), "b": np.array([[1.0, 3.0, 9.0]])}
    ranks, pictures = mean_ranks(networks, "higher")
    assert ranks == {"a": 1.25, "b": 1.75}
    assert pictures == 2
    assert mean_ranks(networks, "lower")[0] == {"a": 1.75, "b": 1.25}


def test_one_network_has_no_rank() -> None:
    assert mean_ranks({"a": np.array([[1.0]])}, "higher") == ({}, 0)


def test_groups_join_those_that_the_test_does_not_tell_apart() -> None:
    steps = np.array([0.1 * (7 * n % 10) for n in range(12)])
    noise = np.array([(-1) ** n * 0.3 for n in range(12)])
    networks = {"a": (steps + 9)[None], "b": (steps + 9 + noise)[None], "c": (steps + 2)[None]}
    pairs = every_pair(networks, "higher")
    assert not_told_apart(mean_ranks(networks, "higher")[0], pairs) == (frozenset({"a", "b"}),)


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_pictures_join_everybody(count: int) -> None:
    networks = {name: np.full((1, count), value) for name, value in {"a": 9.0, "b": 5.0, "c": 1.0}.items()}
    groups = not_told_apart(mean_ranks(networks, "higher")[0], every_pair(networks, "higher"))
    assert groups == (frozenset(networks),)


def test_who_is_better_by_the_test_stands_apart_though_its_mean_rank_is_no_better() -> None:
    lead = np.array([-0.1] * 16 + [float(n) for n in range(1, 16)])
    networks = {"a": (20 + lead)[None], "b": np.full((1, 31), 20.0)}
    ranks, pairs = mean_ranks(networks, "higher")[0], every_pair(networks, "higher")
    assert ranks["a"] > ranks["b"]
    assert pairs[0].better == "a"
    assert not_told_apart(ranks, pairs) == ()


@given(st.lists(st.lists(st.integers(0, 6), min_size=8, max_size=8), min_size=2, max_size=5))
def test_two_stand_together_exactly_where_the_test_does_not_tell_them_apart(drawn: list[list[int]]) -> None:
    networks = {f"n{number}": np.array([scores], float) for number, scores in enumerate(drawn)}
    pairs = every_pair(networks, "higher")
    groups = not_told_apart(mean_ranks(networks, "higher")[0], pairs)
    for pair in pairs:
        assert any({pair.first, pair.second} <= group for group in groups) == (pair.better is None)
    assert not any(one < other for one in groups for other in groups)

"""The probability of the best mean against cases that can be counted by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from orchestrator.metrics.resampling import DRAWS, chances_of_best

NEAR = 3.5 * 0.5 / math.sqrt(DRAWS)
"""Three and a half standard errors of a share that is drawn."""


def chances(better: str = "higher", **scores: list[float]) -> dict[str, float]:
    arrays = {name: np.array([values], np.float64) for name, values in scores.items()}
    return dict(chances_of_best(arrays, better))  # type: ignore[arg-type]  # a direction


def test_one_picture_decides_alone() -> None:
    assert chances(a=[1.0], b=[2.0]) == {"a": 0.0, "b": 1.0}
    assert chances("lower", a=[1.0], b=[2.0]) == {"a": 1.0, "b": 0.0}


def test_who_is_better_on_every_picture_is_always_best() -> None:
    assert chances(a=[1.0, 5.0, 9.0], b=[2.0, 5.5, 9.1], c=[0.0, 0.0, 0.0]) == {"a": 0.0, "b": 1.0, "c": 0.0}


def test_ties_are_shared() -> None:
    assert chances(a=[1.0, 2.0], b=[1.0, 2.0], c=[0.0, 0.0]) == {"a": 0.5, "b": 0.5, "c": 0.0}
    assert chances(a=[0.1 + 0.2], b=[0.3], c=[0.3]) == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})


@pytest.mark.parametrize(
    ("differences", "share"),
    [
        pytest.param([1, -1], 1 / 2, id="two-alike: 1/4, and half of the 1/2 in which both are drawn"),
        pytest.param([3, -1], 3 / 4, id="one-large: lost only where the small one is drawn twice"),
        pytest.param([1, 1, -1], 20 / 27, id="two-of-three: at most one loss in three draws"),
        pytest.param([2, -1, -1], 12 / 27 / 2 + 7 / 27, id="the-large-one-once-is-a-tie"),
    ],
)
def test_chances_are_those_that_can_be_counted(differences: list[float], share: float) -> None:
    found = chances(a=[20.0 + step for step in differences], b=[20.0] * len(differences))
    assert found["a"] == pytest.approx(share, abs=NEAR)
    assert sum(found.values()) == pytest.approx(1)


def test_three_of_three_pictures_are_those_of_all_draws() -> None:
    scores = {"a": [3.0, 0.0, 1.0], "b": [0.0, 3.0, 1.5], "c": [1.0, 1.0, 2.0]}
    counted = dict.fromkeys(scores, 0.0)
    for places in itertools.product(range(3), repeat=3):
        sums = {name: sum(values[place] for place in places) for name, values in scores.items()}
        best = [name for name in sums if sums[name] == max(sums.values())]
        for name in best:
            counted[name] += 1 / len(best) / 27
    assert chances(**scores) == pytest.approx(counted, abs=NEAR)


def test_runs_are_drawn_too() -> None:
    """Of two runs both are drawn as the better one in 1/4, as the worse one in 1/4, else their mean counts."""
    found = chances_of_best({"a": np.array([[10.0] * 4, [12.0] * 4]), "b": np.full((1, 4), 11.5)}, "higher")
    assert found["a"] == pytest.approx(1 / 4, abs=NEAR)
    even = chances_of_best({"a": np.array([[10.0] * 4, [12.0] * 4]), "b": np.full((1, 4), 11.0)}, "higher")
    assert even["a"] == pytest.approx(1 / 2, abs=NEAR)


def test_pictures_that_are_infinite_for_all_are_left_out() -> None:
    assert chances(a=[math.inf, 1.0], b=[math.inf, 2.0]) == {"a": 0.0, "b": 1.0}
    assert chances(a=[math.inf], b=[math.inf]) == {}


@pytest.mark.parametrize("ordinary", [1, 5])
def test_where_a_picture_is_infinite_for_some_alone_nobody_has_a_chance(ordinary: int) -> None:
    """One picture spoke for b, and a is the truth itself on all others."""
    assert chances(a=[math.inf] * 99 + [20.0] * ordinary, b=[30.0] * 99 + [21.0] * ordinary) == {}
    assert chances(a=[math.inf, math.inf], b=[9.0, 2.0]) == {}
    runs = {"a": np.array([[math.inf, 20.0], [29.0, 20.0]]), "b": np.array([[30.0, 21.0]])}
    assert chances_of_best(runs, "higher") == {}


def test_chances_are_the_same_every_time_and_in_every_order() -> None:
    scores = {"a": [20.0, 21.0, 19.0, 22.0], "b": [20.5, 20.0, 20.5, 21.0]}
    assert chances(**scores) == chances(**scores)
    assert chances(**dict(reversed(scores.items()))) == pytest.approx(chances(**scores))


def test_nobody_has_a_chance_without_pictures() -> None:
    assert chances() == {}
    assert chances(a=[], b=[]) == {}

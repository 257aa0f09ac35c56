"""Which network is better, and when nobody may say so."""

from __future__ import annotations

import math

import numpy as np
import pytest

from orchestrator.metrics.ranking import LEVEL, ranking
from orchestrator.metrics.signed_rank import signed_ranks

STEPS = np.array([0.1 * (7 * n % 20) for n in range(20)])


def runs(*means: float) -> np.ndarray:
    """Return the scores of as many runs on twenty pictures."""
    return np.array([mean + STEPS for mean in means])


def noisy(mean: float, seed: int = 1) -> np.ndarray:
    return mean + STEPS[None] + np.random.default_rng(seed).normal(0, 0.5, (1, 20))


def test_clear_difference_is_told_apart_in_either_direction() -> None:
    found = ranking({"a": runs(20.0), "b": noisy(22.0)}, "higher")
    (pair,) = found.pairs
    assert (pair.n, pair.won, pair.lost, pair.better) == (20, 0, 20, "b")
    assert found.best == {"b"}
    lower = ranking({"a": runs(20.0), "b": noisy(22.0)}, "lower")
    assert (lower.pairs[0].better, lower.best) == ("a", {"a"})


def test_difference_inside_the_noise_is_no_difference() -> None:
    found = ranking({"a": runs(20.0), "b": noisy(20.0)}, "higher")
    assert found.pairs[0].better is None
    assert found.best == frozenset()


def test_p_values_are_corrected_for_all_pairs() -> None:
    networks = {"a": noisy(20.0, 1), "b": noisy(20.45, 2), "c": noisy(20.2, 3), "d": noisy(20.1, 4)}
    found = ranking(networks, "higher")
    raw = {
        (pair.first, pair.second): signed_ranks((networks[pair.first] - networks[pair.second])[0]).p
        for pair in found.pairs
    }
    assert len(found.pairs) == 6
    smallest = min(raw, key=lambda pair: raw[pair])
    assert next(p.p for p in found.pairs if (p.first, p.second) == smallest) == pytest.approx(6 * raw[smallest])
    assert all(pair.p >= raw[pair.first, pair.second] for pair in found.pairs)


def test_alike_networks_share_the_mark_above_a_lesser_one() -> None:
    found = ranking({"a": runs(25.0), "b": noisy(25.0), "c": noisy(20.0)}, "higher")
    assert found.best == {"a", "b"}


def test_network_without_a_picture_is_compared_and_not_best() -> None:
    lacking = noisy(30.0)
    lacking[0, 3] = math.nan
    found = ranking({"a": lacking, "b": runs(20.0), "c": noisy(22.0)}, "higher")
    assert found.means["a"].missing == (3,)
    assert len(found.means["a"].finite) == 19
    assert found.pairs[0].n == 19
    assert found.pairs[0].better == "a"
    assert found.best == {"c"}


def test_infinite_scores_are_left_out_of_the_mean_and_kept_in_the_test() -> None:
    identical = runs(20.0)
    identical[0, 7] = math.inf
    found = ranking({"a": identical, "b": runs(19.0)}, "higher")
    mean = found.means["a"]
    assert mean.infinite == (7,)
    assert mean.value == pytest.approx(np.delete(identical[0], 7).mean())
    assert (found.pairs[0].n, found.pairs[0].won, found.best) == (20, 20, {"a"})


def test_pictures_that_are_finite_for_one_network_only_decide_no_order() -> None:
    """Leaving out its two hardest pictures lifts a network's own mean above that of a better one."""
    lucky = noisy(20.0)
    steady = lucky + 0.1 + 0.01 * STEPS
    lucky[0, np.argsort(lucky[0])[:2]] = math.inf
    found = ranking({"a": lucky, "b": steady}, "higher")
    means = [found.means[name].value or 0 for name in "ab"]
    assert means[0] > means[1]
    assert found.pairs[0].better == "b"
    assert found.best == {"b"}


def test_both_infinite_is_a_tie() -> None:
    perfect = np.full((1, 20), math.inf)
    (pair,) = ranking({"a": perfect, "b": perfect.copy()}, "higher").pairs
    assert (pair.won, pair.lost, pair.p, pair.better) == (0, 0, 1.0, None)
    assert ranking({"a": perfect, "b": perfect}, "higher").means["a"].value is None


def test_controls_have_means_and_are_never_ranked() -> None:
    controls = {"input": noisy(19.0, 5), "truth": np.full((1, 20), math.inf)}
    found = ranking({"a": runs(18.0), "b": runs(24.0)}, "higher", controls)
    assert found.best == {"b"}
    assert (found.beside["a"].better, found.beside["b"].better) == ("input", "b")
    assert [{pair.first, pair.second} for pair in found.pairs] == [{"a", "b"}]
    assert found.means["truth"].infinite == tuple(range(20))


def test_seeds_are_averaged_by_picture_and_shown_apart() -> None:
    found = ranking({"a": runs(20.0, 22.0, 21.0)}, "higher")
    mean = found.means["a"]
    assert mean.value == pytest.approx(21.0 + STEPS.mean())
    assert mean.seeds == pytest.approx([value + STEPS.mean() for value in (20.0, 22.0, 21.0)])


def test_runs_that_overlap_are_not_told_apart_however_small_p() -> None:
    found = ranking({"a": runs(20.0, 23.0), "b": runs(21.0, 21.5)}, "higher")
    assert found.pairs[0].p < LEVEL
    assert found.pairs[0].better is None
    apart = ranking({"a": runs(22.0, 23.0), "b": runs(21.0, 21.5)}, "higher")
    assert apart.pairs[0].better == "a"


def test_mean_carried_by_one_picture_against_all_others_is_no_victory() -> None:
    lucky, steady = runs(20.0), runs(20.5)
    lucky[0, 0] += 100
    (pair,) = ranking({"a": lucky, "b": steady}, "higher").pairs
    assert pair.p < LEVEL
    assert pair.better is None


def test_network_that_lacks_a_run_has_no_chance_and_is_not_best() -> None:
    networks = {"a": runs(25.0), "b": noisy(22.0), "c": noisy(20.0, 2)}
    found = ranking(networks, "higher", lacking={"a"})
    assert "a" not in found.best
    assert set(found.chances) == {"b", "c"}
    assert found.chances["b"] > 0.99
    assert ranking(networks, "higher", lacking={"a", "b"}).chances == {}
    assert {pair.better for pair in found.pairs} == {"a", "b"}


@pytest.mark.parametrize("n", [1, 3, 5])
def test_few_pictures_tell_nothing_apart(n: int) -> None:
    found = ranking({"a": runs(10.0)[:, :n], "b": runs(40.0)[:, :n]}, "higher")
    assert found.pairs[0].better is None
    assert found.best == frozenset()


def test_no_network_and_no_picture_are_taken() -> None:
    assert ranking({}, "higher").best == frozenset()
    empty = ranking({"a": np.zeros((1, 0)), "b": np.zeros((1, 0))}, "higher")
    assert empty.means["a"].value is None
    assert empty.best == frozenset()

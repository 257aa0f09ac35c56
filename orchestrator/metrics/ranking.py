"""Which networks are better than which on one dataset in one metric, and which cannot be told apart."""

import itertools
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from orchestrator.metrics.resampling import chances_of_best
from orchestrator.metrics.signed_rank import MOST_EXACT, SignedRanks, signed_ranks, smallest_p
from orchestrator.metrics.statistics import Interval, holm, holm_levels, mean_interval
from stagekit.measures import INPUT, Direction
from stagekit.paired_test import PairedTest

LEVEL = 0.05
"""A difference counts where its corrected p-value lies below this."""

_NOISE_DECIMALS = 9
"""Scores that agree to so many decimals are one score, as everywhere in a report."""


@dataclass(frozen=True)
class Mean:
    """The mean of a network's scores over the pictures whose score is finite.

    Attributes:
        value: None where no score is finite.
        seeds: The mean of every run of it, one after the other.
        finite: Numbers of the pictures, counted from 0.
        infinite: Numbers of the pictures, counted from 0.
        missing: Numbers of the pictures, counted from 0.
    """

    value: float | None
    interval: Interval | None
    seeds: tuple[float | None, ...]
    finite: tuple[int, ...]
    infinite: tuple[int, ...]
    missing: tuple[int, ...]


@dataclass(frozen=True)
class Ranking:
    """One metric on one dataset.

    Attributes:
        beside: Each network against doing nothing.
        best: Those to be marked.
        chances: How probable it is that a network has the best mean, of those measured on every picture in all of
            their runs; empty where there are fewer than two, and where `chances_of_best` tells nothing.
    """

    means: Mapping[str, Mean]
    pairs: tuple[PairedTest, ...]
    beside: Mapping[str, PairedTest]
    best: frozenset[str]
    chances: Mapping[str, float]


def ranking(
    networks: Mapping[str, np.ndarray],
    better: Direction,
    controls: Mapping[str, np.ndarray] | None = None,
    *,
    nothing: str = INPUT,
    lacking: Set[str] = frozenset(),
) -> Ranking:
    """Return how networks compare.

    One network is better where the signed-rank test over the same pictures, corrected by Holm for all pairs of
    networks, gives p < 0.05, the means point where the ranks do, and, where networks have several runs, every run of
    one is better than every run of the other. Best are those of the networks measured on every picture that none of
    them is better than; where those are all of them, none is marked. Networks with a picture that was not measured are
    compared, and never best.

    Args:
        networks: Name to scores, float64, (runs, pictures): NaN where a picture was not measured, inf is allowed.
        controls: The same for the controls, which are never ranked.
        nothing: The one that every network is set against.
        lacking: Networks of which a run is not among the scores: compared, never best, and without a chance.
    """
    controls = controls or {}
    means = {name: _mean(scores) for name, scores in {**networks, **controls}.items()}
    pairs = every_pair(networks, better)
    beside = beside_nothing(networks, controls[nothing], better, nothing=nothing) if nothing in controls else {}
    whole = {name: scores for name, scores in networks.items() if scores.size and not means[name].missing}
    asked = {name: scores for name, scores in whole.items() if name not in lacking}
    chances = chances_of_best(asked, better) if len(asked) > 1 else {}
    return Ranking(means, pairs, beside, _best(frozenset(whole), pairs) - lacking, chances)


def compared(networks: Mapping[str, np.ndarray], better: Direction) -> PairedTest:
    """Return how two networks compare, by themselves.

    Args:
        networks: As of `ranking`, two of them.
    """
    first, second = networks
    return _judged([_duel(first, second, networks, 1 if better == "higher" else -1)])[0]


def every_pair(networks: Mapping[str, np.ndarray], better: Direction) -> tuple[PairedTest, ...]:
    """Return how every two networks compare; see `ranking`."""
    sign = 1 if better == "higher" else -1
    return _judged([_duel(first, second, networks, sign) for first, second in itertools.combinations(networks, 2)])


def beside_nothing(
    networks: Mapping[str, np.ndarray], unchanged: np.ndarray, better: Direction, *, nothing: str = INPUT
) -> Mapping[str, PairedTest]:
    """Return how each network compares with doing nothing; see `ranking`.

    Args:
        unchanged: Scores of the control that `nothing` names, as those of networks.
    """
    sign, everyone = 1 if better == "higher" else -1, {**networks, nothing: unchanged}
    return {pair.first: pair for pair in _judged([_duel(name, nothing, everyone, sign) for name in networks])}


@dataclass(frozen=True)
class _Duel:
    """Two networks before they are judged.

    Attributes:
        sign: 1 where higher is better, else -1; the test is of differences that are positive where the first is better.
        ahead: 1, -1 or 0: by the means over all runs.
        agreed: Whether all runs agree on that.
        differences: float64, (pictures,): first less second.
        difference: The mean of those that are finite.
    """

    first: str
    second: str
    sign: int
    test: SignedRanks
    ahead: int
    agreed: bool
    differences: np.ndarray
    difference: float | None


def picture_scores(scores: np.ndarray) -> np.ndarray:
    """Return the mean over the runs for every picture: (pictures,); NaN where a run has none, inf where one is."""
    if len(scores) == 1:
        return np.asarray(scores[0], np.float64)
    return np.array(
        [math.fsum(column) / len(column) if np.isfinite(column).all() else column.sum() for column in scores.T]
    )


def _mean(scores: np.ndarray) -> Mean:
    values = picture_scores(scores)
    finite = np.isfinite(values)
    runs = tuple(_finite_mean(run[finite]) for run in scores) if len(scores) > 1 else ()
    return Mean(
        value=_finite_mean(values[finite]),
        interval=mean_interval(values[finite]),
        seeds=runs,
        finite=tuple(np.flatnonzero(finite).tolist()),
        infinite=tuple(np.flatnonzero(np.isinf(values)).tolist()),
        missing=tuple(np.flatnonzero(np.isnan(values)).tolist()),
    )


def _finite_mean(values: np.ndarray) -> float | None:
    return math.fsum(values) / len(values) if len(values) else None


def _duel(first: str, second: str, networks: Mapping[str, np.ndarray], sign: int) -> _Duel:
    a, b = picture_scores(networks[first]), picture_scores(networks[second])
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = a[both], b[both]
    # Where both are infinite the pictures are alike: inf - inf would be no number.
    differences = np.round(
        np.where(a == b, 0.0, np.subtract(a, b, where=a != b, out=np.zeros(len(a)))), _NOISE_DECIMALS
    )
    difference = _finite_mean(differences[np.isfinite(differences)])
    ahead = _ahead(networks[first], networks[second], sign, difference)
    agreed = _agreed(networks[first], networks[second], sign, ahead)
    return _Duel(first, second, sign, signed_ranks(sign * differences), ahead, agreed, differences, difference)


def _judged(duels: Sequence[_Duel]) -> tuple[PairedTest, ...]:
    """Return a family of comparisons with what each came to."""
    raw = [duel.test.p for duel in duels]
    levels, corrected = holm_levels(raw, LEVEL), holm(raw)
    least = [smallest_p(duel.test.n) for duel in duels]
    reachable = holm(least)
    pairs = []
    for place, (duel, level, p) in enumerate(zip(duels, levels, corrected, strict=True)):
        needs = _needed(least, place, duel.test.n) if reachable[place] >= LEVEL else None
        pairs.append(_pair(duel, level, p, needs))
    return tuple(pairs)


def _needed(least: Sequence[float], place: int, n: int) -> int | None:
    """Return the fewest pictures of one comparison with which it could come out, the others being what they are.

    Args:
        least: The smallest p that each comparison of the family can give.
        n: Pictures that it has. None where more would not help, as of families so large that drawn signs are too few.
    """
    for more in range(n + 1, MOST_EXACT + 1):
        if holm([*least[:place], smallest_p(more), *least[place + 1 :]])[place] < LEVEL:
            return more
    return None


def _pair(duel: _Duel, level: float, p: float, needs: int | None) -> PairedTest:
    test, sign = duel.test, duel.sign
    found = test.p < level
    counts = found and duel.agreed and test.direction == duel.ahead != 0
    ahead = {1: duel.first, -1: duel.second}.get(duel.ahead)
    few = needs is not None
    interval = _range(sign * duel.differences) if few else test.interval(level)
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    if interval is not None and sign < 0:
        low, high = 0.0 - interval.high, 0.0 - interval.low
    return PairedTest(
        first=duel.first,
        second=duel.second,
        n=test.n,
        won=test.positive,
        lost=test.negative,
        p=p,
        method=test.method,
        outcome="few" if few else "better" if counts else "mixed" if found else "alike",
        better=ahead if counts else None,
        ahead=ahead,
        among_runs=found and not duel.agreed,
        needs=needs,
        difference=duel.difference,
        typical=None if test.typical is None else sign * test.typical + 0.0,
        low=low,
        high=high,
        confidence=None if few or interval is None else 1 - level,
    )


def _range(differences: np.ndarray) -> Interval | None:
    return Interval(float(differences.min()), float(differences.max())) if len(differences) else None


def _ahead(first: np.ndarray, second: np.ndarray, sign: int, difference: float | None) -> int:
    """Return which of two has the better mean, 1 or -1, 0 where they are equal.

    Args:
        difference: Of the means; None where no picture is finite for both, and then more infinite scores win.
    """
    if difference is None:
        difference = np.isinf(first).sum() / len(first) - np.isinf(second).sum() / len(second)
    return sign * int(np.sign(difference))


def _agreed(first: np.ndarray, second: np.ndarray, sign: int, ahead: int) -> bool:
    """Return whether every run of the one that is ahead has a better mean than every run of the other."""
    if len(first) == len(second) == 1:
        return True
    finite = np.isfinite(first).all(axis=0) & np.isfinite(second).all(axis=0)
    a, b = (
        [sign * math.fsum(run[finite]) if finite.any() else sign * float(np.isinf(run).sum()) for run in runs]
        for runs in (first, second)
    )
    return min(a) > max(b) if ahead > 0 else max(a) < min(b)


def _best(whole: frozenset[str], pairs: Sequence[PairedTest]) -> frozenset[str]:
    beaten = {
        pair.second if pair.better == pair.first else pair.first
        for pair in pairs
        if pair.better is not None and {pair.first, pair.second} <= whole
    }
    return whole - beaten if beaten else frozenset()

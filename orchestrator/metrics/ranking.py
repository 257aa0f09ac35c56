"""Which networks are better than which on one dataset in one metric, and which cannot be told apart."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from orchestrator.metrics.statistics import Interval, TestMethod, holm, mean_interval, signed_ranks
from stagekit.measures import INPUT

LEVEL = 0.05
"""A difference counts where its corrected p-value lies below this."""


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
class Pair:
    """Two networks over the pictures that both were measured on.

    Attributes:
        won: On how many pictures the first is better or worse.
        lost: On how many pictures the first is better or worse.
        p: Corrected for the number of pairs.
        method: How it was found.
        apart: Whether the difference counts.
        better: That of the two with the better mean, where it does.
        difference: Mean of the first's score less the second's where both are finite, with its interval; None where it
            was not asked for, or where there is none.
    """

    first: str
    second: str
    n: int
    won: int
    lost: int
    p: float
    method: TestMethod
    apart: bool
    better: str | None
    difference: float | None = None
    interval: Interval | None = None


@dataclass(frozen=True)
class Ranking:
    """One metric on one dataset.

    Attributes:
        beside: Each network against doing nothing.
        best: Those to be marked.
    """

    means: Mapping[str, Mean]
    pairs: tuple[Pair, ...]
    beside: Mapping[str, Pair]
    best: frozenset[str]


def ranking(
    networks: Mapping[str, np.ndarray],
    better: Literal["higher", "lower"],
    controls: Mapping[str, np.ndarray] | None = None,
    *,
    nothing: str = INPUT,
    differences: bool = False,
) -> Ranking:
    """Return how networks compare.

    Two networks are apart where the signed-rank test over the same pictures, corrected by Holm for all pairs of
    networks, gives p < 0.05, the ranks point where the means do, and, where networks have several runs, every run of
    one is better than every run of the other. Best are the network with the best mean over the pictures that all
    networks have finite scores on, and those that are not apart from it; where those are all of them, none is marked.
    Networks with a picture that was not measured are compared, and never best.

    Args:
        networks: Name to scores, float64, (runs, pictures): NaN where a picture was not measured, inf is allowed.
        controls: The same for the controls, which are never ranked.
        nothing: The one that every network is set against.
        differences: Give every pair the mean of its differences, with an interval, which takes time.
    """
    controls = controls or {}
    means = {name: _mean(scores) for name, scores in {**networks, **controls}.items()}
    sign = 1 if better == "higher" else -1
    duels = [_duel(first, second, networks, sign) for first, second in itertools.combinations(networks, 2)]
    pairs = _corrected(duels)
    if differences:
        pairs = tuple(_with_difference(pair, networks) for pair in pairs)
    beside: dict[str, Pair] = {}
    if nothing in controls:
        everyone = {**networks, nothing: controls[nothing]}
        against = _corrected([_duel(name, nothing, everyone, sign) for name in networks])
        beside = {pair.first: _with_difference(pair, everyone) if differences else pair for pair in against}
    return Ranking(means, pairs, beside, _best(networks, means, pairs, sign))


@dataclass(frozen=True)
class _Duel:
    first: str
    second: str
    n: int
    won: int
    lost: int
    p: float
    method: TestMethod
    direction: int
    ahead: int


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
    alike = a == b
    differences = np.where(alike, 0.0, sign * np.subtract(a, b, where=~alike, out=np.zeros(len(a))))
    found = signed_ranks(differences)
    ahead = _ahead(networks[first], networks[second], sign)
    return _Duel(first, second, found.n, found.positive, found.negative, found.p, found.method, found.direction, ahead)


def _corrected(duels: list[_Duel]) -> tuple[Pair, ...]:
    pairs = []
    for duel, p in zip(duels, holm([duel.p for duel in duels]), strict=True):
        apart = p < LEVEL and duel.direction == duel.ahead != 0
        better = {1: duel.first, -1: duel.second}[duel.ahead] if apart else None
        pairs.append(Pair(duel.first, duel.second, duel.n, duel.won, duel.lost, p, duel.method, apart, better))
    return tuple(pairs)


def _with_difference(pair: Pair, networks: Mapping[str, np.ndarray]) -> Pair:
    a, b = picture_scores(networks[pair.first]), picture_scores(networks[pair.second])
    both = np.isfinite(a) & np.isfinite(b)
    return replace(pair, difference=_finite_mean(a[both] - b[both]), interval=mean_interval(a[both] - b[both]))


def _ahead(first: np.ndarray, second: np.ndarray, sign: int) -> int:
    """Return 1 where the first is ahead in its mean and in every run, -1 where the second is, else 0.

    Means are those over the pictures on which all runs of both are finite; without one, more infinite ones win.
    """
    finite = np.isfinite(first).all(axis=0) & np.isfinite(second).all(axis=0)
    if not finite.any():
        return sign * int(np.sign(np.isinf(first).sum() - np.isinf(second).sum()))
    a, b = ([sign * math.fsum(run[finite]) for run in runs] for runs in (first, second))
    return 1 if min(a) > max(b) else -1 if max(a) < min(b) else 0


def _best(
    networks: Mapping[str, np.ndarray], means: Mapping[str, Mean], pairs: tuple[Pair, ...], sign: int
) -> frozenset[str]:
    whole = {name: picture_scores(scores) for name, scores in networks.items() if not means[name].missing}
    whole = {name: scores for name, scores in whole.items() if len(scores)}
    if len(whole) < 2:
        return frozenset()
    finite = np.logical_and.reduce([np.isfinite(scores) for scores in whole.values()])
    levels = {
        name: sign * (math.fsum(s[finite]) / finite.sum() if finite.any() else s.mean()) for name, s in whole.items()
    }
    top = max(levels, key=lambda name: levels[name])
    beaten = {
        pair.second if pair.first == top else pair.first
        for pair in pairs
        if top in (pair.first, pair.second) and pair.better == top
    }
    best = frozenset(name for name in whole if name not in beaten)
    return best if len(best) < len(whole) else frozenset()

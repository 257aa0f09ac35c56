"""What scores of many pictures allow to say: intervals of means, and tests of differences over the same pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

RESAMPLES = 10_000
"""Bootstrap resamples of the pictures."""

CONFIDENCE = 0.95
"""How often such an interval holds the mean over all pictures of that kind."""

SMALLEST = 5
"""Fewer pictures than this give no interval: there are too few different resamples of them."""

MOST_EXACT = 2000
"""Up to so many pairs that differ, a test of them is exact; of more, it draws signs."""

SIGN_DRAWS = 99_999
"""Assignments of signs that are drawn where not all of them can be counted."""

TestMethod = Literal["exact", "permutation"]

_SEED = 20180618
_DRAWN_AT_ONCE = 1000
_NOISE_DECIMALS = 9


@dataclass(frozen=True)
class Interval:
    """A range that holds the true value with a probability of `CONFIDENCE`."""

    low: float
    high: float


def mean_interval(values: np.ndarray) -> Interval | None:
    """Return the bootstrap interval of the mean of a sample; None below `SMALLEST` values, and where it has none.

    Source: Efron 1987, Better Bootstrap Confidence Intervals (BCa), as scipy.stats.bootstrap computes it.

    Args:
        values: float64, (n,), finite. The resamples are the same for every sample of this size, so that the interval
            depends on nothing but the values and their order.
    """
    n = len(values)
    if n < SMALLEST:
        return None
    mean = float(np.mean(values))
    if np.ptp(np.round(values, _NOISE_DECIMALS)) == 0:
        return Interval(mean, mean)
    if np.ptp(np.round((values.sum() - values) / (n - 1), _NOISE_DECIMALS)) == 0:
        return None  # no picture moves the mean by more than noise
    from scipy.stats import bootstrap  # noqa: PLC0415 - slow to import, and only reports need it

    draw = np.random.Generator(np.random.PCG64(_SEED))
    found = bootstrap(
        (values,), _mean, n_resamples=RESAMPLES, confidence_level=CONFIDENCE, method="BCa", rng=draw
    ).confidence_interval
    return Interval(float(found.low), float(found.high))


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Return means without the noise of floating-point sums, which would break ties between resamples."""
    return np.asarray(np.round(np.mean(values, axis=axis), _NOISE_DECIMALS))


@dataclass(frozen=True)
class SignedRanks:
    """A paired comparison.

    Attributes:
        p: Two-sided.
        direction: 1 where the differences' ranks are mostly positive, -1, or 0.
        method: How p was found: from all assignments of signs, or from those that were drawn.
    """

    n: int
    positive: int
    negative: int
    p: float
    direction: int
    method: TestMethod = "exact"


def signed_ranks(differences: np.ndarray) -> SignedRanks:
    """Return Wilcoxon's signed-rank test of paired differences: how often signs drawn by a coin lie as far apart.

    p is the share of all assignments of signs to the ranks at hand for which the sums of positive and of negative ranks
    differ by at least as much. That is exact with ties and zeros, and so p has no jumps where the number of pairs grows
    or two of them become equal. Tests that go by tables or by the normal distribution, as scipy's does with ties or
    above 50 pairs, are not: of 51 pairs that agree they make p 290,000 times larger than of 50.

    Source: Wilcoxon 1945; Pratt 1959.

    Args:
        differences: float64, (n,), without NaN; infinite ones rank above all finite ones, equal ones share their mean
            rank, and zeros keep their ranks and count for neither side (Pratt). With no difference at all, and with no
            pair, p is 1. Above `MOST_EXACT` that differ, `SIGN_DRAWS` seeded assignments are drawn, and p is never
            below 1 / (1 + `SIGN_DRAWS`).
    """
    positive, negative = int(np.count_nonzero(differences > 0)), int(np.count_nonzero(differences < 0))
    if not positive and not negative:
        return SignedRanks(len(differences), 0, 0, 1.0, 0)
    from scipy.stats import rankdata  # noqa: PLC0415 - slow to import, and only reports need it

    # Ties share the mean of their ranks, which is a whole number or a half: doubled, all are whole.
    doubled = np.rint(2 * rankdata(np.abs(differences))).astype(np.int64)
    above, below = int(doubled[differences > 0].sum()), int(doubled[differences < 0].sum())
    ranks, smaller = doubled[differences != 0], min(above, below)
    exact = len(ranks) <= MOST_EXACT
    tail = _tail(ranks, smaller) if exact else _drawn_tail(ranks, smaller)
    method: TestMethod = "exact" if exact else "permutation"
    direction = (above > below) - (above < below)
    return SignedRanks(len(differences), positive, negative, min(1.0, 2 * tail), direction, method)


def _tail(ranks: np.ndarray, most: int) -> float:
    """Return the probability that ranks of which a coin takes each sum up to at most `most`.

    Probabilities are added rank by rank, sum by sum; nothing is subtracted, so that small ones are as exact as large.

    Args:
        ranks: int64, (n,), positive.
    """
    step = math.gcd(*ranks.tolist())
    last = most // step
    probability = np.zeros(last + 1)
    probability[0] = 1.0
    reached = 0
    for rank in np.sort(ranks // step).tolist():
        reached = min(last, reached + rank)
        probability[: reached + 1] *= 0.5
        if rank <= reached:
            probability[rank : reached + 1] += probability[: reached + 1 - rank].copy()
    return max(float(probability.sum()), float(np.finfo(np.float64).tiny))


def _drawn_tail(ranks: np.ndarray, most: int) -> float:
    """Return the same probability, one-sided, from seeded draws; the assignment at hand counts as one of them.

    Source: Phipson and Smyth 2010, Permutation p-values should never be zero.
    """
    draw = np.random.Generator(np.random.PCG64(_SEED))
    found = 0
    for first in range(0, SIGN_DRAWS, _DRAWN_AT_ONCE):
        taken = draw.integers(0, 2, (min(_DRAWN_AT_ONCE, SIGN_DRAWS - first), len(ranks)), dtype=np.int8)
        sums = taken @ ranks.astype(np.float64)
        found += int(np.count_nonzero(np.minimum(sums, ranks.sum() - sums) <= most))
    return (1 + found) / (1 + SIGN_DRAWS) / 2


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values corrected for their number; they hold together at the level at which one held.

    Source: Holm 1979: the smallest of m times m, the next times m - 1, and so on, none smaller than the one before.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - place)))
        corrected[index] = largest
    return tuple(corrected)

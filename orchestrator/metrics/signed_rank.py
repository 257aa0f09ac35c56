"""Wilcoxon's signed-rank test of paired differences, and the interval that is the same test turned round."""

import bisect
import copy
import math
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from orchestrator.metrics.statistics import Interval
from orchestrator.metrics.walsh_averages import WalshAverages
from stagekit.paired_test import TestMethod

MOST_EXACT = 2000
"""Up to so many pairs that differ, a test of them is exact; of more, it draws signs."""

SIGN_DRAWS = 99_999
"""Assignments of signs that are drawn where not all of them can be counted."""

_SEED = 20180618
_DRAWN_AT_ONCE = 1000
_LEAST_LEVEL = 1e-9
"""Of one side: Holm's procedure asks for less of 25 million pairs alone."""


@dataclass(frozen=True)
class SignedRanks:
    """A paired comparison, and what it says of the size of the difference.

    Shifts that the test does not reject make its interval, so that the interval at a level excludes 0 exactly where p
    lies below that level. Both count Walsh averages, (d_i + d_j) / 2 for i <= j: as many of them are not above a shift
    as the ranks of what lies below it sum up to. Differences of 0 are left out. Ranks of equal size are shared, and of
    such a pair with different signs the average, 0, counts against a difference in either direction.

    Source: Wilcoxon 1945; Tukey's interval, and the median of Walsh averages of Hodges and Lehmann 1963, as in
    Hollander, Wolfe and Chicken 2014, sections 3.1 to 3.3.

    Attributes:
        n: With those that are 0.
        p: Two-sided.
        direction: 1 where the differences' ranks are mostly positive, -1, or 0.
        method: How p was found: from all assignments of signs, or from those that were drawn.
    """

    n: int
    positive: int
    negative: int
    p: float
    direction: int
    method: TestMethod
    _averages: WalshAverages = field(compare=False, repr=False)
    _null: "_ExactSums | _DrawnSums" = field(compare=False, repr=False)

    def interval(self, level: float) -> Interval | None:
        """Return the typical differences that a test at a level does not reject, both ends among them.

        Args:
            level: Of both sides together: 0.05 gives 95 %.

        Returns:
            None where so few pairs differ that the test can reject nothing at that level.
        """
        count = self._averages.count
        rejected = bisect.bisect_left(range(count + 1), level / 2, key=self._null.reaching(level / 2).at_most)
        if not rejected:
            return None
        return Interval(self._averages.smallest(rejected), self._averages.smallest(count - rejected + 1))

    @cached_property
    def typical(self) -> float | None:
        """The median of the Walsh averages of the pairs that differ, 0 where none does; None without a pair."""
        count = self._averages.count
        if not count:
            return 0.0 if self.n else None
        middle = np.array([self._averages.smallest((count + 1) // 2), self._averages.smallest(count // 2 + 1)])
        if middle[0] == middle[1]:
            return float(middle[0])
        return float(np.nan_to_num(middle.mean(), posinf=math.inf, neginf=-math.inf))


def signed_ranks(differences: np.ndarray) -> SignedRanks:
    """Return Wilcoxon's signed-rank test of paired differences: how often signs drawn by a coin lie as far apart.

    p is the share of all assignments of signs to the ranks at hand for which the sums of positive and of negative ranks
    differ by at least as much. That is exact, also with ties of one sign. For each two that are equal but for the sign,
    half a rank is taken from the larger sum, so that the interval can agree: p is an upper bound then. It has no jumps
    where the number of pairs grows or two of them become equal. Tests that go by tables or by the normal distribution,
    as scipy's does with ties or above 50 pairs, have: of 51 pairs that agree they make p 290,000 times larger than of
    50.

    Args:
        differences: float64, (n,), without NaN; infinite ones rank above all finite ones, and zeros are left out. With
            no difference at all, and with no pair, p is 1. Above `MOST_EXACT` that differ, `SIGN_DRAWS` seeded
            assignments are drawn, and p is never below 1 / (1 + `SIGN_DRAWS`).
    """
    positive, negative = int(np.count_nonzero(differences > 0)), int(np.count_nonzero(differences < 0))
    there = np.asarray(differences[differences != 0], np.float64)
    averages = WalshAverages(there)
    exact = len(there) <= MOST_EXACT
    null = _exact_sums(_doubled_ranks(there)) if exact else _DrawnSums(_doubled_ranks(there))
    below = averages.below(0.0)
    above = averages.count - averages.at_most(0.0)
    p = min(1.0, 2 * null.at_most(averages.count - max(above, below)))
    direction = (above > below) - (above < below)
    method: TestMethod = "exact" if exact else "permutation"
    return SignedRanks(len(differences), positive, negative, p, direction, method, averages, null.kept())


def smallest_p(n: int) -> float:
    """Return the least that p can be for so many pairs: all differ, in one direction."""
    return min(1.0, 2.0 ** (1 - n)) if n <= MOST_EXACT else 1 / (1 + SIGN_DRAWS)


def _doubled_ranks(differences: np.ndarray) -> np.ndarray:
    """Return ranks by size: ties share the mean of theirs, a whole number or a half; doubled, all are whole."""
    from scipy.stats import rankdata  # noqa: PLC0415 - slow to import, and only reports need it

    return np.asarray(np.rint(2 * rankdata(np.abs(differences))), np.int64)


class _ExactSums:
    """Sums of the ranks of which a coin takes each, by all assignments.

    Kept of them is what levels of tests can ask for: of 2000 ranks a tenth.
    """

    def __init__(self, doubled_ranks: np.ndarray) -> None:
        """Add probabilities rank by rank, sum by sum, up to half of all: beyond, no p is below 1.

        Nothing is subtracted, so that small probabilities are as exact as large ones.

        Args:
            doubled_ranks: int64, (n,), positive.
        """
        self._ranks, self._first = doubled_ranks, 0
        self._step = math.gcd(*doubled_ranks.tolist()) or 1
        last = int(doubled_ranks.sum()) // 2 // self._step
        probability = np.zeros(last + 1)
        probability[0] = 1.0
        reached = 0
        for rank in np.sort(doubled_ranks // self._step).tolist():
            reached = min(last, reached + rank)
            probability[: reached + 1] *= 0.5
            if rank <= reached:
                probability[rank : reached + 1] += probability[: reached + 1 - rank].copy()
        self._at_most = np.maximum(np.cumsum(probability), np.finfo(np.float64).tiny)

    def kept(self) -> "_ExactSums":
        """Return it without sums that are less probable than any level that is asked for."""
        kept = copy.copy(self)
        first = int(np.searchsorted(self._at_most, _LEAST_LEVEL))
        kept._first, kept._at_most = first, self._at_most[first:].copy()
        return kept

    def reaching(self, level: float) -> "_ExactSums":
        """Return it with all sums that are as probable as this."""
        return self if not self._first or level >= _LEAST_LEVEL else _exact_sums(self._ranks)

    def at_most(self, total: int) -> float:
        """Return the probability that the ranks taken sum up to at most this; 1 for more than half of all.

        Of what is not kept it is 0, which is below every level that this reaches.
        """
        place = 2 * total // self._step - self._first
        if place < 0:
            return 0.0
        return float(self._at_most[place]) if place < len(self._at_most) else 1.0


def _exact_sums(doubled_ranks: np.ndarray) -> _ExactSums:
    return _exact_sums_of(np.sort(doubled_ranks).tobytes())


@lru_cache(maxsize=1)
def _exact_sums_of(doubled_ranks: bytes) -> _ExactSums:
    """Return the sums of ranks; the last are remembered, as those of pairs without ties are all the same."""
    return _ExactSums(np.frombuffer(doubled_ranks, np.int64))


class _DrawnSums:
    """The same, of seeded draws; the assignment at hand counts as one of them.

    Source: Phipson and Smyth 2010, Permutation p-values should never be zero.
    """

    def __init__(self, doubled_ranks: np.ndarray) -> None:
        draw = np.random.Generator(np.random.PCG64(_SEED))
        found = []
        for first in range(0, SIGN_DRAWS, _DRAWN_AT_ONCE):
            shape = (min(_DRAWN_AT_ONCE, SIGN_DRAWS - first), len(doubled_ranks))
            found.append(draw.integers(0, 2, shape, dtype=np.int8) @ doubled_ranks.astype(np.float64))
        sums = np.concatenate(found)
        self._smaller = np.sort(np.minimum(sums, doubled_ranks.sum() - sums))

    def kept(self) -> "_DrawnSums":
        """Return it as it is: it is as large for few ranks as for many."""
        return self

    def reaching(self, _level: float) -> "_DrawnSums":
        """Return it as it is."""
        return self

    def at_most(self, total: int) -> float:
        """Return the probability, one-sided, that the ranks taken sum up to at most this."""
        found = int(np.searchsorted(self._smaller, 2 * total, side="right"))
        return (1 + found) / (1 + SIGN_DRAWS) / 2

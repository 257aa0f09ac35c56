"""What scores of many pictures allow to say: intervals of means, and tests of differences over the same pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
"""Bootstrap resamples of the pictures."""

CONFIDENCE = 0.95
"""How often such an interval holds the mean over all pictures of that kind."""

SMALLEST = 5
"""Fewer pictures than this give no interval: there are too few different resamples of them."""

_SEED = 20180618
_NOISE_DECIMALS = 9


@dataclass(frozen=True)
class Interval:
    """A range that holds the true value with a probability of `CONFIDENCE`."""

    low: float
    high: float


def mean_interval(values: np.ndarray) -> Interval | None:
    """Return the bootstrap interval of the mean of a sample; None below `SMALLEST` values.

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
    """

    n: int
    positive: int
    negative: int
    p: float
    direction: int


def signed_ranks(differences: np.ndarray) -> SignedRanks:
    """Return Wilcoxon's signed-rank test of paired differences.

    Source: Wilcoxon 1945, Pratt 1959; as scipy.stats.wilcoxon computes it.

    Args:
        differences: float64, (n,), without NaN; infinite ones rank above all finite ones. Zeros keep their ranks
            (Pratt). With no difference at all, and with no pair, p is 1. Exact for up to 50 pairs without ties, and for
            up to 13 with.
    """
    positive, negative = int(np.count_nonzero(differences > 0)), int(np.count_nonzero(differences < 0))
    if not positive and not negative:
        return SignedRanks(len(differences), 0, 0, 1.0, 0)
    from scipy.stats import rankdata, wilcoxon  # noqa: PLC0415 - slow to import, and only reports need it

    finite = np.abs(differences[np.isfinite(differences)])
    largest = 2 * float(finite.max(initial=1.0))
    ranked = np.clip(differences, -largest, largest)
    p = float(wilcoxon(ranked, zero_method="pratt").pvalue)
    balance = float(np.sum(np.sign(ranked) * rankdata(np.abs(ranked))))
    return SignedRanks(len(differences), positive, negative, p, int(np.sign(balance)))


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

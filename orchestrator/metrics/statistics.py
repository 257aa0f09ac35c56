"""What scores of many pictures allow to say: intervals of means, and levels at which several tests hold together."""

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


def holm_levels(p_values: Sequence[float], level: float) -> tuple[float, ...]:
    """Return the level at which Holm's procedure tests each p-value: it rejects exactly those below theirs.

    The smallest of m is tested at level / m, the next at level / (m - 1), and so on, equal ones at the same; from the
    first that is not below its level on, all stand at that level. Intervals at these levels agree with what is
    rejected, and none is narrower than one of a single comparison.

    Args:
        level: Of all together.
    """
    levels = [level] * len(p_values)
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    own, rejecting = level, True
    for place, index in enumerate(order):
        if rejecting and (place == 0 or p_values[index] > p_values[order[place - 1]]):
            own = level / (len(p_values) - place)
            rejecting = p_values[index] < own
        levels[index] = own
    return tuple(levels)

"""How probable it is that an entrant has the best mean, were pictures and runs drawn again."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

DRAWS = 10_000
"""Draws of pictures, and of runs, with replacement."""

_SEED = 20180618
_DRAWN_AT_ONCE = 1_000_000
_NOISE_DECIMALS = 9


def chances_of_best(scores: Mapping[str, np.ndarray], better: Literal["higher", "lower"]) -> Mapping[str, float]:
    """Return the share of bootstrap draws in which each entrant has the best mean; they sum up to 1.

    In draw b the same n of n pictures are drawn with replacement for all entrants, and for an entrant of R runs R of
    its runs: P(e) = (1/B) sum_b [e in best_b] / |best_b|, where best_b are the entrants whose mean is the best of draw
    b. Who ties shares the draw.

    Source: Efron 1979, Bootstrap methods; Hall and Miller 2009, Using the bootstrap to quantify the authority of an
    empirical ranking. It is no test: it knows no picture but those at hand, and of a few it is too sure.

    Args:
        scores: Name to scores, float64, (runs, pictures), without NaN. Pictures count on which all scores are finite.

    Returns:
        {} where no picture is. {} also where one is infinite for some and finite for others: it is in no mean, and
        the means of the rest would speak against who was best there.
    """
    finite = np.isfinite(np.concatenate(list(scores.values()))) if scores else np.zeros((0, 0), np.bool_)
    counted = finite.all(axis=0)
    if not counted.any() or not np.array_equal(counted, finite.any(axis=0)):
        return {}
    sign = 1 if better == "higher" else -1
    values = [sign * runs[:, counted] for runs in scores.values()]
    draw = np.random.Generator(np.random.PCG64(_SEED))
    means = np.concatenate([_drawn_means(values, draw, count) for count in _chunks(values[0].shape[1])])
    best = means == means.max(axis=1, keepdims=True)
    shares = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return dict(zip(scores, shares.tolist(), strict=True))


def _chunks(pictures: int) -> list[int]:
    """Return how many draws are made at once, so that memory stays small."""
    most = max(1, _DRAWN_AT_ONCE // pictures)
    return [min(most, DRAWS - first) for first in range(0, DRAWS, most)]


def _drawn_means(values: list[np.ndarray], draw: np.random.Generator, count: int) -> np.ndarray:
    """Return means without the noise of floating-point sums: float64, (draws, entrants)."""
    pictures = _drawn_counts(draw, count, values[0].shape[1])
    columns = []
    for runs in values:
        totals = pictures @ runs.T
        often = _drawn_counts(draw, count, len(runs)) if len(runs) > 1 else np.ones((count, 1))
        columns.append((totals * often).sum(axis=1) / (len(runs) * runs.shape[1]))
    return np.round(np.stack(columns, axis=1), _NOISE_DECIMALS)


def _drawn_counts(draw: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Return how often each of some things is drawn when as many are drawn with replacement: (draws, things)."""
    places = draw.integers(0, size, (count, size)) + size * np.arange(count)[:, None]
    return np.bincount(places.ravel(), minlength=count * size).reshape(count, size).astype(np.float64)

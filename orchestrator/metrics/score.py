"""What a metric answers for one picture: a number, or why there is none."""

import math
from collections.abc import Callable

import numpy as np

from stagekit.results.scores import NotMeasured, Score

Metric = Callable[[np.ndarray, np.ndarray], Score]
"""Scores a prediction (first) against its truth (second): uint8, (H, W, 3), RGB, of one size."""


def defined_score(score: Score) -> Score:
    """Return a score as files hold it: a number, which may be infinite, or why there is none."""
    if isinstance(score, NotMeasured):
        return score
    return NotMeasured("undefined for this picture") if math.isnan(score) else float(score)


def smaller_than(picture: np.ndarray, side: int, what: str) -> NotMeasured | None:
    """Return why a picture cannot be measured with something `side` pixels wide and high, or None where it can."""
    height, width = picture.shape[:2]
    if min(height, width) >= side:
        return None
    return NotMeasured(f"{height} x {width} pixels are less than {what} needs ({side} x {side})")

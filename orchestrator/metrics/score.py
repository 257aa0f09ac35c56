"""What a metric answers for one picture: a number, or why there is none."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class NotMeasured:
    """A metric has no value for a picture. reason: a phrase, such as 'smaller than the window of 11 x 11 pixels'."""

    reason: str


Score = float | NotMeasured

Metric = Callable[[np.ndarray, np.ndarray], Score]
"""Scores a prediction (first) against its truth (second): uint8, (H, W, 3), RGB, of one size."""


def plain_score(score: Score) -> float | str | dict[str, str]:
    """Return a score as JSON holds it: the number, 'inf', or why it was not measured."""
    if isinstance(score, NotMeasured):
        return {"not_measured": score.reason}
    if math.isnan(score):
        return {"not_measured": "undefined for this picture"}
    return "inf" if math.isinf(score) else float(score)


def smaller_than(picture: np.ndarray, side: int, what: str) -> NotMeasured | None:
    """Return why a picture cannot be measured with something `side` pixels wide and high, or None where it can."""
    height, width = picture.shape[:2]
    if min(height, width) >= side:
        return None
    return NotMeasured(f"{height} x {width} pixels are less than {what} needs ({side} x {side})")

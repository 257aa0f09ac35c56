"""Global reductions over tiles: numbers of the whole picture, put together in float64 in the order of the tiles.

Source of the pooled variance: Chan, Golub and LeVeque 1983; the part between tiles is counted, which pooling the
tiles' own variances forgets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from orchestrator.infer.graphs.node import Array

_Float64 = npt.NDArray[np.float64]


@dataclass
class Statistics:
    """What is known of one map after some of its tiles: a number per channel each."""

    count: int = 0
    mean: _Float64 = field(default_factory=lambda: np.zeros(1))
    deviation: _Float64 = field(default_factory=lambda: np.zeros(1))
    squares: _Float64 = field(default_factory=lambda: np.zeros(1))
    max: _Float64 = field(default_factory=lambda: np.full(1, -np.inf))
    min: _Float64 = field(default_factory=lambda: np.full(1, np.inf))

    def add(self, row_statistics: Mapping[str, Array], width: int) -> None:
        """Take a tile in.

        Args:
            row_statistics: float32 (1, C, rows, 1) each, of its rows.
            width: Pixels of a row.
        """
        rows = {name: value[0, :, :, 0].astype(np.float64) for name, value in row_statistics.items()}
        if "mean" in rows:
            self._add_moments(rows["mean"], rows.get("deviation"), width)
        if "squares" in rows:
            self.squares = self.squares + rows["squares"].sum(axis=1)
        if "max" in rows:
            self.max = np.maximum(self.max, rows["max"].max(axis=1))
        if "min" in rows:
            self.min = np.minimum(self.min, rows["min"].min(axis=1))

    def _add_moments(self, means: _Float64, deviations: _Float64 | None, width: int) -> None:
        """Take in the moments of rows.

        Args:
            means: Of each row, (C, rows).
            deviations: Sum of squared distances from it.
        """
        count, mean = means.shape[1] * width, means.mean(axis=1)
        total = self.count + count
        apart = mean - self.mean
        if deviations is not None:
            own = deviations.sum(axis=1) + width * ((means - mean[:, None]) ** 2).sum(axis=1)
            self.deviation = self.deviation + own + apart**2 * (self.count * count / total)
        self.mean = self.mean + apart * (count / total)
        self.count = total

    def result(self, kind: str) -> Array:
        """Return a global reduction's number per channel, float32.

        Args:
            kind: As of `GlobalReduction`.
        """
        found = {
            "mean": self.mean,
            "sum": self.mean * self.count,
            "variance": self.deviation / max(1, self.count),
            "squares": self.squares,
            "max": self.max,
            "min": self.min,
        }[kind]
        return found.astype(np.float32)

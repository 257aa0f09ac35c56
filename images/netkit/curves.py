"""Training curves that stay small however long the training is."""

from typing import Any, Dict, List, Mapping, Tuple

from stagekit.results.curves import CurvePoint, CurvesFile

POINTS = 2000
"""Largest number of points that a curve keeps."""


class Curves:
    """Losses over the steps; where there are too many points, neighbours are merged into their mean.

    A point is the mean over `stride` steps; a loss that some of them lack is the mean over those that have it.
    """

    def __init__(self, points: int = POINTS) -> None:
        self._limit = points
        self._stride = 1
        self._closed: List[Dict[str, Any]] = []
        self._open: List[Dict[str, Any]] = []

    def add(self, step: int, epoch: int, losses: Mapping[str, float], rate: float, seconds: float) -> None:
        """Record a step.

        Args:
            step: Counted from 1.
            seconds: Since the training began, pauses left out.
        """
        counted = {name: (float(value), 1) for name, value in losses.items()}
        self._open.append({"step": step, "epoch": epoch, "losses": counted, "rate": rate, "seconds": seconds})
        if len(self._open) < self._stride:
            return
        self._closed.append(_merged(self._open))
        self._open = []
        if len(self._closed) >= self._limit:
            pairs = [self._closed[index : index + 2] for index in range(0, len(self._closed), 2)]
            self._closed = [_merged(pair) for pair in pairs]
            self._stride *= 2

    def file(self) -> CurvesFile:
        """Return the content of ``curves.json``; the last point is the last step's."""
        merged = self._closed + ([_merged(self._open)] if self._open else [])
        return CurvesFile(tuple(_point(point) for point in merged))

    def state(self) -> Dict[str, Any]:
        """Return what `restore` needs to go on as if nothing had happened, as JSON values."""
        return {"stride": self._stride, "closed": self._closed, "open": self._open}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned."""
        self._stride = state["stride"]
        self._closed = list(state["closed"])
        self._open = list(state["open"])


def _merged(points: List[Dict[str, Any]]) -> Dict[str, Any]:
    """Return one point for several neighbours, at the last one's place."""
    sums: Dict[str, Tuple[float, int]] = {}
    for point in points:
        for name, (mean, count) in point["losses"].items():
            before, number = sums.get(name, (0.0, 0))
            sums[name] = (before + mean * count, number + count)
    losses = {name: (total / count, count) for name, (total, count) in sums.items()}
    return {**points[-1], "losses": losses}


def _point(point: Dict[str, Any]) -> CurvePoint:
    losses = {name: mean for name, (mean, _count) in point["losses"].items()}
    return CurvePoint(point["step"], point["epoch"], losses, point["rate"], point["seconds"])

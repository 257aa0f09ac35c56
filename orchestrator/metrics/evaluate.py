"""From comparisons to the scores of every picture: on all processors, in the dataset's order, in bounded memory."""

import collections
import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol

import numpy as np

from orchestrator.metrics.pictures import ScoredPicture, read_pictures
from orchestrator.metrics.protocol import function_of
from orchestrator.metrics.score import defined_score
from stagekit import OutOfMemory, settle_worker
from stagekit.measures import Metric
from stagekit.results.scores import NotMeasured, Score

Step = Callable[[], None]
"""Called after every picture; it may raise to stop the work."""

PictureScores = dict[str, dict[str, Score]]
"""Scores by the picture's id, then by metric."""

_AHEAD = 4
_WORTH_PROCESSES = 8 * 2**20
_BATCH_PIXELS = 2**21
_LARGEST_BATCH = 32
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Distance(Protocol):
    """What LPIPS does; see `perceptual.PerceptualDistance`."""

    def distances(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[Score]:
        """Return the distances of pairs of pictures of one size."""


def picture_scores(
    comparisons: Sequence[ScoredPicture],
    metrics: Sequence[Metric],
    step: Step,
    workers: int = 1,
    *,
    border: int = 0,
) -> PictureScores:
    """Return the scores of every picture by its id and the metric's name, in the order of the comparisons.

    A picture without a prediction, or with one of another size, is not measured in any metric, and says why.

    Args:
        metrics: Those of a protocol that need no network.
        workers: Processes that score; a few pictures are scored without, for a process takes time to begin.
        border: Pixels along each side that are left out.

    Raises:
        BadInput: Where pictures cannot be read.
        OutOfMemory: Where a process was killed.
    """
    scores: PictureScores = {}
    for comparison, found in zip(comparisons, _scored(comparisons, tuple(metrics), border, workers), strict=True):
        scores[comparison.id] = found
        step()
    return scores


def perceptual_scores(
    comparisons: Sequence[ScoredPicture], distance: Distance, step: Step, *, swapped: bool = False, border: int = 0
) -> dict[str, Score]:
    """Return LPIPS of every picture by its id; neighbours of one size go through the network together.

    Args:
        swapped: Exchange red and blue.
        border: Pixels along each side that are left out.

    Raises:
        BadInput: Where pictures cannot be read.
        OutOfMemory: Where the features do not fit.
    """
    scores: dict[str, Score] = {}
    batch: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def finish() -> None:
        if batch:
            scores.update(zip(batch, map(defined_score, distance.distances(list(batch.values()))), strict=True))
            for _ in batch:
                step()
            batch.clear()

    for comparison in comparisons:
        pair = read_pictures(comparison, border)
        if isinstance(pair, NotMeasured):
            scores[comparison.id] = pair
            step()
            continue
        if batch and not _fits(next(iter(batch.values()))[1], pair[1], len(batch)):
            finish()
        batch[comparison.id] = (pair[0][..., ::-1], pair[1][..., ::-1]) if swapped else pair
    finish()
    return scores


def _fits(first: np.ndarray, other: np.ndarray, count: int) -> bool:
    """Whether one more picture goes into a batch of `count` that begins with `first`."""
    height, width = first.shape[:2]
    return first.shape == other.shape and count < min(_LARGEST_BATCH, max(1, _BATCH_PIXELS // (height * width)))


def _scored(
    comparisons: Sequence[ScoredPicture], metrics: tuple[Metric, ...], border: int, workers: int
) -> Iterator[dict[str, Score]]:
    if workers < 2 or _bytes(comparisons) < _WORTH_PROCESSES:
        yield from (_score(comparison, metrics, border) for comparison in comparisons)
        return
    waiting: collections.deque[Future[dict[str, Score]]] = collections.deque()
    with _pool(workers) as pool:
        try:
            for comparison in comparisons:
                waiting.append(pool.submit(_score, comparison, metrics, border))
                if len(waiting) > workers * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise OutOfMemory(
                "a process that scores pictures was killed, most likely for want of memory",
                "raise the experiment's memory",
            ) from error


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Hold processes that each use one thread: spawned, for a fork would copy a framework's threads as they are."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=settle_worker)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _bytes(comparisons: Sequence[ScoredPicture]) -> int:
    paths = [path for comparison in comparisons for path in (comparison.prediction, comparison.truth) if path]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _score(comparison: ScoredPicture, metrics: tuple[Metric, ...], border: int) -> dict[str, Score]:
    pair = read_pictures(comparison, border)
    if isinstance(pair, NotMeasured):
        return {metric.name: pair for metric in metrics}
    return {metric.name: defined_score(function_of(metric)(*pair)) for metric in metrics}

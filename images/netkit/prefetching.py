"""Samples made ahead of time in processes of their own, so that the device never waits for a picture.

What a sample becomes is a pure function of its seed, epoch and place: the number of processes changes nothing.
"""

import collections
import concurrent.futures
import multiprocessing
import os
import time
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Callable, Deque, Iterable, Iterator, Optional, Tuple

from stagekit import OutOfMemory, StageContext, settle_worker

WORKER_BYTES = 160 * 2**20
"""Resident memory of one process: the interpreter, NumPy, SciPy, Pillow and a few pictures."""

_MOST_WORKERS = 4
_AHEAD = 2

Prepare = Callable[[int, Any], Any]
"""From an epoch's number and a batch's samples to what a step is given; None where all of them are skipped.

It travels to other processes: a function of a module that imports no framework, or a `functools.partial` of one.
"""


def worker_count(context: StageContext) -> int:
    """Return how many processes prepare samples: what the request says, else one for a CPU and up to four for a GPU."""
    if context.request.workers is not None:
        return context.request.workers
    if context.request.device == "cpu":
        return 1
    return max(1, min(_MOST_WORKERS, len(os.sched_getaffinity(0)) - 1))


class PrefetchingLoader:
    """Batches in their order, prepared a little ahead.

    Args:
        workers: Processes; 0 prepares each batch when it is asked for. `waited` counts the seconds that the caller
            waited.
    """

    def __init__(self, prepare: Prepare, workers: int) -> None:
        self.waited = 0.0
        self._prepare = prepare
        self._ahead = workers * _AHEAD
        self._pool: Optional[concurrent.futures.ProcessPoolExecutor] = None
        if workers:
            # Spawned, not forked: a fork would copy a framework's threads and locks in whatever state they are.
            context = multiprocessing.get_context("spawn")
            self._pool = concurrent.futures.ProcessPoolExecutor(workers, context, initializer=settle_worker)

    def batches(self, jobs: Iterable[Tuple[int, Any]]) -> Iterator[Any]:
        """Yield what `prepare` makes of each (epoch, samples), in order.

        Raises what `prepare` raises, at its batch; OutOfMemory where a process was killed.
        """
        waiting: Deque[Any] = collections.deque()
        source = iter(jobs)
        while True:
            started = time.monotonic()
            while len(waiting) <= self._ahead:
                job = next(source, None)
                if job is None:
                    break
                waiting.append(self._begun(*job))
            if not waiting:
                return
            try:
                made = waiting.popleft()()
            except BrokenProcessPool as error:
                raise OutOfMemory(
                    "a process that prepares samples was killed, most likely for want of memory",
                    "raise the experiment's memory, or run with fewer --workers",
                ) from error
            self.waited += time.monotonic() - started
            yield made

    def close(self) -> None:
        """End the processes; what they still prepare is thrown away."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                process.kill()
                process.join()
            # Waited for: Python 3.8's own thread fails, and says so, where the pool is gone before it.
            self._pool.shutdown(wait=True)

    def __enter__(self) -> "PrefetchingLoader":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _begun(self, epoch: int, samples: Any) -> Callable[[], Any]:
        if self._pool is None:
            return lambda: self._prepare(epoch, samples)
        return self._pool.submit(self._prepare, epoch, samples).result

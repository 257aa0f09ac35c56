"""The course of a training: epochs, steps, checkpoints, curves; the same for every network and framework."""

import contextlib
import dataclasses
import math
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Protocol, Sequence, Tuple

import numpy as np

from netkit.checkpoints import Checkpoints
from netkit.curves import Curves
from netkit.events import Events
from netkit.prefetching import PrefetchingLoader, Prepare, worker_count
from netkit.sampling import described
from stagekit import StageContext, StageError
from stagekit.results.apart import save_apart
from stagekit.results.train import Features, TrainFile, TrainingMemory

SAVE_EVERY_S = 300.0
"""Seconds between checkpoints where the request names none."""

_FLUSH_EVERY_S = 0.2

Losses = Mapping[str, Any]
"""Scalars by name, on whatever device; `Fetch` brings them to the host."""

Fetch = Callable[[Sequence[Losses]], List[Dict[str, float]]]
"""Brings the losses of several steps to the host, in one transfer."""


class Trainable(Protocol):
    """The networks and optimisers of a training: everything that a step changes."""

    def save(self, path: str) -> None:
        """Write all of it to exactly this path."""

    def load(self, path: str) -> None:
        """Read what `save` wrote, exactly."""

    def non_finite_tensor(self) -> Optional[str]:
        """Return the name of a tensor that is not finite, None where all are."""

    def pictures(self) -> Mapping[str, np.ndarray]:
        """Return pictures of the last step by name, float32 RGB in [0, 1], (H, W, 3); there may be none."""


@dataclasses.dataclass(frozen=True)
class Step:
    """What one step is given.

    Attributes:
        number: Optimiser steps done before it.
        epoch: From 0.
        batch: The samples, in order.
        rate: The generator's.
        data: What was prepared of the samples.
    """

    number: int
    epoch: int
    batch: Sequence[Any]
    rate: float
    data: Any = None


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long a training is and what it sees.

    Attributes:
        epoch: From an epoch's number, the samples of that epoch; must be a pure function.
        rate: From an epoch's number, the learning rate.
        batch: Samples per step; what is left of an epoch makes a smaller last batch.
        steps: Stop after this many optimiser steps; None goes through all epochs.
        length: From an epoch's number, how many samples it has; None where all have as many as the first.
    """

    epochs: int
    epoch: Callable[[int], Sequence[Any]]
    rate: Callable[[int], float]
    batch: int = 1
    steps: Optional[int] = None
    length: Optional[Callable[[int], int]] = None

    @classmethod
    def of(
        cls,
        recipe: Mapping[str, Any],
        epoch: Callable[[int], Sequence[Any]],
        rate: Callable[[int], float],
        length: Optional[Callable[[int], int]] = None,
    ) -> "Schedule":
        """Return the schedule of a recipe."""
        return cls(recipe["epochs"], epoch, rate, recipe["batch"], recipe["steps"], length)

    def jobs(self, epoch: int, place: int) -> Iterator["Job"]:
        """Yield the batches from a position on, epoch after epoch."""
        for number in range(epoch, self.epochs):
            samples = self.epoch(number)
            for begin in range(place, len(samples), self.batch):
                batch = samples[begin : begin + self.batch]
                yield Job(number, begin + len(batch), batch, begin + len(batch) >= len(samples))
            place = 0

    def total(self) -> int:
        """Return how many steps there are where no sample is skipped."""
        first = len(self.epoch(0)) if self.length is None else 0
        lengths = [first if self.length is None else self.length(number) for number in range(self.epochs)]
        steps = sum(math.ceil(length / self.batch) for length in lengths)
        return min(steps, self.steps or steps)


@dataclasses.dataclass(frozen=True)
class Job:
    """One batch of an epoch.

    Attributes:
        reached: Samples of the epoch that are through after it.
        last: Whether it ends it.
    """

    epoch: int
    reached: int
    batch: Sequence[Any]
    last: bool


@dataclasses.dataclass(frozen=True)
class _Done:
    """A step whose losses are still on the device."""

    number: int
    job: Job
    losses: Losses
    rate: float
    seconds: float


StepFunction = Callable[[Step], Losses]
"""Does one step and returns its losses; it need not wait until they are known."""


def on_host(losses: Sequence[Losses]) -> List[Dict[str, float]]:
    """Return losses that are plain numbers already."""
    return [{name: float(value) for name, value in step.items()} for step in losses]


class TrainingRun:
    """One training in a stage: goes on from its newest checkpoint, and ends with curves and facts on disk.

    Checkpoints are written after every epoch, on SIGTERM, and every so many seconds as the request says.

    Args:
        prepare: Makes of samples what a step is given, in processes of its own; None skips them and changes
            nothing.
    """

    def __init__(self, context: StageContext, schedule: Schedule, trainable: Trainable, prepare: Prepare) -> None:
        self._context = context
        self._schedule = schedule
        self._trainable = trainable
        self._prepare = prepare
        self._checkpoints = Checkpoints(context.work(), context.warn)
        self._curves = Curves()
        self._position = {"epoch": 0, "place": 0, "done": 0, "samples": 0, "skipped": 0, "saves": 0}
        self._times = {"seconds": 0.0, "waiting_s": 0.0}
        self._pending: List[_Done] = []
        self._flushed = self._saved = time.monotonic()
        self._unsaved = False

    def run(self, step: StepFunction, fetch: Fetch = on_host, snapshot: Optional[Callable[[str], None]] = None) -> None:
        """Do every step that is left.

        Args:
            snapshot: Writes the weights to a path that it gets without its ending, after each epoch (counted from 1)
                that the setting `snapshots` names.

        Raises:
            Interrupted: After SIGTERM, with a checkpoint on disk.
            StageError: Where every sample was skipped, where a loss or a weight is not finite (the last good checkpoint
                is kept), or where a checkpoint cannot be written.
        """
        self._resume()
        total = self._schedule.total()
        loader = PrefetchingLoader(self._prepare, worker_count(self._context))
        events = Events(self._context.facts("events"), self._position["done"], total)
        with loader, contextlib.closing(events):
            for job, data in self._loaded(loader):
                if data is None:
                    self._position["skipped"] += len(job.batch)
                else:
                    self._one(job, data, step)
                self._position["place"] = job.reached
                self._unsaved = True
                if job.last or self._time_to_flush(total):
                    self._flush(fetch, events, total)
                if job.last:
                    self._end_epoch(events, snapshot)
                self._save_when_due(fetch, events, total)
                if self._finished():
                    break
            self._flush(fetch, events, total)
        if not self._position["done"]:
            raise StageError(
                "every one of %d samples was skipped: too dark, or reflections darker than transmissions"
                % self._position["skipped"],
                "give the training brighter reflections, or more samples per epoch",
            )
        if self._unsaved:
            self._save()

    def finish(
        self, *, features: Features, parameters: int, notes: Sequence[str], memory: Optional[TrainingMemory] = None
    ) -> None:
        """Write ``curves.json`` and ``train.json``, times and memory beside them.

        Args:
            features: Which weights the losses' feature network had.
            parameters: Of the trained network.
        """
        position = self._position
        skipped = "%d samples were skipped, as the paper's program does" % position["skipped"]
        training = TrainFile(
            steps=position["done"],
            epochs=position["epoch"],
            samples=position["samples"],
            features=features,
            parameters=parameters,
            notes=(*notes, *((skipped,) if position["skipped"] else ())),
            seconds=self._times["seconds"],
            waiting_s=self._times["waiting_s"],
            memory=memory,
        )
        for result in (self._curves.file(), training):
            save_apart(result, self._context.output(), self._context.facts())

    def _loaded(self, loader: PrefetchingLoader) -> Iterator[Tuple[Job, Any]]:
        """Yield every batch that is left with what was prepared of it, and count the time that it takes."""
        if self._finished():
            return
        ahead: List[Job] = []

        def announced() -> Iterator[Tuple[int, Sequence[Any]]]:
            for job in self._schedule.jobs(self._position["epoch"], self._position["place"]):
                ahead.append(job)
                yield job.epoch, job.batch

        before, waited = time.monotonic(), loader.waited
        for data in loader.batches(announced()):
            yield ahead.pop(0), data
            now = time.monotonic()
            self._times["seconds"] += now - before
            self._times["waiting_s"] += loader.waited - waited
            before, waited = now, loader.waited

    def _one(self, job: Job, data: Any, step: StepFunction) -> None:
        position = self._position
        rate = self._schedule.rate(job.epoch)
        losses = step(Step(position["done"], job.epoch, job.batch, rate, data))
        position["done"] += 1
        position["samples"] += len(job.batch)
        self._pending.append(_Done(position["done"], job, losses, rate, round(self._times["seconds"], 3)))

    def _time_to_flush(self, total: int) -> bool:
        return time.monotonic() - self._flushed >= _FLUSH_EVERY_S or self._position["done"] >= total

    def _flush(self, fetch: Fetch, events: Events, total: int) -> None:
        """Bring the losses of the last steps to the host, and record them."""
        now = time.monotonic()
        taken, self._flushed = now - self._flushed, now
        pending, self._pending = self._pending, []
        if not pending:
            return
        speed = sum(len(done.job.batch) for done in pending) / max(taken, 1e-9)
        found = fetch([done.losses for done in pending])
        for done, losses in zip(pending, found):
            _check_finite(losses, done)
            self._curves.add(done.number, done.job.epoch, losses, done.rate, done.seconds)
            scalars = {"loss/" + name: value for name, value in losses.items()}
            events.scalars(done.number, {**scalars, "rate": done.rate, "pictures_per_s": speed})
        self._context.progress(
            pending[-1].number, total, "steps", {**found[-1], "rate": pending[-1].rate, "pictures_per_s": speed}
        )

    def _end_epoch(self, events: Events, snapshot: Optional[Callable[[str], None]]) -> None:
        position = self._position
        position.update(epoch=position["epoch"] + 1, place=0)
        events.pictures(position["done"], self._trainable.pictures())
        if snapshot is not None and position["epoch"] in self._context.request.settings.get("snapshots", ()):
            snapshot(self._context.output("snapshots", "epoch_%04d" % position["epoch"]))
        self._save()

    def _finished(self) -> bool:
        steps = self._schedule.steps
        return self._position["epoch"] >= self._schedule.epochs or (
            steps is not None and self._position["done"] >= steps
        )

    def _save_when_due(self, fetch: Fetch, events: Events, total: int) -> None:
        every = self._context.request.checkpoint_s
        due = time.monotonic() - self._saved >= (SAVE_EVERY_S if every is None else every)
        if due or self._context.stop_requested:
            self._flush(fetch, events, total)
            self._save()
        if self._context.stop_requested:
            self._context.interrupt()

    def _save(self) -> None:
        tensor = self._trainable.non_finite_tensor()
        if tensor is not None:
            raise _lost("after step %d of epoch %d" % (self._position["done"], self._position["epoch"] + 1), tensor)
        self._position["saves"] += 1
        facts = {"position": self._position, "curves": self._curves.state(), "times": self._times}
        name = self._checkpoints.save(self._position["saves"], self._trainable.save, facts)
        self._context.checkpoint(name, self._position["done"])
        self._saved = time.monotonic()
        self._unsaved = False

    def _resume(self) -> None:
        facts = self._checkpoints.restore(self._trainable.load)
        if facts is not None:
            self._position.update(facts["position"])
            self._curves.restore(facts["curves"])
            self._times.update(facts["times"])
            self._context.note(
                "the training goes on from its checkpoint: %d steps are done, it is in epoch %d of %d"
                % (self._position["done"], self._position["epoch"] + 1, self._schedule.epochs)
            )
        self._flushed = self._saved = time.monotonic()


def _check_finite(losses: Mapping[str, float], done: _Done) -> None:
    wrong = [name for name, value in losses.items() if not math.isfinite(value)]
    if wrong:
        samples = ", ".join(map(described, done.job.batch))
        where = "at step %d, in epoch %d, with %s" % (done.number, done.job.epoch + 1, samples)
        raise _lost(where, "the loss " + " and ".join(wrong))


def _lost(where: str, what: str) -> StageError:
    return StageError(
        "%s the training lost its footing: %s is not a finite number" % (where, what),
        "lower the recipe's learning rate, or take the named sample out; the last good checkpoint is kept",
    )

"""The course of a training: epochs, steps, checkpoints, curves; the same for every network and framework."""

import dataclasses
import json
import math
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence

from netkit.checkpoints import Checkpoints
from netkit.curves import Curves
from stagekit import StageContext, StageError, write_atomically


class Trainable(Protocol):
    """The networks and optimisers of a training: everything that a step changes."""

    def save(self, path: str) -> None:
        """Write all of it to exactly this path."""

    def load(self, path: str) -> None:
        """Read what `save` wrote, exactly."""


@dataclasses.dataclass(frozen=True)
class Step:
    """What one step is given.

    number: optimiser steps done before it; epoch: from 0; batch: the samples, in order; rate: the generator's.
    """

    number: int
    epoch: int
    batch: Sequence[Any]
    rate: float


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long a training is and what it sees.

    epoch: from an epoch's number, the samples of that epoch; must be a pure function, of the same length each time
    rate: from an epoch's number, the learning rate
    batch: samples per step; what is left of an epoch makes a smaller last batch
    steps: stop after this many optimiser steps; None goes through all epochs
    """

    epochs: int
    epoch: Callable[[int], Sequence[Any]]
    rate: Callable[[int], float]
    batch: int = 1
    steps: Optional[int] = None

    @classmethod
    def of(cls, recipe: Mapping[str, Any], epoch: Callable[[int], Sequence[Any]], rate: Callable[[int], float]) -> Any:
        """Return the schedule of a recipe."""
        return cls(recipe["epochs"], epoch, rate, recipe["batch"], recipe["steps"])


StepFunction = Callable[[Step], Optional[Mapping[str, float]]]
"""Does one step and returns its losses, or None where the samples were skipped and nothing was changed."""


class TrainingRun:
    """One training in a stage: goes on from its newest checkpoint, and ends with curves and facts on disk.

    save_every_s: seconds between checkpoints, besides the one after every epoch and the one on SIGTERM.
    """

    def __init__(
        self, context: StageContext, schedule: Schedule, trainable: Trainable, save_every_s: float = 120.0
    ) -> None:
        self._context = context
        self._schedule = schedule
        self._trainable = trainable
        self._save_every_s = save_every_s
        self._checkpoints = Checkpoints(context.work(), context.warn)
        self._curves = Curves()
        self._position = {"epoch": 0, "place": 0, "done": 0, "samples": 0, "skipped": 0, "saves": 0}
        self._seconds = 0.0
        self._said = 0.0
        self._saved = 0.0

    def run(self, step: StepFunction) -> None:
        """Do every step that is left.

        Raises: Interrupted after SIGTERM, with a checkpoint on disk; StageError where every sample was skipped, or
        where a loss is not finite.
        """
        self._resume()
        position = self._position
        while not self._finished():
            samples = self._schedule.epoch(position["epoch"])
            self._run_epoch(samples, step)
            if position["place"] >= len(samples):
                position.update(epoch=position["epoch"] + 1, place=0)
                self._save()
        if not position["done"]:
            raise StageError(
                "every one of %d samples was skipped: too dark, or reflections darker than transmissions"
                % position["skipped"],
                "give the training brighter reflections, or more samples per epoch",
            )
        self._save()

    def finish(self, **facts: Any) -> None:
        """Write ``curves.json`` and ``train.json``. facts: features, parameters, notes and what else is known."""
        position = self._position
        counted = {"steps": position["done"], "epochs": position["epoch"], "samples": position["samples"]}
        notes: List[str] = list(facts.pop("notes", ()))
        if position["skipped"]:
            notes.append("%d samples were skipped, as the paper's program does" % position["skipped"])
        content: Dict[str, Any] = {**counted, "seconds": self._seconds, **facts, "notes": notes}
        for name, value in (("curves.json", self._curves.content()), ("train.json", content)):
            with write_atomically(self._context.output(name), "w") as stream:
                json.dump(value, stream, indent=1, allow_nan=False)

    def _run_epoch(self, samples: Sequence[Any], step: StepFunction) -> None:
        position, schedule = self._position, self._schedule
        rate = schedule.rate(position["epoch"])
        while position["place"] < len(samples) and not self._finished():
            begun = time.monotonic()
            batch = samples[position["place"] : position["place"] + schedule.batch]
            losses = step(Step(position["done"], position["epoch"], batch, rate))
            position["place"] += len(batch)
            taken = time.monotonic() - begun
            self._seconds += taken
            if losses is None:
                position["skipped"] += len(batch)
            else:
                position["done"] += 1
                position["samples"] += len(batch)
                self._record(_finite(losses, position["done"]), rate, len(batch) / max(taken, 1e-9), len(samples))
            self._save_when_due()

    def _record(self, losses: Mapping[str, float], rate: float, pictures_per_s: float, samples: int) -> None:
        position, schedule = self._position, self._schedule
        self._curves.add(position["done"], position["epoch"], losses, rate, round(self._seconds, 3))
        total = schedule.epochs * math.ceil(samples / schedule.batch)
        total = min(total, schedule.steps or total)
        now = time.monotonic()
        if now - self._said >= 0.2 or position["done"] == total:
            self._said = now
            scalars = {**losses, "rate": rate, "pictures_per_s": pictures_per_s}
            self._context.progress(position["done"], total, "steps", scalars)

    def _finished(self) -> bool:
        steps = self._schedule.steps
        return self._position["epoch"] >= self._schedule.epochs or (
            steps is not None and self._position["done"] >= steps
        )

    def _save_when_due(self) -> None:
        if self._context.stop_requested:
            self._save()
            self._context.interrupt()
        if time.monotonic() - self._saved >= self._save_every_s:
            self._save()

    def _save(self) -> None:
        self._position["saves"] += 1
        facts = {"position": self._position, "curves": self._curves.state(), "seconds": self._seconds}
        name = self._checkpoints.save(self._position["saves"], self._trainable.save, facts)
        self._context.checkpoint(name, self._position["done"])
        self._saved = time.monotonic()

    def _resume(self) -> None:
        self._saved = time.monotonic()
        facts = self._checkpoints.restore(self._trainable.load)
        if facts is not None:
            self._position.update(facts["position"])
            self._curves.restore(facts["curves"])
            self._seconds = facts["seconds"]


def _finite(losses: Mapping[str, float], step: int) -> Mapping[str, float]:
    wrong = [name for name, value in losses.items() if not math.isfinite(value)]
    if wrong:
        raise StageError(
            "at step %d the training lost its footing: %s is not a finite number" % (step, ", ".join(wrong)),
            "lower the recipe's learning rate",
        )
    return losses

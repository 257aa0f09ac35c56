"""How much memory a training will need: measured before it begins, on made-up pictures of the largest shape."""

import dataclasses
import json
import os
from typing import Any, Callable, List, Mapping, Optional, Protocol, Sequence, Tuple

from netkit.prefetching import WORKER_BYTES, worker_count
from stagekit import BudgetTooSmall, StageContext, peak_bytes, reset_peak, write_atomically
from stagekit.results.train import Device, TrainingMemory

CHECKPOINTING = "activation checkpointing"
"""Activations are computed again in the backward pass instead of being kept; the result is the same bit for bit."""

ACCUMULATION = "accumulation"
"""A batch goes through in parts whose gradients are added; the result is the same up to rounding."""

_PLAN = "memory.json"
_SMALL_PIXELS = 128 * 128
_SHARES = (4, 2)
_SIDE = 32
_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED", "bad_alloc")


@dataclasses.dataclass(frozen=True)
class Shape:
    """Pictures of a training step, in pixels."""

    height: int
    width: int
    batch: int = 1

    @property
    def pixels(self) -> int:
        """Pixels of the whole batch."""
        return self.height * self.width * self.batch

    def __str__(self) -> str:
        batches = " in batches of %d" % self.batch if self.batch > 1 else ""
        return "%d x %d pixels%s" % (self.height, self.width, batches)


class Meter(Protocol):
    """Measures the peak of the memory that a training's device uses."""

    def reset(self) -> None:
        """Forget the peak so far."""

    def peak(self) -> int:
        """Return the peak since the last reset, in bytes."""

    def budget(self, context: StageContext) -> Optional[int]:
        """Return how much there is, in bytes; None where nothing limits it."""


class HostMeter:
    """Resident memory of this process, with that of the processes that prepare samples.

    Args:
        later: Bytes that the framework will take besides what a rehearsal shows.
    """

    def __init__(self, workers: int = 0, later: int = 0) -> None:
        self._more = workers * WORKER_BYTES + later

    @classmethod
    def of(cls, context: StageContext, later: int = 0) -> "HostMeter":
        """Return the meter of a stage."""
        return cls(worker_count(context), later)

    def reset(self) -> None:
        """Forget the peak so far; where the kernel does not allow it, the peak since the start counts."""
        reset_peak()

    def peak(self) -> int:
        """Return the peak since the last reset, in bytes."""
        return peak_bytes() + self._more

    def budget(self, context: StageContext) -> Optional[int]:
        """Return the stage's memory budget."""
        return context.request.memory_bytes


@dataclasses.dataclass(frozen=True)
class MemoryPlan:
    """What a training will need at most, and what it does to need no more.

    Attributes:
        device: "cpu" or "cuda".
        peak_bytes: Measured.
        budget_bytes: None where nothing limits it.
    """

    device: Device
    peak_bytes: int
    budget_bytes: Optional[int]
    shape: Shape
    level: Tuple[str, ...]

    def facts(self) -> TrainingMemory:
        """Return the plan as ``train.json`` has it."""
        shape = self.shape
        return TrainingMemory(
            self.device, self.peak_bytes, shape.height, shape.width, shape.batch, self.level, self.budget_bytes
        )

    def sentence(self) -> str:
        """Return the plan in words."""
        budget = "" if self.budget_bytes is None else " of %s" % _gib(self.budget_bytes)
        means = " with " + " and ".join(self.level) if self.level else ""
        return "the largest step (%s) needs %s%s%s" % (self.shape, _gib(self.peak_bytes), budget, means)


Rehearse = Callable[[Tuple[str, ...], Shape], None]
"""Does whole training steps on made-up pictures of a shape, on a level, and throws everything away."""


def plan_memory(
    context: StageContext, levels: Sequence[Tuple[str, ...]], shape: Shape, rehearse: Rehearse, meter: Meter
) -> MemoryPlan:
    """Return the first memory-saving level with which the largest step fits; say what it needs.

    A plan that was made by an earlier start of the same stage is taken over.

    Args:
        levels: Ways of saving, each with what came before it; the request's `memory_saving_level` skips the first ones.
        shape: The largest that the training will meet.

    Raises:
        BudgetTooSmall: Where no level fits, with the numbers.
    """
    budget = meter.budget(context)
    begin = min(context.request.memory_saving_level, len(levels) - 1)
    device: Device = "cuda" if context.request.device == "cuda" else "cpu"
    question = {"device": device, "budget": budget, "begin": begin, "shape": dataclasses.asdict(shape)}
    plan = _kept(context, question)
    needed = 0
    for level in levels[begin:] if plan is None else ():
        needed = _needed(level, shape, rehearse, meter, budget)
        if budget is None or needed <= budget:
            plan = MemoryPlan(device, needed, budget, shape, level)
            break
    if plan is None:
        raise _too_small(shape, levels[-1], needed, budget or 0)
    with write_atomically(context.work(_PLAN), "w") as stream:
        json.dump({"question": question, "peak": plan.peak_bytes, "level": plan.level}, stream)
    context.note(plan.sentence())
    return plan


def ran_out(error: BaseException) -> bool:
    """Whether an error of a framework means that memory was short; PyTorch 1.12 has no class for it."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _SIGNS)


def _needed(level: Tuple[str, ...], shape: Shape, rehearse: Rehearse, meter: Meter, budget: Optional[int]) -> int:
    """Return the peak of the largest step, measured; only predicted where it is clear that it would not fit."""
    peaks: List[int] = []
    smaller = [_shrunk(shape, share) for share in _SHARES] if shape.pixels > _SMALL_PIXELS else []
    if len({size.pixels for size in smaller}) < len(_SHARES):
        smaller = []  # two steps of one size say nothing of how memory grows
    for size in (*smaller, shape):
        if size is shape and len(peaks) == len(_SHARES) and budget is not None:
            predicted = _predicted(smaller, peaks, shape)
            if predicted > budget:
                return predicted
        meter.reset()
        try:
            rehearse(level, size)
        except Exception as error:
            if not ran_out(error) or budget is None:
                raise
            return max(meter.peak(), budget + 1)
        peaks.append(meter.peak())
    return peaks[-1]


def _predicted(sizes: Sequence[Shape], peaks: Sequence[int], shape: Shape) -> int:
    """Return the peak at a shape, on the line through two smaller ones: activations grow with the pixels."""
    first, second = sizes
    slope = max(0.0, (peaks[1] - peaks[0]) / (second.pixels - first.pixels))
    return int(peaks[1] + slope * (shape.pixels - second.pixels))


def _shrunk(shape: Shape, share: int) -> Shape:
    height, width = (max(_SIDE, side // share // _SIDE * _SIDE) for side in (shape.height, shape.width))
    return Shape(height, width, shape.batch)


def _kept(context: StageContext, question: Mapping[str, Any]) -> Optional[MemoryPlan]:
    path = context.work(_PLAN)
    if not os.path.isfile(path):
        return None
    try:
        with open(path, encoding="utf-8") as stream:
            kept = json.load(stream)
        if kept["question"] != question:
            return None
        peak, level = int(kept["peak"]), tuple(str(means) for means in kept["level"])
    except (KeyError, TypeError, ValueError):
        # Another version's form, or cut short: what a step needs is measured again.
        return None
    return MemoryPlan(question["device"], peak, question["budget"], Shape(**question["shape"]), level)


def _too_small(shape: Shape, level: Tuple[str, ...], needed: int, budget: int) -> BudgetTooSmall:
    means = " even with " + " and ".join(level) if level else ""
    return BudgetTooSmall(
        "the largest training step (%s) needs %s%s, and the budget is %s" % (shape, _gib(needed), means, _gib(budget)),
        "raise the memory to %d GiB or more, or make the recipe's pictures or batch smaller" % (needed // 2**30 + 1),
    )


def _gib(count: int) -> str:
    return "%.1f GiB" % (count / 2**30)

"""What a training will need: measured on made-up steps, compared with the budget, said before it begins."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netkit.memory import CHECKPOINTING, HostMeter, MemoryPlan, Shape, plan_memory, ran_out
from netkit.prefetching import WORKER_BYTES
from stagekit import BudgetTooSmall, Note, OutOfMemory, StageContext, StageRequest, decode
from stagekit.results.train import TrainingMemory

MIB = 2**20
LEVELS = ((), (CHECKPOINTING,))
LARGEST = Shape(512, 640)
BASE = 100 * MIB
PER_PIXEL = {(): 4096, (CHECKPOINTING,): 1024}


class Device:
    """A device whose memory grows with the pixels, half as fast with level; what it is asked to do is kept."""

    def __init__(self, room: int | None = None) -> None:
        self.calls: list[tuple[tuple[str, ...], Shape]] = []
        self.room = room
        self._peak = 0

    def rehearse(self, level: tuple[str, ...], shape: Shape) -> None:
        self.calls.append((level, shape))
        self._peak = BASE + shape.pixels * PER_PIXEL[level]
        if self.room is not None and self._peak > self.room:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    def reset(self) -> None:
        self._peak = 0

    def peak(self) -> int:
        return self._peak

    def budget(self, context: StageContext) -> int | None:
        return context.request.memory_bytes


def planned(
    work: Path, device: Device, budget: int | None, level: int = 0, shape: Shape = LARGEST
) -> tuple[MemoryPlan, list[str]]:
    stream = io.StringIO()
    request = StageRequest.below(str(work), "train/x", "train", {}, {}, memory_bytes=budget, memory_saving_level=level)
    plan = plan_memory(StageContext(request, stream), LEVELS, shape, device.rehearse, device)
    messages = [decode(line) for line in stream.getvalue().splitlines()]
    return plan, [message.message for message in messages if isinstance(message, Note)]


def test_nothing_is_saved_where_everything_fits(tmp_path: Path) -> None:
    plan, notes = planned(tmp_path, Device(), 2048 * MIB)
    assert plan.level == ()
    assert plan.peak_bytes == BASE + LARGEST.pixels * 4096
    assert notes == ["the largest step (512 x 640 pixels) needs 1.3 GiB of 2.0 GiB"]


def test_without_a_budget_the_peak_is_stated_all_the_same(tmp_path: Path) -> None:
    plan, notes = planned(tmp_path, Device(), None)
    assert plan.budget_bytes is None
    assert notes == ["the largest step (512 x 640 pixels) needs 1.3 GiB"]


def test_what_cannot_fit_is_predicted_and_not_tried(tmp_path: Path) -> None:
    device = Device()
    plan, notes = planned(tmp_path, device, 1024 * MIB)
    assert plan.level == (CHECKPOINTING,)
    assert plan.peak_bytes == BASE + LARGEST.pixels * 1024
    assert ((), LARGEST) not in device.calls
    assert "with activation checkpointing" in notes[0]


def test_large_batches_of_small_crops_are_measured_and_not_predicted_from_two_steps_of_one_size(tmp_path: Path) -> None:
    class Noisy(Device):
        def rehearse(self, level: tuple[str, ...], shape: Shape) -> None:
            super().rehearse(level, shape)
            self._peak += len(self.calls) * MIB

    plan, _ = planned(tmp_path, Noisy(), 2048 * MIB, shape=Shape(64, 64, batch=8))
    assert plan.peak_bytes < 300 * MIB
    assert plan.level == ()


def test_a_rehearsal_that_runs_out_goes_on_to_the_next_level(tmp_path: Path) -> None:
    room = 250 * MIB
    plan, _ = planned(tmp_path, Device(room), room + MIB, shape=Shape(128, 256))
    assert plan.level == ()
    plan, _ = planned(tmp_path / "other", Device(220 * MIB), 220 * MIB, shape=Shape(128, 256))
    assert plan.level == (CHECKPOINTING,)


def test_a_budget_that_cannot_be_met_is_said_with_the_numbers(tmp_path: Path) -> None:
    with pytest.raises(BudgetTooSmall) as caught:
        planned(tmp_path, Device(), 300 * MIB)
    assert str(caught.value.message) == (
        "the largest training step (512 x 640 pixels) needs 0.4 GiB even with activation checkpointing, "
        "and the budget is 0.3 GiB"
    )
    assert "raise the memory to 1 GiB" in str(caught.value.hint)
    assert isinstance(caught.value, OutOfMemory)


def test_lean_skips_levels(tmp_path: Path) -> None:
    assert planned(tmp_path, Device(), None, level=1)[0].level == (CHECKPOINTING,)
    assert planned(tmp_path, Device(), None, level=7)[0].level == (CHECKPOINTING,)


def test_a_resumed_training_takes_its_plan_over(tmp_path: Path) -> None:
    first, _ = planned(tmp_path, Device(), 1024 * MIB)
    again = Device()
    second, notes = planned(tmp_path, again, 1024 * MIB)
    assert (second, again.calls) == (first, [])
    assert len(notes) == 1
    larger = Device()
    planned(tmp_path, larger, 2048 * MIB)
    assert larger.calls


@pytest.mark.parametrize("damage", ["renamed", "cut short", "empty"])
def test_a_plan_of_another_version_or_cut_short_is_measured_again(tmp_path: Path, damage: str) -> None:
    first, _ = planned(tmp_path, Device(), 1024 * MIB)
    kept = next(path for path in tmp_path.rglob("*.json") if '"peak"' in path.read_text(encoding="utf-8"))
    text = kept.read_text(encoding="utf-8")
    texts = {"renamed": text.replace('"level"', '"savings"'), "cut short": text[:-9], "empty": ""}
    kept.write_text(texts[damage], encoding="utf-8")
    again = Device()
    assert planned(tmp_path, again, 1024 * MIB)[0] == first
    assert again.calls


def test_an_error_of_another_kind_is_not_hidden(tmp_path: Path) -> None:
    class Broken(Device):
        def rehearse(self, level: tuple[str, ...], shape: Shape) -> None:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        planned(tmp_path, Broken(), 1024 * MIB)


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("shape mismatch"), False),
    ],
)
def test_what_counts_as_short_of_memory(error: Exception, is_memory: bool) -> None:
    assert ran_out(error) is is_memory


def test_the_host_meter_sees_what_was_there_for_a_moment() -> None:
    meter = HostMeter()
    meter.reset()
    before = meter.peak()
    held: Any = np.ones(200 * MIB, np.uint8)
    del held
    assert 190 * MIB < meter.peak() - before < 260 * MIB
    assert HostMeter(workers=2).peak() - meter.peak() == pytest.approx(2 * WORKER_BYTES, abs=MIB)
    assert HostMeter(later=100 * MIB).peak() - meter.peak() == pytest.approx(100 * MIB, abs=MIB)


def test_facts_are_those_of_the_largest_step(tmp_path: Path) -> None:
    plan, _ = planned(tmp_path, Device(), 1024 * MIB)
    assert plan.facts() == TrainingMemory("cpu", plan.peak_bytes, 512, 640, 1, (CHECKPOINTING,), 1024 * MIB)

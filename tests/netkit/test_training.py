"""The course of a training: it stops where asked, goes on exactly, and leaves curves and facts."""

from __future__ import annotations

import io
import json
import struct
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboardX.proto import event_pb2

from netkit.curves import Curves
from netkit.training import Schedule, Step, TrainingRun
from stagekit import (
    Checkpoint,
    Interrupted,
    Note,
    Progress,
    StageContext,
    StageError,
    StageRequest,
    WarningMessage,
    decode,
)
from stagekit.results.apart import load_whole
from stagekit.results.curves import CurvesFile
from stagekit.results.train import TrainFile


class Counter:
    """A 'network' that hashes every step it sees into one number."""

    def __init__(self) -> None:
        self.value = 1
        self.seen: list[Any] = []
        self.saves = 0

    def step(self, step: Step) -> dict[str, float]:
        self.seen.append(tuple(step.batch))
        self.value = (self.value * 31 + step.number * 7 + sum(step.data)) % 1_000_003
        return {"loss": float(self.value), **({"second": 1.0} if step.number % 2 == 0 else {})}

    def save(self, path: str) -> None:
        self.saves += 1
        Path(path).write_text(str(self.value))

    def load(self, path: str) -> None:
        self.value = int(Path(path).read_text())

    def non_finite_tensor(self) -> str | None:
        return None

    def pictures(self) -> dict[str, np.ndarray]:
        return {"blended": np.full((4, 5, 3), 0.5, np.float32)}


def doubled(epoch: int, samples: Sequence[int]) -> list[int] | None:
    """Prepare samples: a stand-in for decoding and augmenting, which other processes do too."""
    return None if any(sample % 10 == 7 for sample in samples) else [2 * sample + epoch for sample in samples]


class Course:
    """A stage's folders and what its program said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stop = threading.Event()
        self.stream = io.StringIO()

    def run(
        self,
        counter: Counter,
        *,
        stop_at: int | None = None,
        prepare: Callable[[int, Any], Any] = doubled,
        settings: dict[str, Any] | None = None,
        workers: int = 0,
        checkpoint_s: float = 1e9,
        snapshot: Callable[[str], None] | None = None,
        **schedule: Any,
    ) -> None:
        def step(step: Step) -> dict[str, float]:
            if stop_at == step.number:
                self.stop.set()
            return counter.step(step)

        self.stop.clear()
        request = StageRequest.below(
            str(self.folder), "train/x", "train", settings or {}, {}, workers=workers, checkpoint_s=checkpoint_s
        )
        context = StageContext(request, self.stream, self.stop)
        run = TrainingRun(context, planned(**schedule), counter, prepare)
        run.run(step, snapshot=snapshot)
        run.finish(features="random", parameters=1, notes=["a note"])

    def said(self, kind: type) -> list[Any]:
        return [message for message in map(decode, self.stream.getvalue().splitlines()) if isinstance(message, kind)]

    def written(self, name: str) -> Any:
        return json.loads((self.folder / "output" / name).read_text())

    def results(self) -> dict[str, bytes]:
        """Return the files of the output by their names."""
        output = self.folder / "output"
        return {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def planned(epochs: int = 3, batch: int = 2, steps: int | None = None, length: int = 7) -> Schedule:
    def epoch(number: int) -> Sequence[int]:
        return [100 * number + 10 * place for place in range(length)]

    return Schedule(epochs, epoch, rate=lambda number: 0.1 / (number + 1), batch=batch, steps=steps)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


@pytest.fixture
def uninterrupted(tmp_path: Path) -> Course:
    course = Course(tmp_path / "uninterrupted")
    course.run(Counter())
    return course


def test_training_goes_through_every_epoch(course: Course) -> None:
    counter = Counter()
    course.run(counter)
    assert len(counter.seen) == 3 * 4
    assert counter.seen[3] == (60,)
    facts = course.written("train.json")
    assert (facts["steps"], facts["epochs"], facts["samples"], facts["features"]) == (12, 3, 21, "random")
    assert facts["notes"] == ["a note"]


def test_training_stops_after_its_steps(course: Course) -> None:
    counter = Counter()
    course.run(counter, steps=5)
    assert len(counter.seen) == 5
    assert course.said(Progress)[-1].done == course.said(Progress)[-1].total == 5


def test_curves_hold_rate_and_losses_of_every_step(course: Course) -> None:
    course.run(Counter(), steps=6)
    points = course.written("curves.json")["steps"]
    assert [point["step"] for point in points] == [1, 2, 3, 4, 5, 6]
    assert [point["rate"] for point in points] == [0.1] * 4 + [0.05] * 2
    assert "second" in points[0]["losses"]
    assert "second" not in points[1]["losses"]


@pytest.mark.parametrize("stop_at", [0, 3, 4, 9])
def test_interrupted_training_ends_as_if_nothing_had_happened(
    course: Course, uninterrupted: Course, stop_at: int
) -> None:
    with pytest.raises(Interrupted):
        course.run(Counter(), stop_at=stop_at)
    counter = Counter()
    course.run(counter)
    assert len(counter.seen) == 12 - stop_at - 1
    assert course.results() == uninterrupted.results()
    (said,) = course.said(Note)
    assert said.message.startswith(f"the training goes on from its checkpoint: {stop_at + 1} steps are done")


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "unvouched"])
def test_damaged_checkpoint_gives_way_to_the_one_before(course: Course, uninterrupted: Course, damage: str) -> None:
    with pytest.raises(Interrupted):
        course.run(Counter(), stop_at=9, checkpoint_s=0)
    work = course.folder / "work"
    assert len(list(work.glob("checkpoint.*.state"))) == 2
    state, voucher = (sorted(work.glob(f"checkpoint.*.{ending}"))[-1] for ending in ("state", "json"))
    if damage == "cut":
        state.write_bytes(state.read_bytes()[:-1])
    elif damage == "changed":
        state.write_text("123")
    elif damage == "gone":
        state.unlink()
    else:
        voucher.write_text('{"state"')
    course.run(Counter())
    assert course.results() == uninterrupted.results()
    assert "damaged" in course.said(WarningMessage)[0].message


def test_finished_training_is_not_done_again(course: Course) -> None:
    course.run(Counter())
    counter = Counter()
    course.run(counter)
    assert counter.seen == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_workers_change_nothing(course: Course, uninterrupted: Course, workers: int) -> None:
    course.run(Counter(), workers=workers)
    assert course.results() == uninterrupted.results()


def test_skipped_samples_are_counted_and_are_no_steps(course: Course) -> None:
    course.run(Counter(), batch=1, prepare=picky)
    facts = course.written("train.json")
    assert (facts["steps"], facts["samples"]) == (12, 12)
    assert "9 samples were skipped" in facts["notes"][-1]


def picky(_epoch: int, samples: Sequence[int]) -> Sequence[int] | None:
    return None if samples[0] % 20 else samples


def test_training_that_skips_everything_is_explained(course: Course) -> None:
    with pytest.raises(StageError, match="every one of 21 samples was skipped"):
        course.run(Counter(), prepare=lambda _epoch, _samples: None)


def test_loss_that_is_not_finite_names_step_and_samples_and_keeps_the_last_checkpoint(course: Course) -> None:
    class Diverging(Counter):
        def step(self, step: Step) -> dict[str, float]:
            losses = super().step(step)
            return {"loss": float("nan")} if step.number == 6 else losses

    with pytest.raises(StageError, match="at step 7, in epoch 2, with 140, 150 the training lost its footing"):
        course.run(Diverging())
    counter = Counter()
    course.run(counter)
    assert counter.seen[0] == (100, 110)


def test_weights_that_are_not_finite_never_become_a_checkpoint(course: Course) -> None:
    class Broken(Counter):
        def non_finite_tensor(self) -> str | None:
            return "conv1.weight" if len(self.seen) > 4 else None

    with pytest.raises(StageError, match=r"after step 8 .* conv1\.weight is not a finite number"):
        course.run(Broken())
    assert [message.done for message in course.said(Checkpoint)] == [4]


def test_checkpoint_that_cannot_be_written_leaves_the_one_before(course: Course, uninterrupted: Course) -> None:
    class Full(Counter):
        def save(self, path: str) -> None:
            super().save(path)
            if self.saves == 2:
                with open("/dev/full", "wb", buffering=0) as stream:
                    stream.write(b"no space is left here")

    with pytest.raises(StageError, match=r"a checkpoint could not be written, with .* MiB free") as caught:
        course.run(Full())
    assert "free some space" in str(caught.value.hint)
    assert not list((course.folder / "work").glob("*.partial"))
    counter = Counter()
    course.run(counter)
    assert len(counter.seen) == 8
    assert course.results() == uninterrupted.results()


def test_snapshots_are_written_after_the_epochs_that_the_settings_name(course: Course) -> None:
    taken: list[str] = []
    course.run(Counter(), settings={"snapshots": [1, 3]}, snapshot=taken.append)
    assert [Path(path).name for path in taken] == ["epoch_0001", "epoch_0003"]
    assert Path(taken[0]).parent.is_dir()


def test_scalars_and_pictures_become_event_files_that_a_resumed_training_goes_on_with(course: Course) -> None:
    with pytest.raises(Interrupted):
        course.run(Counter(), stop_at=5)
    course.run(Counter())
    files = sorted((course.folder / "facts" / "events").iterdir())
    first, second = (recorded(file) for file in files)
    assert [step for step, tag, _value in first if tag == "loss/loss"] == [1, 2, 3, 4, 5, 6]
    assert [step for step, tag, _value in second if tag == "loss/loss"] == [7, 8, 9, 10, 11, 12]
    assert {tag for _step, tag, _value in second} >= {"rate", "pictures_per_s", "sample/blended", "START"}
    losses = {step: value for step, tag, value in first + second if tag == "loss/loss"}
    points = course.written("curves.json")["steps"]
    assert [losses[point["step"]] for point in points] == [point["losses"]["loss"] for point in points]


def recorded(file: Path) -> list[tuple[int, str, float]]:
    """Return step, tag and value of an event file's records: length, checksum, event, checksum."""
    data, found = file.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event = event_pb2.Event.FromString(data[12 : 12 + length])
        data = data[16 + length :]
        if event.HasField("session_log"):
            found.append((event.step, "START", 0.0))
        found += [(event.step, value.tag, value.simple_value) for value in event.summary.value]
    return found


def test_curves_thin_out_by_merging_neighbours() -> None:
    curves = Curves(points=10)
    for step in range(1, 1001):
        curves.add(step, 0, {"loss": float(step), **({"even": 2.0} if step % 2 == 0 else {})}, 0.1, step / 10)
    points = curves.file().document()["steps"]
    assert 5 <= len(points) <= 10
    assert points[-1]["step"] == 1000
    assert points[0]["losses"] == {"loss": 64.5, "even": 2.0}


def test_curves_go_on_from_their_state() -> None:
    whole, first, second = (Curves(points=8) for _ in range(3))
    for step in range(1, 50):
        whole.add(step, 0, {"loss": step**0.5}, 0.1, step)
        (first if step <= 21 else second).add(step, 0, {"loss": step**0.5}, 0.1, step)
        if step == 21:
            second.restore(json.loads(json.dumps(first.state())))
    assert second.file().text() == whole.file().text()


def test_times_and_memory_lie_beside_the_results(course: Course) -> None:
    course.run(Counter(), steps=2)
    training = load_whole(TrainFile, course.folder / "output", course.folder / "facts")
    curves = load_whole(CurvesFile, course.folder / "output", course.folder / "facts")
    assert training.seconds is not None
    assert all(point.seconds is not None for point in curves.steps)
    said = " ".join(text.decode() for text in course.results().values())
    assert not any(word in said for word in ("seconds", "waiting_s", "memory"))

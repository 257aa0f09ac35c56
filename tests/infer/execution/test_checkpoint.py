"""A picture whose process is killed, or stopped, half-way: what comes after goes on from there, to the same bits."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from orchestrator.infer.execution.checkpoint import PictureCheckpoint, ResumePoint
from orchestrator.infer.execution.tensor_buffer import TensorBuffer
from orchestrator.infer.graphs.node import Map
from orchestrator.infer.graphs.region import Size, Span
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.session import Resources
from tests.infer.conftest import picture
from tests.infer.test_exactness import CHANNELS, Builder, attention

SHOWN = picture(233, 310)


class Stopped(Exception):
    """Somebody asked for the end."""


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A network with two global reductions and a skip over both of them."""
    builder = Builder(3)
    x = builder.add("Relu", builder.conv("image", 3, 96))
    x = builder.add("Relu", builder.conv(x, 96, CHANNELS))
    y = builder.add("Relu", builder.conv(attention(builder, x), CHANNELS, CHANNELS))
    y = builder.add("Add", builder.conv(attention(builder, y), CHANNELS, CHANNELS), x)
    return builder.saved(tmp_path / "network.onnx", y, CHANNELS)


def engine(path: Path) -> InferenceEngine:
    """Return an engine that goes in tiles, so that every global reduction ends a segment."""
    return InferenceEngine(path, Resources(threads=1), path.parent, tile=64)


def killed(path: Path, checkpoints: Path, share: float, every: float = 0) -> int | None:
    """Run the engine in a process that is killed when a share of the picture is done; return its exit code."""
    process = multiprocessing.get_context("spawn").Process(target=_until, args=(path, checkpoints, share, every))
    process.start()
    process.join(120)
    return process.exitcode


def _until(path: Path, checkpoints: Path, share: float, every: float) -> None:
    def shares_done(done: float) -> None:
        if done >= share:
            os.kill(os.getpid(), signal.SIGKILL)

    engine(path)(SHOWN, shares_done, checkpoints, every)


def stopped(path: Path, checkpoints: Path, share: float, every: float = 0) -> None:
    """Run the engine until it is asked to end."""

    def shares_done(done: float) -> None:
        if done >= share:
            raise Stopped

    with pytest.raises(Stopped):
        engine(path)(SHOWN, shares_done, checkpoints, every)


def shares(path: Path, checkpoints: Path, shown: np.ndarray = SHOWN) -> tuple[list[float], np.ndarray]:
    """Run the engine to its end; return which shares it reported, and what it answered."""
    shares_done: list[float] = []
    answer = engine(path)(shown, shares_done.append, checkpoints, 0)
    return shares_done, answer["transmission"]


@pytest.fixture
def expected(network: Path) -> np.ndarray:
    return engine(network)(SHOWN)["transmission"]


@pytest.mark.slow
def test_a_killed_picture_goes_on_from_its_last_segment_to_the_same_bits(
    network: Path, expected: np.ndarray, tmp_path: Path
) -> None:
    checkpoints = tmp_path / "checkpoints"
    assert len(engine(network).planned(Size(*SHOWN.shape[:2])).plan.steps) > 2
    assert killed(network, checkpoints, 0.7) == -signal.SIGKILL
    first, _ = shares(network, tmp_path / "other")
    shares_done, found = shares(network, checkpoints)
    assert shares_done[0] > 0.3 > first[0]
    assert np.array_equal(found, expected)


@pytest.mark.slow
def test_a_picture_that_is_killed_again_and_again_comes_to_its_end(
    network: Path, expected: np.ndarray, tmp_path: Path
) -> None:
    checkpoints = tmp_path / "checkpoints"
    for share in (0.4, 0.6, 0.9):
        assert killed(network, checkpoints, share) == -signal.SIGKILL
    shares_done, found = shares(network, checkpoints)
    assert shares_done[0] > 0.6
    assert np.array_equal(found, expected)


def test_a_stopped_picture_saves_a_resume_point_before_the_time_for_it_has_come(
    network: Path, expected: np.ndarray, tmp_path: Path
) -> None:
    stopped(network, tmp_path / "checkpoints", 0.7, every=3600)
    shares_done, found = shares(network, tmp_path / "checkpoints")
    assert shares_done[0] > 0.3
    assert np.array_equal(found, expected)


def test_short_pictures_save_no_resume_point(network: Path, tmp_path: Path) -> None:
    engine(network)(SHOWN, checkpoints=tmp_path / "checkpoints")
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("what", ["picture", "network"])
def test_a_resume_point_of_another_picture_or_network_is_not_used(network: Path, what: str, tmp_path: Path) -> None:
    checkpoints, shown = tmp_path / "checkpoints", SHOWN
    stopped(network, checkpoints, 0.7)
    if what == "picture":
        shown = SHOWN[:, ::-1]
    else:
        content = bytearray(network.read_bytes())
        content[content.rindex(b"\x3d") - 1] ^= 1  # the exponent of some weight
        network.write_bytes(content)
    shares_done, found = shares(network, checkpoints, shown)
    assert shares_done[0] < 0.3
    assert np.array_equal(found, engine(network)(shown)["transmission"])


@pytest.mark.parametrize("damage", ["state", "map", "map-length", "map-bit", "reduced"])
def test_a_resume_point_that_is_not_whole_is_passed_over(
    network: Path, expected: np.ndarray, damage: str, tmp_path: Path
) -> None:
    checkpoints = tmp_path / "checkpoints"
    stopped(network, checkpoints, 0.7)
    (point,) = checkpoints.glob("resume-*")
    if damage == "state":
        (point / "state.json").write_text((point / "state.json").read_text()[:-5])
    elif damage == "map":
        (point / "0.f32").unlink()
    elif damage == "map-length":
        os.truncate(point / "0.f32", 100)
    elif damage == "map-bit":
        content = bytearray((point / "0.f32").read_bytes())
        content[len(content) // 2] ^= 1
        (point / "0.f32").write_bytes(content)
    else:
        (point / "reduced.npz").write_bytes(b"")
    shares_done, found = shares(network, checkpoints)
    assert shares_done[0] < 0.3
    assert np.array_equal(found, expected)


def test_where_the_disk_has_no_room_nothing_is_saved_and_the_picture_goes_on(
    network: Path, expected: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    _, found = shares(network, tmp_path / "checkpoints")
    assert np.array_equal(found, expected)
    assert not list((tmp_path / "checkpoints").glob("resume-*"))


def point(folder: Path, begin: int, names: dict[str, float]) -> ResumePoint:
    buffers = {}
    for name, number in names.items():
        buffers[name] = TensorBuffer.allocated(Map(3, Size(4, 5)), folder if number > 1 else None)
        buffers[name].write(np.full((1, 3, 4, 5), number, np.float32), Span(0, 4), Span(0, 5))
    return ResumePoint(begin, begin / 10, buffers, {"mean": np.array([[[[float(begin)]]]])})


def test_the_last_resume_point_stays_and_tensors_of_before_are_not_written_again(
    tmp_path: Path,
) -> None:
    checkpoint = PictureCheckpoint(tmp_path / "checkpoints", "one", every=0)
    checkpoint.save(point(tmp_path, 2, {"a": 1, "b": 2}))
    before = (tmp_path / "checkpoints" / "resume-000002" / "1.f32").stat().st_ino
    checkpoint.save(point(tmp_path, 5, {"b": 2, "c": 3}))
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["resume-000005"]
    assert (tmp_path / "checkpoints" / "resume-000005" / "0.f32").stat().st_ino == before
    found = PictureCheckpoint(tmp_path / "checkpoints", "one").latest()
    assert found is not None
    assert (found.begin, found.share, found.reduced["mean"].item()) == (5, 0.5, 5.0)
    assert {name: float(buffer.values.mean()) for name, buffer in found.buffers.items()} == {"b": 2, "c": 3}
    assert PictureCheckpoint(tmp_path / "checkpoints", "another").latest() is None


def test_a_resume_point_is_saved_only_where_writing_it_takes_little_of_the_time(tmp_path: Path) -> None:
    buffers = {"map": TensorBuffer.allocated(Map(64, Size(512, 512)), None)}
    PictureCheckpoint(tmp_path / "checkpoints", "one", every=0).offer(
        ResumePoint(2, 0.5, buffers, {})
    )  # 67 MB after no time at all
    assert not (tmp_path / "checkpoints").exists()


def test_a_state_is_plain_json(tmp_path: Path) -> None:
    PictureCheckpoint(tmp_path / "checkpoints", "one").save(point(tmp_path, 2, {'"><b>': 1}))
    state = json.loads((tmp_path / "checkpoints" / "resume-000002" / "state.json").read_text())
    assert [entry[:2] for entry in state["maps"]] == [['"><b>', [1, 3, 4, 5]]]

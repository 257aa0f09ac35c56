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

from orchestrator.infer.engine import Engine
from orchestrator.infer.held import Held
from orchestrator.infer.kept import Kept, Way
from orchestrator.infer.node import Map
from orchestrator.infer.region import Size, Span
from orchestrator.infer.session import Resources
from tests.infer.conftest import picture
from tests.infer.test_exactness import CHANNELS, Builder, attention

SHOWN = picture(233, 310)


class Stopped(Exception):
    """Somebody asked for the end."""


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A network with two barriers and a skip over both of them."""
    builder = Builder(3)
    x = builder.add("Relu", builder.conv("image", 3, 96))
    x = builder.add("Relu", builder.conv(x, 96, CHANNELS))
    y = builder.add("Relu", builder.conv(attention(builder, x), CHANNELS, CHANNELS))
    y = builder.add("Add", builder.conv(attention(builder, y), CHANNELS, CHANNELS), x)
    return builder.saved(tmp_path / "network.onnx", y, CHANNELS)


def engine(path: Path) -> Engine:
    """Return an engine that goes in tiles, so that every barrier ends a segment."""
    return Engine(path, Resources(threads=1), path.parent, tile=64)


def killed(path: Path, keep: Path, share: float, every: float = 0) -> int | None:
    """Run the engine in a process that is killed when a share of the picture is done; return its exit code."""
    process = multiprocessing.get_context("spawn").Process(target=_until, args=(path, keep, share, every))
    process.start()
    process.join(120)
    return process.exitcode


def _until(path: Path, keep: Path, share: float, every: float) -> None:
    def told(done: float) -> None:
        if done >= share:
            os.kill(os.getpid(), signal.SIGKILL)

    engine(path)(SHOWN, told, keep, every)


def stopped(path: Path, keep: Path, share: float, every: float = 0) -> None:
    """Run the engine until it is asked to end."""

    def told(done: float) -> None:
        if done >= share:
            raise Stopped

    with pytest.raises(Stopped):
        engine(path)(SHOWN, told, keep, every)


def shares(path: Path, keep: Path, shown: np.ndarray = SHOWN) -> tuple[list[float], np.ndarray]:
    """Run the engine to its end; return which shares it told, and what it answered."""
    told: list[float] = []
    answer = engine(path)(shown, told.append, keep, 0)
    return told, answer["transmission"]


@pytest.fixture
def expected(network: Path) -> np.ndarray:
    return engine(network)(SHOWN)["transmission"]


def test_a_killed_picture_goes_on_from_its_last_segment_to_the_same_bits(
    network: Path, expected: np.ndarray, tmp_path: Path
) -> None:
    keep = tmp_path / "keep"
    assert len(engine(network).planned(Size(*SHOWN.shape[:2])).plan.steps) > 2
    assert killed(network, keep, 0.7) == -signal.SIGKILL
    first, _ = shares(network, tmp_path / "other")
    told, found = shares(network, keep)
    assert told[0] > 0.3 > first[0]
    assert np.array_equal(found, expected)


@pytest.mark.slow
def test_a_picture_that_is_killed_again_and_again_comes_to_its_end(
    network: Path, expected: np.ndarray, tmp_path: Path
) -> None:
    keep = tmp_path / "keep"
    for share in (0.4, 0.6, 0.9):
        assert killed(network, keep, share) == -signal.SIGKILL
    told, found = shares(network, keep)
    assert told[0] > 0.6
    assert np.array_equal(found, expected)


def test_a_stopped_picture_keeps_its_way_before_the_time_for_it_has_come(
    network: Path, expected: np.ndarray, tmp_path: Path
) -> None:
    stopped(network, tmp_path / "keep", 0.7, every=3600)
    said, found = shares(network, tmp_path / "keep")
    assert said[0] > 0.3
    assert np.array_equal(found, expected)


def test_short_pictures_keep_nothing(network: Path, tmp_path: Path) -> None:
    engine(network)(SHOWN, keep=tmp_path / "keep")
    assert not (tmp_path / "keep").exists()


@pytest.mark.parametrize("what", ["picture", "network"])
def test_the_way_of_another_picture_or_network_is_not_taken_up(network: Path, what: str, tmp_path: Path) -> None:
    keep, shown = tmp_path / "keep", SHOWN
    stopped(network, keep, 0.7)
    if what == "picture":
        shown = SHOWN[:, ::-1]
    else:
        content = bytearray(network.read_bytes())
        content[content.rindex(b"\x3d") - 1] ^= 1  # the exponent of some weight
        network.write_bytes(content)
    told, found = shares(network, keep, shown)
    assert told[0] < 0.3
    assert np.array_equal(found, engine(network)(shown)["transmission"])


@pytest.mark.parametrize("damage", ["state", "map", "map-length", "map-bit", "decided"])
def test_a_way_that_is_not_whole_is_passed_over(
    network: Path, expected: np.ndarray, damage: str, tmp_path: Path
) -> None:
    keep = tmp_path / "keep"
    stopped(network, keep, 0.7)
    (way,) = keep.glob("way-*")
    if damage == "state":
        (way / "state.json").write_text((way / "state.json").read_text()[:-5])
    elif damage == "map":
        (way / "0.f32").unlink()
    elif damage == "map-length":
        os.truncate(way / "0.f32", 100)
    elif damage == "map-bit":
        content = bytearray((way / "0.f32").read_bytes())
        content[len(content) // 2] ^= 1
        (way / "0.f32").write_bytes(content)
    else:
        (way / "decided.npz").write_bytes(b"")
    told, found = shares(network, keep)
    assert told[0] < 0.3
    assert np.array_equal(found, expected)


def test_where_the_disk_has_no_room_nothing_is_kept_and_the_picture_goes_on(
    network: Path, expected: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    _, found = shares(network, tmp_path / "keep")
    assert np.array_equal(found, expected)
    assert not list((tmp_path / "keep").glob("way-*"))


def way(folder: Path, begin: int, names: dict[str, float]) -> Way:
    held = {}
    for name, number in names.items():
        held[name] = Held.room(Map(3, Size(4, 5)), folder if number > 1 else None)
        held[name].write(np.full((1, 3, 4, 5), number, np.float32), Span(0, 4), Span(0, 5))
    return Way(begin, begin / 10, held, {"mean": np.array([[[[float(begin)]]]])})


def test_of_several_ways_the_last_one_stays_and_maps_of_before_are_not_written_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "keep", "one", every=0)
    kept.keep(way(tmp_path, 2, {"a": 1, "b": 2}))
    before = (tmp_path / "keep" / "way-000002" / "1.f32").stat().st_ino
    kept.keep(way(tmp_path, 5, {"b": 2, "c": 3}))
    assert [path.name for path in (tmp_path / "keep").iterdir()] == ["way-000005"]
    assert (tmp_path / "keep" / "way-000005" / "0.f32").stat().st_ino == before
    found = Kept(tmp_path / "keep", "one").found()
    assert found is not None
    assert (found.begin, found.share, found.decided["mean"].item()) == (5, 0.5, 5.0)
    assert {name: float(held.values.mean()) for name, held in found.held.items()} == {"b": 2, "c": 3}
    assert Kept(tmp_path / "keep", "another").found() is None


def test_a_way_is_kept_only_where_writing_it_takes_little_of_the_time(tmp_path: Path) -> None:
    held = {"map": Held.room(Map(64, Size(512, 512)), None)}
    Kept(tmp_path / "keep", "one", every=0).offer(Way(2, 0.5, held, {}))  # 67 MB after no time at all
    assert not (tmp_path / "keep").exists()


def test_a_state_is_plain_json(tmp_path: Path) -> None:
    Kept(tmp_path / "keep", "one").keep(way(tmp_path, 2, {'"><b>': 1}))
    state = json.loads((tmp_path / "keep" / "way-000002" / "state.json").read_text())
    assert [entry[:2] for entry in state["maps"]] == [['"><b>', [1, 3, 4, 5]]]

"""A store on a disk that is full, read-only or without locks ends in one clear error, and goes on when it is mended."""

import errno
import fcntl
import os
import shutil
import subprocess

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import NoSpace, StoreReadOnly, StoreWithoutLocks
from orchestrator.execute import run_stages
from orchestrator.execute.command import RunRequest, planned
from orchestrator.execute.events import Warned
from orchestrator.execute.experiment_run import run_experiment
from orchestrator.execute.stopper import Stopper
from orchestrator.store.store import Store
from tests.execute.killed_run import KilledRun
from tests.execute.small_run import keep_run

DISK_BYTES = 4 * 2**20


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own in memory; it goes away after the test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a disk of its own can only be mounted as root: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder, left_bytes):
    """Fill a disk but for so many bytes, and return what fills it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space left"):
        while True:
            stream.write(bytes(4096))
    os.truncate(ballast, max(0, ballast.stat().st_size - left_bytes))
    return ballast


@pytest.mark.slow
@pytest.mark.parametrize("left_kib", [0, 4, 12, 20, 32, 48, 64, 96, 160, 256, 400, 700])
def test_disk_that_fills_up_anywhere_is_told_and_the_next_run_ends_well(small_disk, tmp_path, monkeypatch, left_kib):
    monkeypatch.setattr(run_stages, "_FREE_BYTES", 0)
    course = KilledRun(tmp_path, small_disk / "store", repeat=10000)
    ballast = fill(small_disk, left_kib * 1024)
    try:
        failures = course.run().failures
    except NoSpace:
        failures = {}
    assert all(isinstance(error, NoSpace) for error in failures.values()), failures
    assert all(error.exit_code == NoSpace.exit_code and error.hint for error in failures.values())
    ballast.unlink()
    result = course.run()
    assert set(result.results) == {"prepare/a", "train/a", "export/a"}
    assert (result.results["export/a"].output / "network.onnx").read_text() == "export" * 10000
    assert list(course.store.layout.stagings.iterdir()) == []


def test_log_that_finds_no_room_costs_lines_and_not_the_work(small_disk, tmp_path, monkeypatch):
    monkeypatch.setattr(run_stages, "_FREE_BYTES", 0)
    course = KilledRun(tmp_path)
    (tmp_path / "logs").symlink_to(small_disk)
    fill(small_disk, 0)
    events = []
    result = course.run(listener=events.append)
    assert set(result.results) == {"prepare/a", "train/a", "export/a"}
    warned = {event.stage for event in events if isinstance(event, Warned) and "log is not whole" in event.message}
    assert warned <= {"prepare/a", "train/a", "export/a"}


@pytest.fixture
def read_only(small_disk, tmp_path):
    """A store with a run, on a disk that is mounted read-only, and the run's comparison."""
    comparison = keep_run(Store(tmp_path / "store"), tmp_path, leave="evaluate/")
    shutil.copytree(tmp_path / "store", small_disk / "store")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    return small_disk / "store", comparison


def test_read_only_store_can_be_looked_at(read_only):
    store, _comparison = read_only
    for command in (
        ["runs", "list"],
        ["runs", "show", "first"],
        ["store", "usage"],
        ["store", "check"],
        ["store", "clean", "-n"],
        ["ps"],
    ):
        done = CliRunner().invoke(app, [*command, "--store", str(store)])
        assert done.exit_code == 0, (command, done.output, done.exception)
    assert "running" not in CliRunner().invoke(app, ["runs", "list", "--store", str(store)]).output


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["report", "first"], id="report"),
        pytest.param(["runs", "rename", "first", "second"], id="rename"),
        pytest.param(["runs", "remove", "first", "--yes"], id="remove"),
    ],
)
def test_read_only_store_is_not_written_to_and_says_so(read_only, command):
    store, _comparison = read_only
    done = CliRunner().invoke(app, [*command, "--store", str(store)])
    assert isinstance(done.exception, StoreReadOnly), (done.output, done.exception)
    assert "Read-only file system" in done.exception.message


def test_run_in_a_read_only_store_says_so(read_only, tmp_path):
    store, _comparison = read_only
    comparison = planned(RunRequest(tmp_path / "first.yaml", store))
    with pytest.raises(StoreReadOnly, match="Read-only file system"):
        run_experiment(comparison, Store(store), None, {}, lambda _event: None, Stopper())


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS], ids=errno.errorcode.get)
def test_store_without_locks_is_refused_in_one_line(tmp_path, monkeypatch, number):
    keep_run(Store(tmp_path / "store"), tmp_path)

    def flock(_handle, _operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    for command in (["runs", "list"], ["store", "usage"], ["report", "first"], ["run", str(tmp_path / "first.yaml")]):
        done = CliRunner().invoke(app, [*command, "--store", str(tmp_path / "store")])
        assert isinstance(done.exception, StoreWithoutLocks), (command, done.output, done.exception)
        assert os.strerror(number) in done.exception.message
        assert "\n" not in done.exception.message

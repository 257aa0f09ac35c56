"""Samples prepared in other processes: in order, whatever their number, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from netkit.prefetching import PrefetchingLoader, worker_count
from stagekit import BadInput, OutOfMemory, StageContext, StageRequest

JOBS = [(epoch, [place, place + 1]) for epoch in range(3) for place in range(0, 8, 2)]


def squared(epoch: int, samples: list[int]) -> list[int]:
    """Prepare samples, the later ones faster, so that processes would overtake each other."""
    time.sleep(0.02 / (1 + samples[0]))
    return [epoch + sample**2 for sample in samples]


def process(_epoch: int, _samples: list[int]) -> int:
    return os.getpid()


def fails_at_four(_epoch: int, samples: list[int]) -> list[int]:
    if 4 in samples:
        raise BadInput("picture 4 cannot be read", "take it out")
    return samples


def dies(_epoch: int, _samples: list[int]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_the_number_of_processes_changes_nothing(workers: int) -> None:
    with PrefetchingLoader(squared, workers) as feed:
        assert list(feed.batches(JOBS)) == [squared(*job) for job in JOBS]


def test_samples_are_prepared_elsewhere() -> None:
    with PrefetchingLoader(process, 1) as feed:
        found = set(feed.batches(JOBS))
    assert len(found) == 1
    assert os.getpid() not in found


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_sample_is_reported_at_its_place(workers: int) -> None:
    seen: list[Any] = []
    with PrefetchingLoader(fails_at_four, workers) as feed, pytest.raises(BadInput, match="picture 4") as caught:
        for made in feed.batches([(0, [place]) for place in range(8)]):
            seen.append(made)
    assert seen == [[0], [1], [2], [3]]
    assert caught.value.hint == "take it out"


def test_a_killed_process_counts_as_out_of_memory() -> None:
    with PrefetchingLoader(dies, 1) as feed, pytest.raises(OutOfMemory, match="was killed") as caught:
        list(feed.batches(JOBS))
    assert "--workers" in str(caught.value.hint)


def test_waiting_is_counted() -> None:
    with PrefetchingLoader(squared, 0) as feed:
        list(feed.batches([(0, [0])] * 3))
        assert feed.waited >= 0.06


def test_closing_ends_the_processes_at_once() -> None:
    with PrefetchingLoader(process, 1) as feed:
        (child,) = set(feed.batches(JOBS))
        assert psutil.pid_exists(child)
    assert not psutil.pid_exists(child)


PARENT = """
import sys, time
from netkit.prefetching import PrefetchingLoader
sys.path.insert(0, {folder!r})
import prepared
if __name__ == "__main__":
    with PrefetchingLoader(prepared.process, 1) as feed:
        for made in feed.batches((0, [place]) for place in range(10**6)):
            print(made, flush=True)
            time.sleep(0.05)
"""


def test_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "prepared.py").write_text("import os\ndef process(epoch, samples):\n    return os.getpid()\n")
    program = tmp_path / "parent.py"
    program.write_text(PARENT.format(folder=str(tmp_path)))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.kill()
    for _ in range(100):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    pytest.fail("the process that prepares samples outlived its parent")


def test_how_many_processes_prepare_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)))

    def count(**fields: Any) -> int:
        return worker_count(StageContext(StageRequest.below("", "train/x", "train", {}, {}, **fields), sys.stdout))

    assert count() == 1
    assert count(device="cuda") == 4
    assert count(workers=0) == 0
    assert count(device="cuda", workers=7) == 7

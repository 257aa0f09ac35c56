"""Claims by themselves, on a disk of this machine: the folder `claims` beside lock files asks for them."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestrator.errors import InUse
from orchestrator.store import claims as claiming
from orchestrator.store.claims import Claimant, Times, claimant, take
from orchestrator.store.disk import name_is_taken
from orchestrator.store.leases import holder, how_kept_apart, keys_in_use, passed
from orchestrator.store.runs import is_in_progress, run_at_rest, run_in_progress
from orchestrator.store.store import Store

KEY = "a" * 64
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    """A folder of claims that are dead after a third of a second."""
    (tmp_path / "times.json").write_text(json.dumps({"beat_s": 0.04, "dead_s": 0.3}), encoding="utf-8")
    return tmp_path


@pytest.fixture
def store(tmp_path):
    """A store that other machines have mounted."""
    found = Store(tmp_path / "store")
    (found.layout.leases / "claims").mkdir()
    (found.layout.uses / "claims").mkdir(parents=True)
    return found


def left_by(path, **differing):
    """Leave a claim as a program that is not there any more."""
    who = Claimant("far", "boot", "pid:[1]", 7, 1, "0123456789abcdef", False)
    path.mkdir()
    record = json.dumps({**vars(who), "number": 1, **differing}).ljust(512)
    (path / who.token).write_text(record, encoding="utf-8")
    return path / who.token


def test_claim_is_held_by_one_and_then_by_the_next(folder):
    first = take(folder / "one")
    assert first is not None
    assert take(folder / "one") is None
    assert claimant(folder / "one").pid == os.getpid()
    first.release()
    assert claimant(folder / "one") is None
    second = take(folder / "one")
    assert second is not None
    first.release()
    assert not second.lost
    second.release()
    assert [path.name for path in folder.iterdir()] == ["times.json"]


def test_of_many_that_ask_at_once_one_gets_it(folder):
    left_by(folder / "one")
    taken, barrier = [], threading.Barrier(8)

    def ask():
        barrier.wait()
        ends = time.monotonic() + 1.0
        while time.monotonic() < ends:
            found = take(folder / "one")
            if found is not None:
                taken.append(found)
                return

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    assert claimant(folder / "one").token == taken[0].token


def test_claim_of_another_machine_is_dead_once_it_was_seen_to_stand_still(folder):
    record = left_by(folder / "one")
    assert take(folder / "one") is None
    for number in range(2, 8):
        time.sleep(0.1)
        record.write_text(json.dumps({**json.loads(record.read_text()), "number": number}).ljust(512))
        assert take(folder / "one") is None
    time.sleep(0.4)
    assert take(folder / "one") is not None


@pytest.mark.parametrize("clock", [-3600, 3600])
def test_clock_of_another_machine_says_nothing(folder, clock):
    record = left_by(folder / "one")
    os.utime(record, (time.time() + clock,) * 2)
    assert take(folder / "one") is None


def test_claim_of_a_dead_process_of_this_machine_is_free_at_once(folder):
    code = "import os, pathlib, sys; from orchestrator.store import claims; claims.take(pathlib.Path(sys.argv[1])); "
    code += "os._exit(9)"
    done = subprocess.run([sys.executable, "-c", code, str(folder / "one")], cwd=ROOT, check=False)
    assert done.returncode == 9
    assert (folder / "one").is_dir()
    assert take(folder / "one") is not None


def test_process_of_this_machine_that_stands_still_is_not_dead(folder):
    assert take(folder / "one") is not None
    for _ in range(6):
        time.sleep(0.1)
        assert take(folder / "one") is None


def test_claim_without_words_is_dead_after_the_same_time(folder):
    left_by(folder / "one").write_bytes(b"")
    assert take(folder / "one") is None
    time.sleep(0.4)
    assert take(folder / "one") is not None


def test_claim_that_was_taken_over_is_lost_and_leaves_the_new_one_alone(folder, monkeypatch):
    monkeypatch.setattr(claiming, "_machine", lambda: ("far", "boot", "pid:[1]"))
    first = take(folder / "one")
    monkeypatch.undo()
    assert take(folder / "one") is None
    time.sleep(0.4)
    second = take(folder / "one")
    assert second is not None
    first.beat()
    assert first.lost
    first.release()
    assert not second.lost


@pytest.mark.parametrize("text", ["", "{}", '{"beat_s": 10, "dead_s": 20}', '{"beat_s": 0, "dead_s": 60}'])
def test_times_that_cannot_be_right_are_the_usual_ones(folder, text):
    (folder / "times.json").write_text(text)
    assert Times.of(folder) == Times()


def test_store_with_claims_keeps_stages_and_runs_apart(store):
    with store.lease(KEY):
        with store.claimed(KEY) as free:
            assert not free
        assert holder(store.layout.lease(KEY)).pid == os.getpid()
    with store.claimed(KEY) as free:
        assert free
    with run_in_progress(store, "ours"), run_in_progress(store, "ours"):
        assert is_in_progress(store, "ours")
    with run_at_rest(store, "ours"), pytest.raises(InUse), run_in_progress(store, "ours"):
        pass
    store.artifact(KEY)
    with passed(store.layout.gate, alone=True):
        assert KEY in keys_in_use(store.layout)
    store.discard([KEY])
    with passed(store.layout.gate, alone=True):
        assert KEY not in keys_in_use(store.layout)
    assert list((store.layout.leases / "claims").iterdir()) == []


def test_gate_with_claims_lets_many_in_or_one(store):
    inside, order = threading.Event(), []

    def alone():
        with passed(store.layout.gate, alone=True):
            order.append("alone")

    with passed(store.layout.gate), passed(store.layout.gate):
        thread = threading.Thread(target=alone)
        thread.start()
        inside.wait(0.2)
        order.append("together")
    thread.join(10)
    assert order == ["together", "alone"]


@pytest.mark.slow
def test_lock_that_was_held_before_claims_were_asked_for_becomes_one(tmp_path):
    store = Store(tmp_path / "store")
    store.artifact(KEY)
    claims = store.layout.leases / "claims"
    with store.lease(KEY), passed(store.layout.gate, alone=True):
        for folder in (store.layout.leases, store.layout.uses):
            (folder / "claims").mkdir()
        deadline = time.monotonic() + 20
        while claimant(claims / KEY) is None or claimant(claims / store.layout.gate.name) is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert any(path.name.endswith(KEY) for path in (store.layout.uses / "claims").iterdir())
    assert claimant(store.layout.leases / "claims" / KEY) is None


def test_store_says_how_it_keeps_programs_apart(store, tmp_path):
    assert "claims, renewed every 5 s" in how_kept_apart(store.layout)
    assert how_kept_apart(Store(tmp_path / "other").layout).endswith("its locks keep programs apart")


def test_name_that_is_taken_is_known_by_what_sshfs_answers(tmp_path):
    assert name_is_taken(PermissionError(1, "Operation not permitted"), tmp_path)
    assert not name_is_taken(PermissionError(1, "Operation not permitted"), tmp_path / "free")
    assert not name_is_taken(PermissionError(13, "Permission denied"), tmp_path)

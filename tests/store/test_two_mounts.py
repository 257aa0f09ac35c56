"""A store that two machines have mounted by sshfs, where a kernel's lock is seen by its own machine alone.

A machine is played by a process with a host name of its own and a mount of its own.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from orchestrator.conformance.engine_suite import wait_for
from orchestrator.errors import InUse
from orchestrator.file_system import file_system
from orchestrator.plan.keys import Identity, document_key
from orchestrator.store.layout import Layout
from orchestrator.store.leases import holder, keys_in_use, passed
from orchestrator.store.runs import is_in_progress, run_at_rest, run_in_progress
from orchestrator.store.store import Store
from tests import sshfs
from tests.execute.killed_run import OUTPUTS, KilledRun

pytestmark = [pytest.mark.mounts, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
KEY = "a" * 64
DEAD_S = 3.0


@pytest.fixture
def shared(tmp_path):
    """The folder of a store on its server, and two mounts of it."""
    reason = sshfs.why_not()
    if reason is None and os.geteuid() != 0:
        reason = "needs root, to play machines of other names"
    if reason is not None:
        pytest.skip(reason)
    served = tmp_path / "served"
    for folder in ("leases/claims", "leases/uses/claims"):
        (served / "store" / folder).mkdir(parents=True)
        times = {"beat_s": 0.2, "dead_s": DEAD_S}
        (served / "store" / folder / "times.json").write_text(json.dumps(times), encoding="utf-8")
    with sshfs.mounts(tmp_path / "ssh", served, 2, ("reconnect",)) as (first, second):
        yield served / "store", first / "store", second / "store"


def on_machine(name, *command, **environment):
    """Start a program on a machine of this name; with it, all that it has started ends."""
    play = ["unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
    script = 'hostname "$0" && exec "$@"'
    return subprocess.Popen(
        [*play, "sh", "-c", script, name, *command],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'images'}", **environment},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def holding(name, store, key=KEY, then=("time.sleep(600)",), after=()):
    """Start a program on another machine that holds a lease, and wait until it does."""
    code = [
        "import time",
        "from pathlib import Path",
        "from orchestrator.errors import InUse",
        "from orchestrator.plan.keys import Identity",
        "from orchestrator.store.store import Store",
        f"store = Store(Path({str(store)!r}))",
        f"with store.lease({key!r}):",
        "    print('held', flush=True)",
        *(f"    {line}" for line in then),
        *after,
    ]
    process = on_machine(name, sys.executable, "-c", "\n".join(code))
    assert process.stdout.readline() == "held\n"
    return process


def answers(folder):
    with contextlib.suppress(OSError):
        return bool(os.listdir(folder))
    return False


def free_within(store, key, timeout_s):
    """Return after which time a lease could be had, None where it could not."""
    began = time.monotonic()
    while time.monotonic() - began < timeout_s:
        with store.claimed(key) as free:
            if free:
                return time.monotonic() - began
        time.sleep(0.05)
    return None


def test_mount_by_sshfs_is_not_taken_for_a_disk_of_this_machine(shared):
    served, first, _second = shared
    assert file_system(served).is_local
    assert file_system(first).kind == "fuse.sshfs"
    assert not file_system(first / "not" / "there").is_local


def test_lock_of_the_kernel_is_held_on_both_sides(shared):
    served, first, second = shared
    (served / "file").touch()
    with (first / "file").open() as one, (second / "file").open() as other:
        for stream in (one, other):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_lease_through_one_mount_is_seen_through_the_other_and_on_the_server(shared):
    served, first, second = (Store(root) for root in shared)
    with first.lease(KEY):
        for other in (second, served):
            with other.claimed(KEY) as free:
                assert not free
            found = holder(other.layout.lease(KEY))
            assert found is not None
            assert found.pid == os.getpid()
    for other in (second, served, first):
        with other.claimed(KEY) as free:
            assert free
        assert holder(other.layout.lease(KEY)) is None
    assert Layout(shared[0]).lease_keys() == []


def test_run_in_progress_through_one_mount_is_seen_through_the_other(shared):
    _served, first, second = (Store(root) for root in shared)
    with run_in_progress(first, "ours"):
        with run_in_progress(second, "ours"):
            pass
        assert is_in_progress(second, "ours")
    with run_at_rest(second, "ours"), pytest.raises(InUse, match="renamed or removed"), run_in_progress(first, "ours"):
        pass


def test_key_that_is_read_through_one_mount_is_in_use_through_the_other(shared):
    _served, first, second = (Store(root) for root in shared)
    first.artifact(KEY)
    with passed(second.layout.gate, alone=True):
        assert keys_in_use(second.layout) == {KEY}
    first.discard([KEY])
    with passed(second.layout.gate, alone=True):
        assert keys_in_use(second.layout) == set()


def test_lease_of_a_machine_that_died_is_taken_over_and_not_before(shared):
    _served, first, second = shared
    store = Store(second)
    with holding("far", first) as process:
        try:
            assert holder(store.layout.lease(KEY)).host == "far"
            assert free_within(store, KEY, 2 * DEAD_S) is None
        finally:
            process.kill()
    taken_s = free_within(store, KEY, 10 * DEAD_S)
    assert taken_s is not None
    assert taken_s > DEAD_S / 2


def test_lease_of_a_process_of_this_machine_that_was_killed_is_free_at_once(shared):
    _served, first, second = shared
    code = f"""
    import os
    from pathlib import Path
    from orchestrator.store.store import Store

    with Store(Path({str(first)!r})).lease({KEY!r}):
        os.kill(os.getpid(), 9)
    """
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'images'}"}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    taken_s = free_within(Store(second), KEY, DEAD_S)
    assert taken_s is not None
    assert taken_s < DEAD_S / 2


def test_who_stood_still_for_too_long_keeps_nothing(shared):
    _served, first, second = shared
    document = {"schema": 1, "kind": "train", "settings": {}, "inputs": {}, "sources": {}}
    key = document_key(document)
    named = Identity("train/errnet2019", key, document)
    commit = [
        "time.sleep(1)",
        "try:",
        f"    store.commit(Identity('train/errnet2019', {key!r}, {document!r}), {{}}, ['weights.pt'])",
        "except InUse as error:",
        "    print(error.message, flush=True)",
        "time.sleep(600)",
    ]
    with holding("far", first, key, commit) as process:
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
        inner = int(children.stdout.split()[0])
        os.kill(inner, signal.SIGSTOP)
        try:
            store = Store(second)
            assert free_within(store, key, 10 * DEAD_S) is not None
            with store.lease(key):
                os.kill(inner, signal.SIGCONT)
                assert "stood still for too long" in process.stdout.readline()
                with Store(first).claimed(key) as free:
                    assert not free
                (store.staging(key) / "output" / "weights.pt").write_text("weights")
                kept = store.commit(named, {}, ["weights.pt"])
            assert (kept.output / "weights.pt").read_text() == "weights"
        finally:
            process.kill()


def test_connection_that_is_made_again_costs_nothing_that_is_held(shared, tmp_path):
    _served, first, second = shared
    other = "b" * 64
    then = [
        f"store.artifact({KEY!r})",
        "input()",
        f"store.artifact({other!r})",
        "print('noted', flush=True)",
        "input()",
    ]
    with holding("far", first, KEY, then, ("print('let go', flush=True)", "time.sleep(600)")) as process:
        try:
            assert sshfs.cut(tmp_path / "ssh") == 2
            wait_for(lambda: answers(first) and answers(second))
            store = Store(second)
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "noted\n"
            assert free_within(store, KEY, 3 * DEAD_S) is None
            with passed(store.layout.gate, alone=True):
                assert keys_in_use(store.layout) == {KEY, other}
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "let go\n"
            assert free_within(store, KEY, DEAD_S / 2) is not None
        finally:
            process.kill()


def test_result_that_the_other_side_has_kept_is_taken(shared):
    document = {"schema": 1, "kind": "train", "settings": {}, "inputs": {}, "sources": {}}
    named = Identity("train/errnet2019", document_key(document), document)
    _served, first, second = (Store(root) for root in shared)
    for store in (first, second):
        (store.staging(named.key) / "output" / "weights.pt").write_text("weights")
        assert store.commit(named, {}, ["weights.pt"]).key == named.key


def test_lock_that_was_held_on_the_server_before_anybody_mounted_it_is_seen(shared):
    served, first, _second = shared
    shutil.rmtree(served / "leases" / "claims")
    with Store(served).lease(KEY), Store(first).claimed(KEY) as free:
        assert not free


def run_of(tmp_path, name, store, pause_s="0"):
    return on_machine(
        name, sys.executable, "-m", "tests.execute.killed_run", str(tmp_path), STORE=str(store), PAUSE_S=pause_s
    )


def test_two_runs_through_two_mounts_make_everything_once(shared, tmp_path):
    served, first, second = shared
    course = KilledRun(tmp_path, served)
    with run_of(tmp_path, "near", first, "1") as near, run_of(tmp_path, "far", second, "1") as far:
        assert near.wait(120) == far.wait(120) == 0
    assert sorted(course.told()) == sorted(f"{word} {stage}/a" for word in ("begin", "end") for stage in OUTPUTS)
    result = course.run(1.0)
    assert set(result.stored) == {"prepare/a", "train/a", "export/a"}


def test_run_of_a_machine_that_died_is_taken_over(shared, tmp_path):
    served, first, second = shared
    course = KilledRun(tmp_path, served)
    with run_of(tmp_path, "near", first, "7") as dying:
        deadline = time.monotonic() + 60
        while course.told() != ["begin prepare/a"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with run_of(tmp_path, "far", second, "7") as waiting:
            time.sleep(2 * DEAD_S)
            assert course.told() == ["begin prepare/a"]
            dying.kill()
            assert waiting.wait(120) == 0
    assert course.told().count("begin prepare/a") == 2
    assert [line for line in course.told() if line.startswith("end")] == [f"end {stage}/a" for stage in OUTPUTS]

"""Cleaning takes what nobody needs, whoever else is at work, and can be killed at any time."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from orchestrator.errors import StoreError
from orchestrator.store import clean as cleaning
from orchestrator.store.check import check_store
from orchestrator.store.clean import Kept, clean, removables
from orchestrator.store.document_files import RUN_FILE
from orchestrator.store.layout import Layout
from orchestrator.store.store import Store
from tests.store.kept_results import ROOT, grow_old, plan_run

NOTHING = Kept()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def layout(root):
    return Layout(root)


def made(root, *numbers, run=None):
    """Let another process keep results, so that this one uses none of them; return their keys."""
    script = """
        import sys
        from pathlib import Path
        from orchestrator.store.store import Store
        from tests.store.kept_results import keep, plan_run
        store = Store(Path(sys.argv[1]))
        kept = [keep(store, int(number), f"train/{number}") for number in sys.argv[3:]]
        if sys.argv[2]:
            plan_run(store, sys.argv[2], *kept)
        print(*(one.key for one in kept))
    """
    argv = [sys.executable, "-c", textwrap.dedent(script), str(root), run or "", *map(str, numbers)]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def kinds(listed):
    return sorted(one.kind for one in listed)


def cleaned(layout, kept=NOTHING):
    return clean(layout, removables(layout, kept), kept)


@pytest.mark.slow
def test_what_a_run_needs_stays_and_the_rest_goes(root, layout):
    needed = made(root, 1, run="first")
    made(root, 2, 3)
    listed = removables(layout, NOTHING)
    assert kinds(listed) == ["result", "result"]
    assert len(layout.artifact_keys()) == 3
    done = clean(layout, listed, NOTHING)
    assert layout.artifact_keys() == needed
    assert done.bytes == sum(one.bytes for one in listed) > 0
    assert list(layout.trash.iterdir()) == []
    assert check_store(layout).sound


def test_what_this_program_gives_up_goes_unless_a_run_or_another_program_reads_it(root, layout):
    (needed,) = made(root, 1, run="first")
    others, ours = made(root, 2, 3)
    store = Store(root)
    script = """
        import sys
        from pathlib import Path
        from orchestrator.store.store import Store
        assert Store(Path(sys.argv[1])).artifact(sys.argv[2])
        print(flush=True)
        sys.stdin.readline()
    """
    argv = [sys.executable, "-c", textwrap.dedent(script), str(root), others]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        other.stdout.readline()
        for key in (needed, others, ours):
            assert store.artifact(key)
        store.discard([needed, others, ours])
        other.communicate("\n")
    assert layout.artifact_keys() == sorted([needed, others])
    assert store.artifact(ours) is None
    assert check_store(layout).sound


def test_report_that_a_run_shows_stays(root, layout):
    (report,) = made(root, 7)
    plan_run(Store(root), "first")
    shown = layout.run("first") / "report"
    shown.symlink_to(os.path.relpath(layout.artifact(report) / "output", shown.parent), target_is_directory=True)
    assert cleaned(layout).removed == ()


@pytest.mark.slow
def test_record_that_cannot_be_read_keeps_everything(root, layout):
    made(root, 1, run="first")
    made(root, 2)
    (layout.run("first") / RUN_FILE).write_text('{"schema_version": 1, "stages": [{"key": "')
    with pytest.raises(StoreError, match="record of run 'first' is damaged"):
        removables(layout, NOTHING)
    assert len(layout.artifact_keys()) == 2


def test_everything_left_behind_goes_when_it_is_old(root, layout):
    store = Store(root)
    for folder in (
        layout.staging("a" * 64) / "work",
        layout.stagings / "photos-x",
        layout.environments / "venvs" / "old",
    ):
        folder.mkdir(parents=True)
        (folder / "file").write_text("f")
    for folder in (layout.damaged / "b", layout.comparisons / "one+two", layout.trash / "1-a", layout.incoming / "p"):
        folder.mkdir(parents=True)
    assert kinds(removables(layout, NOTHING)) == ["comparison", "damaged", "trash"]
    for folder in (layout.stagings, layout.environments, layout.incoming):
        grow_old(folder)
    everything = ["comparison", "damaged", "environment", "pack", "scratch", "staging", "trash"]
    assert kinds(removables(layout, NOTHING)) == everything
    assert kinds(cleaned(layout).removed) == everything
    assert removables(layout, NOTHING) == []
    assert store.has_staging("a" * 64) is False


def test_environments_of_today_and_those_in_use_stay(root, layout):
    Store(root)
    for name in ("venvs/today", "venvs/old", "code/old"):
        (layout.environments / name).mkdir(parents=True)
    grow_old(layout.environments)
    kept = Kept(environments={layout.environments / "venvs" / "today"})
    assert sorted(one.path.name for one in removables(layout, kept)) == ["old", "old"]


def test_environments_that_several_stores_share_stay(root, layout, tmp_path):
    Store(root)
    layout.environments.rmdir()
    (tmp_path / "shared" / "venvs" / "old").mkdir(parents=True)
    layout.environments.symlink_to(tmp_path / "shared")
    grow_old(tmp_path / "shared")
    assert removables(layout, NOTHING) == []


def test_staging_of_a_run_or_of_a_live_job_stays(root, layout):
    store = Store(root)
    kept = Kept(keys={"c" * 64})
    store.run("first").append({"event": "planned", "keys": {"train/x": "b" * 64}})
    for key in ("a" * 64, "b" * 64, "c" * 64):
        store.staging(key)
    grow_old(layout.stagings)
    assert [one.key for one in cleaned(layout, kept).removed] == ["a" * 64]


def test_staging_that_somebody_holds_stays(root, layout):
    store = Store(root)
    store.staging("a" * 64)
    grow_old(layout.stagings)
    with store.lease("a" * 64):
        done = cleaned(layout)
    assert done.removed == ()
    assert kinds(done.left) == ["staging"]


def test_scratch_folder_in_use_stays_however_old(root, layout):
    store = Store(root)
    with store.scratch("photos") as folder:
        grow_old(folder)
        assert removables(layout, NOTHING) == []
    folder.mkdir()
    layout.lease(folder.name).touch()
    assert kinds(removables(layout, NOTHING)) == ["scratch"]


READER = """
    import sys
    from pathlib import Path
    from orchestrator.store.store import Store
    artifact = Store(Path(sys.argv[1])).artifact(sys.argv[2])
    print("found" if artifact else "gone", flush=True)
    sys.stdin.readline()
    print((artifact.output / "weights.pt").read_text(), flush=True)
"""


@contextlib.contextmanager
def reader(root, key):
    """Run a program that found a result, and reads it when it hears a line."""
    argv = [sys.executable, "-c", textwrap.dedent(READER), str(root), key]
    process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_what_a_living_program_found_stays_until_it_ends(root, layout):
    (key,) = made(root, 1)
    with reader(root, key) as process:
        assert process.stdout.readline() == "found\n"
        assert removables(layout, NOTHING) == []
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "w" * 100 + "\n"
    assert [one.key for one in cleaned(layout).removed] == [key]


@pytest.mark.slow
def test_what_a_program_found_after_the_list_was_made_stays(root, layout):
    (key,) = made(root, 1)
    listed = removables(layout, NOTHING)
    with reader(root, key) as process:
        assert process.stdout.readline() == "found\n"
        done = clean(layout, listed, NOTHING)
    assert [one.key for one in done.left] == [key]
    assert layout.artifact(key).is_dir()


CLEANER = """
    import sys
    from pathlib import Path
    from orchestrator.store.clean import Kept, clean, removables
    from orchestrator.store.layout import Layout
    layout = Layout(Path(sys.argv[1]))
    print(len(clean(layout, removables(layout, Kept()), Kept()).removed))
"""


@pytest.mark.slow
def test_two_cleaners_and_a_running_program_at_once(root, layout):
    needed = made(root, *range(10), run="first")
    made(root, *range(10, 40))
    argv = [sys.executable, "-c", textwrap.dedent(CLEANER), str(root)]
    cleaners = [
        subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    late = made(root, 50, 51, run="second")
    for process in cleaners:
        said, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert said.strip().isdigit()
    assert layout.artifact_keys() == sorted([*needed, *late])
    assert list(layout.trash.iterdir()) == []
    assert check_store(layout).sound


@pytest.mark.slow
def test_program_that_makes_and_reads_results_while_others_clean_loses_none(root, layout):
    script = """
        import sys
        from pathlib import Path
        from orchestrator.store.store import Store
        from tests.store.kept_results import identity, keep
        store = Store(Path(sys.argv[1]))
        for number in range(30):
            kept = keep(store, number % 7)
            found = store.sound_artifact(kept.key, print)
            assert found is not None and (found.output / "weights.pt").read_text() == "w" * 100, number
    """
    argv = [sys.executable, "-c", textwrap.dedent(script), str(root)]
    Store(root)
    process = subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while process.poll() is None:
        cleaned(layout)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    cleaned(layout)
    assert layout.artifact_keys() == []


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from orchestrator.store import clean as cleaning
    from orchestrator.store.layout import Layout
    layout, point, count = Layout(Path(sys.argv[1])), sys.argv[2], 0
    there = getattr(cleaning, point)
    def third(*arguments):
        global count
        count += 1
        if count == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return there(*arguments)
    setattr(cleaning, point, third)
    cleaning.clean(layout, cleaning.removables(layout, cleaning.Kept()), cleaning.Kept())
"""


@pytest.mark.slow
@pytest.mark.parametrize("point", ["_moved", "_delete"])
def test_kill_in_the_middle_leaves_a_good_store_and_the_rest_to_the_next(root, layout, point):
    needed = made(root, 1, run="first")
    made(root, *range(2, 8))
    argv = [sys.executable, "-c", textwrap.dedent(KILLED), str(root), point]
    assert subprocess.run(argv, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert check_store(layout).sound
    assert set(needed) <= set(layout.artifact_keys())
    assert "trash" in kinds(removables(layout, NOTHING))
    cleaned(layout)
    assert layout.artifact_keys() == needed
    assert removables(layout, NOTHING) == []


def test_second_cleaner_waits_for_the_first(root, layout):
    made(root, 1)
    waited = threading.Event()
    listed = removables(layout, NOTHING)
    from orchestrator.store.leases import held

    with held(layout.lease("cleaning")):
        thread = threading.Thread(target=clean, args=(layout, listed, NOTHING, waited.set))
        thread.start()
        assert waited.wait(10)
        assert len(layout.artifact_keys()) == 1
    thread.join(10)
    assert layout.artifact_keys() == []


def test_what_cannot_be_removed_is_explained(root, layout, monkeypatch):
    made(root, 1)

    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(cleaning, "_delete", refused)
    with pytest.raises(StoreError, match=r"may not be written \(Permission denied\)"):
        cleaned(layout)
    monkeypatch.undo()
    assert kinds(cleaned(layout).removed) == ["trash"]


@pytest.mark.slow
def test_command_shows_first_and_asks(root, layout):
    made(root, 1)

    def command(*arguments, said=None):
        argv = [sys.executable, "-m", "orchestrator", "store", "clean", *arguments, "--store", str(root)]
        return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, input=said)

    done = command("--dry-run")
    assert done.returncode == 0, done.stderr
    assert "train/1" in done.stdout
    assert "1 to remove" in done.stdout
    assert command(said="n\n").returncode == 1
    assert len(layout.artifact_keys()) == 1
    done = command("--yes")
    assert "removed 1" in done.stdout
    assert layout.artifact_keys() == []
    assert "nothing to remove" in command("--yes").stdout


FULL = """
set -e
mkdir -p "$1"
mount -t tmpfs -o size=3m,mode=777 none "$1"
"$2" -c "$3" "$1"/store
! dd if=/dev/zero of="$1"/store/filler bs=1M 2>/dev/null
"$2" -m orchestrator store check --store "$1"/store
"$2" -m orchestrator store clean --yes --store "$1"/store
! dd if=/dev/zero of="$1"/store/filler bs=1M 2>/dev/null
"$2" -m orchestrator store check --store "$1"/store
"""
FILLING = """
import sys
from pathlib import Path
from orchestrator.store.store import Store
from tests.store.kept_results import keep, plan_run
store = Store(Path(sys.argv[1]))
plan_run(store, "first", keep(store, 1))
keep(store, 2, "train/x", {"weights.pt": "w" * 500_000})
"""


@pytest.mark.slow
def test_full_disk_can_be_checked_and_cleaned(tmp_path):
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("optional: no right to mount a small disk")
    argv = ["unshare", "-m", "sh", "-c", FULL, "sh", str(tmp_path / "disk"), sys.executable, FILLING]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "removed 1" in done.stdout
    shutil.rmtree(tmp_path / "disk")

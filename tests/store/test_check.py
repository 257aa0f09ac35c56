"""A check names everything that is not as it was committed, and a repair sets it aside."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from orchestrator.store.check import check_store
from orchestrator.store.store import Store
from tests.store.kept_results import ROOT, change_bytes, keep, plan_run


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def spoiled(store):
    """Return a store with two runs: a sound result of both, a changed one, and one with a file too many."""
    sound, changed, untidy = keep(store, 1), keep(store, 2, "export/errnet2019"), keep(store, 3, "infer/errnet2019/a")
    plan_run(store, "first", sound, changed)
    plan_run(store, "second", sound, untidy)
    change_bytes(changed)
    (untidy.output / "Thumbs.db").write_text("t")
    (store.layout.artifacts / "notes.txt").write_text("mine")
    return store


def command(store, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", "store", *arguments, "--store", str(store.root)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_sound_store_is_said_to_be_sound(store):
    keep(store)
    seen = []
    found = check_store(store.layout, progress=lambda done, total: seen.append((done, total)))
    assert found.sound
    assert (found.results, found.files, found.bytes) == (1, 2, 102)
    assert found.findings == ()
    assert seen[-1] == (102, 102)


def test_everything_that_is_wrong_is_named_with_who_needs_it(spoiled):
    found = check_store(spoiled.layout)
    assert not found.sound
    by_stage = {finding.stage: finding for finding in found.findings}
    assert set(by_stage) == {"export/errnet2019", "infer/errnet2019/a"}
    changed, untidy = by_stage["export/errnet2019"], by_stage["infer/errnet2019/a"]
    assert changed.faults == ("output/weights.pt has other content than it had",)
    assert (changed.damaged, changed.runs, changed.done) == (True, ("first",), None)
    assert untidy.faults == ("output/Thumbs.db does not belong to it",)
    assert not untidy.damaged
    assert found.foreign == ("artifacts/notes.txt",)
    assert found.runs == ("first",)


def test_check_of_one_run_looks_at_its_results_alone(spoiled):
    keys = spoiled.run("second").keys().values()
    found = check_store(spoiled.layout, set(keys))
    assert [finding.stage for finding in found.findings] == ["infer/errnet2019/a"]
    assert found.foreign == ()


def test_repair_sets_aside_what_is_wrong_and_keeps_the_rest(spoiled):
    (spoiled.layout.artifacts / "notes.txt").unlink()
    found = check_store(spoiled.layout, repair=True)
    assert found.sound
    assert check_store(spoiled.layout).findings == ()
    assert len(list(spoiled.layout.damaged.glob("*/reason.json"))) == 2
    assert [path.read_text() for path in spoiled.layout.damaged.glob("*/output/Thumbs.db")] == ["t"]
    assert len(spoiled.layout.artifact_keys()) == 2


def test_a_file_about_how_it_went_that_was_changed_spoils_no_result(store):
    artifact = keep(store)
    # As a stage leaves it: times and memory are no results.
    other = store.staging("0" * 64)
    shutil.rmtree(other)
    path = artifact.folder / "facts" / "extra.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    (finding,) = check_store(store.layout).findings
    assert not finding.damaged


def test_a_result_that_is_being_made_is_left_alone(store):
    artifact = keep(store)
    change_bytes(artifact)
    with store.lease(artifact.key):
        found = check_store(store.layout, repair=True)
    assert found.busy == (artifact.key,)
    assert found.findings == ()
    assert artifact.folder.is_dir()


def test_check_that_is_not_remembered_finds_what_the_quick_check_cannot(store, monkeypatch):
    """A failing disk changes bytes and leaves no trace in the file's times."""
    from orchestrator.store import examine as examining

    monkeypatch.setattr(examining, "_SETTLED_NS", -1)
    artifact = keep(store)
    store.sound_artifact(artifact.key, pytest.fail)
    noted = json.loads(store.layout.verification(artifact.key).read_text())
    change_bytes(artifact)
    status = (artifact.output / "weights.pt").stat()
    noted["files"]["output/weights.pt"] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    store.layout.verification(artifact.key).write_text(json.dumps(noted))
    assert store.sound_artifact(artifact.key, pytest.fail) is not None
    assert len(check_store(store.layout).findings) == 1
    assert store.sound_artifact(artifact.key, lambda _words: None) is None


@pytest.mark.slow
def test_exit_code_and_json_tell_what_was_found(spoiled):
    done = command(spoiled, "check", "--json")
    assert done.returncode == 9, done.stderr
    told = json.loads(done.stdout)
    assert told["sound"] is False
    assert told["runs"] == ["first"]
    done = command(spoiled, "check")
    assert done.returncode == 9
    assert "damaged  export/errnet2019" in done.stdout
    assert "needed by: first" in done.stdout
    assert "store check --repair" in done.stdout
    (spoiled.layout.artifacts / "notes.txt").unlink()
    done = command(spoiled, "check", "first", "--repair")
    assert done.returncode == 0, done.stdout
    assert "made again by running: first" in done.stdout
    assert command(spoiled, "check", "first").returncode == 0


@pytest.mark.slow
def test_unknown_run_and_folder_that_is_no_store_are_explained(store, tmp_path):
    done = command(store, "check", "nobody")
    assert done.returncode == 2
    assert "the store has no run 'nobody'; it has none at all" in done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "store", "check", "--store", str(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert f"there is no store at {tmp_path / 'nowhere'}" in done.stderr
    assert not (tmp_path / "nowhere").exists()


READ_ONLY = (
    'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && ! touch "$1"/new 2>/dev/null && exec "$@"'
)


@pytest.mark.slow
def test_store_that_may_only_be_read_can_be_checked_and_measured(store):
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("optional: no right to mount a folder read-only")

    def command(*words):
        argv = [sys.executable, "-m", "orchestrator", "store", *words, "--store", str(store.root)]
        script = ["unshare", "-m", "sh", "-c", READ_ONLY, "sh", str(store.root), *argv]
        return subprocess.run(script, capture_output=True, text=True, check=False, cwd=ROOT)

    keep(store)
    broken = keep(store, 2)
    (broken.output / "weights.pt").unlink()
    # As an earlier version has left it.
    store.layout.trash.rmdir()
    store.layout.version.unlink()
    done = command("check")
    assert done.returncode == 9, done.stderr
    assert "weights.pt is missing" in done.stdout
    done = command("check", "--repair")
    assert done.returncode == 9
    assert "cannot be set aside: Read-only file system" in done.stderr
    done = command("usage")
    assert done.returncode == 0, done.stderr
    assert "of results that no run needs" in done.stdout
    shutil.rmtree(broken.folder)
    assert command("check").returncode == 0

"""What the store promises: whole artifacts or none, and staging that outlives a crash."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from orchestrator.errors import NoSpace, OutputInvalid, StoreError
from orchestrator.plan.keys import Identity, document_key
from orchestrator.store.examine import examine
from orchestrator.store.store import Store
from tests.rights import without_rights

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def identity(number=0, stage="train/errnet2019"):
    document = {"schema": 1, "kind": "train", "settings": {"number": number}, "inputs": {}, "sources": {}}
    return Identity(stage, document_key(document), document)


def staged(store, named, files):
    """Stage an output of some files."""
    output = store.staging(named.key) / "output"
    for name, text in files.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text(text, encoding="utf-8")
    return output


def committed(store, named, files=(("weights.pt", "w" * 100), ("sub/curves.json", "{}"))):
    staged(store, named, dict(files))
    return store.commit(named, {"seconds": 1.5}, ["weights.pt"])


def differences(store, artifact):
    """Return the names of the files that are not as they were committed, all of them read."""
    return [fault.name for fault in examine(store.layout, artifact.key, {}).faults]


@pytest.mark.parametrize("left", ["nothing", "a file", "a folder"])
def test_files_about_how_it_went_can_come_from_the_program_and_take_the_place_of_what_a_stage_left(store, left):
    named = identity()
    staging = store.staging(named.key)
    (staging / "output" / "weights.pt").write_bytes(b"weights")
    target = staging / "facts" / "sbom.cdx.json"
    if left == "a file":
        target.write_bytes(b"its own")
    if left == "a folder":
        (target / "inner").mkdir(parents=True)
    artifact = store.commit(named, {}, ["weights.pt"], about_files={"sbom.cdx.json": b"list"})
    assert set(artifact.manifest.fact_files) == {"sbom.cdx.json"}
    assert (artifact.facts / "sbom.cdx.json").read_bytes() == b"list"


def test_committed_artifact_is_found_with_its_files_and_facts(store):
    named = identity()
    assert store.artifact(named.key) is None
    artifact = committed(store, named)
    found = Store(store.root).artifact(named.key)
    assert found == artifact
    assert found.key == named.key
    assert found.manifest.kind == "train"
    assert found.manifest.document == named.document
    assert found.manifest.facts == {"seconds": 1.5}
    assert set(found.manifest.files) == {"weights.pt", "sub/curves.json"}
    assert (found.output / "sub" / "curves.json").read_text() == "{}"
    assert differences(store, found) == []
    assert not store.has_staging(named.key)


def staged_with_facts(store, named, facts):
    staged(store, named, {"weights.pt": "w" * 100})
    about = store.staging(named.key) / "facts"
    for name, text in facts.items():
        (about / name).parent.mkdir(parents=True, exist_ok=True)
        (about / name).write_text(text, encoding="utf-8")


def test_files_about_how_it_went_are_kept_beside_the_results_and_count_for_nothing(store):
    found = []
    for number, times in enumerate(("3 s", "4 s and more")):
        named = identity(number)
        staged_with_facts(store, named, {"train.json": times, "events/events.1": "e"})
        found.append(store.commit(named, {}, ["weights.pt"]))
    first, second = found
    assert set(first.manifest.files) == {"weights.pt"}
    assert set(first.manifest.fact_files) == {"train.json", "events/events.1"}
    assert (first.facts / "train.json").read_text() == "3 s"
    assert (first.facts / "train.json").stat().st_mode & 0o222 == 0
    assert first.content == second.content != committed(store, identity(2)).content
    assert differences(store, first) == []


def test_damage_to_a_file_about_how_it_went_is_named_and_leaves_the_result_usable(store):
    named = identity()
    staged_with_facts(store, named, {"train.json": "3 s", "host.json": "{}"})
    artifact = store.commit(named, {}, ["weights.pt"])
    (artifact.facts / "train.json").chmod(0o644)
    (artifact.facts / "train.json").write_text("4 s")
    (artifact.facts / "host.json").unlink()
    (artifact.facts / "more").write_text("")
    assert differences(store, artifact) == ["facts/host.json", "facts/train.json", "facts/more"]
    assert store.artifact(named.key) == artifact


def test_link_among_the_files_about_how_it_went_is_refused(store):
    named = identity()
    staged_with_facts(store, named, {})
    (store.staging(named.key) / "facts" / "events").symlink_to("/etc")
    with pytest.raises(OutputInvalid, match="left 'events', which is not a plain file"):
        store.commit(named, {}, ["weights.pt"])


def test_manifest_from_before_there_were_such_files_is_read(store):
    artifact = committed(store, identity())
    path = artifact.folder / "manifest.json"
    document = json.loads(path.read_text())
    del document["fact_files"]
    path.chmod(0o644)
    path.write_text(json.dumps(document))
    shutil.rmtree(artifact.facts)
    found = store.artifact(artifact.key)
    assert (found.manifest.fact_files, found.content) == ({}, artifact.content)
    assert differences(store, found) == []


def test_committed_files_are_read_only_and_can_be_removed(store):
    artifact = committed(store, identity())
    assert (artifact.output / "weights.pt").stat().st_mode & 0o222 == 0
    shutil.rmtree(artifact.folder)


@pytest.mark.parametrize(
    "files",
    [pytest.param({}, id="missing"), pytest.param({"weights.pt": ""}, id="empty")],
)
def test_commit_without_a_required_file_is_refused(store, files):
    named = identity()
    staged(store, named, files)
    with pytest.raises(OutputInvalid, match=r"train/errnet2019 ended well but left no weights\.pt"):
        store.commit(named, {}, ["weights.pt"])
    assert store.artifact(named.key) is None
    assert store.has_staging(named.key)


def test_commit_with_a_link_is_refused(store, tmp_path):
    named = identity()
    output = staged(store, named, {"weights.pt": "w"})
    (output / "leak").symlink_to(tmp_path)
    with pytest.raises(OutputInvalid, match="'leak', which is not a plain file"):
        store.commit(named, {}, ["weights.pt"])


def test_commit_with_another_name_of_a_file_is_refused(store, tmp_path):
    named = identity()
    precious = tmp_path / "precious"
    precious.write_text("as it was")
    output = staged(store, named, {"weights.pt": "w"})
    os.link(precious, output / "taken")
    with pytest.raises(OutputInvalid, match=r"'taken', which is another file too \(a hard link\)"):
        store.commit(named, {}, ["weights.pt"])
    assert precious.stat().st_mode & 0o200


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb"], ids=["line-end", "escape"])
def test_commit_with_control_characters_in_a_name_is_refused(store, name):
    named = identity()
    staged(store, named, {"weights.pt": "w", name: "x"})
    with pytest.raises(OutputInvalid, match="whose name has a control character"):
        store.commit(named, {}, ["weights.pt"])


def test_commit_with_a_name_that_is_no_text_is_refused(store):
    named = identity()
    staged(store, named, {"weights.pt": "w", "a\udcff": "x"})
    with pytest.raises(OutputInvalid, match=r"'a\\udcff', whose name is no text \(it is not UTF-8\)"):
        store.commit(named, {}, ["weights.pt"])


def test_what_a_stage_left_without_rights_is_kept_and_removed_like_all_else(store):
    """As a user whom modes of files bind."""
    script = """
import os, sys
from pathlib import Path
from orchestrator.store.store import Store
from tests.store.kept_results import identity
store = Store(Path(sys.argv[1]))
for number in (0, 1):
    folder = store.staging(identity(number).key)
    (folder / "output" / "sub").mkdir()
    for name in ("weights.pt", "sub/picture.png"):
        (folder / "output" / name).write_text("w")
        (folder / "output" / name).chmod(0)
    for name in ("output/sub", "work"):
        (folder / name).chmod(0)
print(sorted(store.commit(identity(0), {}, ["weights.pt"]).manifest.files))
store.staging(identity(1).key)
store.discard_staging(identity(1).key)
print(store.layout.staging_keys())
"""
    argv = without_rights([sys.executable, "-c", script, str(store.root)])
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=root)
    assert done.stdout.splitlines() == ["['sub/picture.png', 'weights.pt']", "[]"], done.stderr


@pytest.mark.parametrize("replaced", ["output", "facts", "ready", "work"])
def test_folder_that_a_stage_replaced_by_a_link_leads_nobody_out(store, tmp_path, replaced):
    """A program can replace its own folders: nothing outside is moved, copied, or gets another mode."""
    named = identity()
    private = tmp_path / "private"
    for folder in (private, private / "output"):
        folder.mkdir()
        (folder / "weights.pt").write_text("private")
    modes = {path: path.stat().st_mode for path in private.rglob("*")}
    output = staged(store, named, {"weights.pt": "w"})
    folder = output.parent / replaced
    shutil.rmtree(folder, ignore_errors=True)
    folder.symlink_to(private)
    if replaced in {"output", "facts"}:
        with pytest.raises(OutputInvalid, match=f"in place of its folder '{replaced}'"):
            store.commit(named, {}, ["weights.pt"])
    again = store.staging(named.key)
    (again / "output" / "weights.pt").write_text("again")
    artifact = store.commit(named, {}, ["weights.pt"])
    assert (artifact.output / "weights.pt").read_text() == "again"
    assert {path: path.stat().st_mode for path in private.rglob("*")} == modes


def test_examination_names_changed_removed_and_added_files(store):
    artifact = committed(store, identity(), {"weights.pt": "aaa", "gone": "x", "kept": "k"})
    weights = artifact.output / "weights.pt"
    weights.chmod(0o644)
    weights.write_text("bbb")
    (artifact.output / "gone").unlink()
    (artifact.output / "new").write_text("n")
    assert differences(store, artifact) == ["output/gone", "output/weights.pt", "output/new"]


def spoil_size(artifact):
    (artifact.output / "weights.pt").chmod(0o644)
    (artifact.output / "weights.pt").write_text("short")


def spoil_manifest(artifact):
    (artifact.folder / "manifest.json").chmod(0o644)
    (artifact.folder / "manifest.json").write_text('{"key": ')


def spoil_file(artifact):
    (artifact.output / "weights.pt").unlink()


@pytest.mark.parametrize("spoil", [spoil_size, spoil_manifest, spoil_file])
def test_damaged_artifact_counts_as_missing_and_is_replaced(store, spoil):
    named = identity()
    spoil(committed(store, named))
    assert store.artifact(named.key) is None
    again = committed(store, named)
    assert differences(store, again) == []
    assert store.artifact(named.key) == again


def test_second_commit_of_a_key_keeps_the_first(store):
    named = identity()
    first = committed(store, named, {"weights.pt": "first"})
    staged(store, named, {"weights.pt": "other"})
    assert store.commit(named, {}, ["weights.pt"]) == first
    assert (first.output / "weights.pt").read_text() == "first"


def test_staging_is_kept_until_it_is_discarded(store):
    key = identity().key
    assert not store.has_staging(key)
    (store.staging(key) / "work" / "checkpoint.pt").write_text("c")
    assert Store(store.root).has_staging(key)
    assert (store.staging(key) / "work" / "checkpoint.pt").read_text() == "c"
    store.discard_staging(key)
    assert not store.has_staging(key)


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from orchestrator.store import store as module
    from tests.store.test_store import identity, staged
    store = module.Store(Path(sys.argv[1]))
    staged(store, identity(), {"weights.pt": "w" * 1000, "curves.json": "{}"})
    (store.staging(identity().key) / "work" / "checkpoint.pt").write_text("c")
    point, kill = sys.argv[2], lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    if point == "publish":
        module.Store._publish = kill
    else:
        setattr(module, point, kill)
    store.commit(identity(), {}, ["weights.pt"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("point", ["committed_manifest", "write_synced", "set_modes", "publish"])
def test_kill_in_the_middle_of_a_commit_leaves_no_artifact_and_staging_is_taken_up_again(store, point):
    script = textwrap.dedent(KILLED)
    done = subprocess.run([sys.executable, "-c", script, str(store.root), point], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    named = identity()
    assert store.artifact(named.key) is None
    assert store.has_staging(named.key)
    staging = store.staging(named.key)
    assert (staging / "work" / "checkpoint.pt").read_text() == "c"
    weights = staging / "output" / "weights.pt"
    assert weights.read_text() == "w" * 1000
    assert weights.stat().st_mode & 0o200
    assert differences(store, store.commit(named, {}, ["weights.pt"])) == []


def test_full_disk_is_explained_with_its_numbers(store, monkeypatch):
    named = identity()
    staged(store, named, {"weights.pt": "w"})

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("orchestrator.store.store.write_synced", full)
    with pytest.raises(NoSpace, match=r"keeping the result of train/errnet2019 failed: \d+ MiB of [\d.]+ GiB are free"):
        store.commit(named, {}, ["weights.pt"])
    monkeypatch.undo()
    assert store.commit(named, {}, ["weights.pt"]).output.is_dir()


def test_store_in_the_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        Store(tmp_path / "file" / "store")


def test_lease_excludes_other_threads_and_tells_them_to_wait(store):
    key = identity().key
    waited, entered = threading.Event(), threading.Event()

    def second():
        with store.lease(key, waited.set):
            entered.set()

    thread = threading.Thread(target=second)
    with store.lease(key):
        thread.start()
        assert waited.wait(10)
        assert not entered.is_set()
    thread.join(10)
    assert entered.is_set()


def test_lease_of_a_killed_process_is_free(store):
    key = identity().key
    script = (
        "import sys, time; from pathlib import Path; from orchestrator.store.store import Store\n"
        "with Store(Path(sys.argv[1])).lease(sys.argv[2]):\n    print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(store.root), key], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"

        class GivenUp(Exception):
            pass

        def give_up():
            raise GivenUp

        with pytest.raises(GivenUp), store.lease(key, give_up):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with store.lease(key, lambda: pytest.fail("the lease outlived its process")):
        pass


def test_manifest_is_plain_json_for_other_programs(store):
    artifact = committed(store, identity())
    plain = json.loads((artifact.folder / "manifest.json").read_text())
    assert plain["files"]["weights.pt"]["size"] == 100

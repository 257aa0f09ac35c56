"""A pack carries runs elsewhere as they are; one that is not whole, or not ours, leaves the store as it was."""

import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap

import pytest

from orchestrator.errors import InUse, PackInvalid, SpecError, StoreError
from orchestrator.execute.run_results import recorded_results
from orchestrator.store.check import check_store
from orchestrator.store.clean import Kept, clean, removables
from orchestrator.store.document_files import load_document
from orchestrator.store.pack import Entry, Extras, pack_runs
from orchestrator.store.pack_form import INDEX, Place, tar_header
from orchestrator.store.reference import run_reference
from orchestrator.store.runs import run_in_progress
from orchestrator.store.store import Store
from orchestrator.store.unpack import unpacking
from tests.execute.small_run import keep_run
from tests.store.kept_results import ROOT, change_bytes
from tests.store.pack_files import entry, told, written

FIRST = run_reference("first")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return a store with a run whose training was stopped half-way; it is only read."""
    folder = tmp_path_factory.mktemp("source")
    store = Store(folder / "store")
    keep_run(store, folder, leave="train/")
    key = load_document(store.layout.run("first")).keys["train/errnet2019"]
    (store.staging(key) / "work" / "checkpoint.pt").write_bytes(b"half-way")
    (store.staging(key) / "work" / "cache" / "big").mkdir(parents=True)
    (store.staging(key) / "work" / "cache" / "big" / "kernel").write_bytes(b"k")
    (store.staging(key) / "process.json").write_text("{}")
    logs = store.layout.logs("first")
    logs.mkdir(exist_ok=True)
    (logs / "train_errnet2019.log").write_text("step 1\n")
    return store


@pytest.fixture(scope="module")
def packed(source, tmp_path_factory):
    """Return a pack of that run; it is only read."""
    target = tmp_path_factory.mktemp("pack") / "first.tar"
    pack_runs(source, [FIRST], target)
    return target


@pytest.fixture
def store(tmp_path):
    """Return another, empty store."""
    return Store(tmp_path / "elsewhere" / "store")


def unpack(store, pack, named=None):
    with unpacking(store, pack, named) as parts:
        return parts.publish()


def visible(store):
    """Return every file that the store shows to others, but for its own locks."""
    shown = (store.layout.artifacts, store.layout.runs, store.layout.stagings, store.layout.incoming)
    return sorted(path for folder in shown for path in folder.rglob("*"))


def test_run_comes_out_as_it_went_in(source, packed, store):
    done = unpack(store, packed)
    assert done.runs == ("first",)
    assert done.kept == ()
    there, here = recorded_results(FIRST, source), recorded_results(FIRST, store)
    assert here.document == there.document
    assert {name: one.manifest for name, one in here.artifacts.items()} == {
        name: one.manifest for name, one in there.artifacts.items()
    }
    assert check_store(store.layout).sound
    assert (store.layout.logs("first") / "train_errnet2019.log").read_text() == "step 1\n"
    some = next(iter(here.artifacts.values()))
    assert all(path.stat().st_mode & 0o222 == 0 for path in some.output.rglob("*") if path.is_file())
    assert list(store.layout.incoming.iterdir()) == []


def test_what_a_stopped_training_goes_on_from_comes_with_it(source, packed, store):
    key = load_document(source.layout.run("first")).keys["train/errnet2019"]
    unpack(store, packed)
    assert store.has_staging(key)
    assert (store.staging(key) / "work" / "checkpoint.pt").read_bytes() == b"half-way"
    assert not (store.staging(key) / "work" / "cache").exists()
    assert not (store.staging(key) / "process.json").exists()


def test_tar_lists_it_and_the_index_tells_the_hash_of_every_file(packed):
    listed = subprocess.run(["tar", "tf", packed], capture_output=True, text=True, check=True).stdout.split()
    assert listed[0] == INDEX
    text = subprocess.run(["tar", "xOf", packed, INDEX], capture_output=True, check=True).stdout
    index = json.loads(text)
    assert [member["name"] for member in index["members"]] == listed[1:]
    assert "runs/first/run.json" in listed
    for member in index["members"]:
        content = subprocess.run(["tar", "xOf", packed, member["name"]], capture_output=True, check=True).stdout
        assert (len(content), hashlib.sha256(content).hexdigest()) == (member["size"], member["sha256"])


def test_run_gets_another_name(packed, store):
    assert unpack(store, packed, "theirs").runs == ("theirs",)
    assert recorded_results(run_reference("theirs"), store).document.name == "theirs"


def test_run_of_the_same_name_is_refused_and_results_that_are_there_stay(packed, store):
    unpack(store, packed)
    before = visible(store)
    with pytest.raises(SpecError, match="has a run 'first' already"):
        unpack(store, packed)
    assert visible(store) == before
    done = unpack(store, packed, "again")
    assert set(done.kept) == {*done.index.artifacts, *done.index.staging}


def test_single_revision_is_the_only_one_that_comes_out(tmp_path, store):
    source = Store(tmp_path / "store")
    keep_run(source, tmp_path)
    keep_run(source, tmp_path, epochs=6)
    pack_runs(source, [run_reference("first@1")], tmp_path / "one.tar")
    unpack(store, tmp_path / "one.tar")
    found = recorded_results(FIRST, store)
    assert found.document.revision == 1
    assert found.complete
    with pytest.raises(SpecError, match="no revision 2"):
        recorded_results(run_reference("first@2"), store)


def test_all_revisions_come_out_otherwise(tmp_path, store):
    source = Store(tmp_path / "store")
    keep_run(source, tmp_path)
    keep_run(source, tmp_path, epochs=6)
    pack_runs(source, [FIRST], tmp_path / "both.tar")
    unpack(store, tmp_path / "both.tar")
    for revision in ("first@1", "first@2"):
        assert recorded_results(run_reference(revision), store).complete


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.3, 0.7, 0.95])
def test_pack_that_is_cut_short_leaves_nothing(packed, store, tmp_path, share):
    cut = tmp_path / "cut.tar"
    shutil.copyfile(packed, cut)
    os.truncate(cut, int(packed.stat().st_size * share))
    before = visible(store)
    with pytest.raises(PackInvalid, match=r"cut short|is no pack"):
        unpack(store, cut)
    assert [path for path in visible(store) if path != store.layout.incoming] == before


@pytest.mark.parametrize("seed", range(12))
def test_pack_in_which_a_byte_was_changed_is_refused_or_says_the_same(packed, store, tmp_path, seed):
    content = bytearray(packed.read_bytes())
    place = random.Random(seed).randrange(len(content))
    content[place] ^= 1 << (seed % 8)
    changed = tmp_path / "changed.tar"
    changed.write_bytes(content)
    try:
        unpack(store, changed)
    except (PackInvalid, StoreError, SpecError):
        assert store.layout.artifact_keys() == []
        assert store.run_names() == []
    else:  # what fills up a block says nothing
        assert check_store(store.layout).sound


def test_newer_format_is_left_alone(packed, store, tmp_path):
    newer = tmp_path / "newer.tar"
    written(newer, {"format": 9, "program": "7.1", "something": "else"}, [])
    with pytest.raises(PackInvalid, match=r"format 9, made by sirr-orch 7\.1; this is sirr-orch [\d.]+, which knows"):
        unpack(store, newer)


def test_result_that_its_manifest_does_not_tell_of_is_refused(source, packed, store, tmp_path):
    """A pack with a right index can still hold a result that was forged."""
    forged = tmp_path / "forged.tar"
    with tarfile.open(packed) as archive:
        parts = [(part.name, archive.extractfile(part).read()) for part in archive]
    index, members = json.loads(parts[0][1]), dict(parts[1:])
    name = next(name for name in members if name.endswith("scores.json"))
    members[name] += b" "
    again = told(*members.items(), artifacts=index["artifacts"], staging=index["staging"])
    written(forged, again, [(entry(name), content) for name, content in members.items()])
    with pytest.raises(PackInvalid, match="not what its manifest says"):
        unpack(store, forged)
    assert store.layout.artifact_keys() == []


def test_run_in_progress_and_damaged_results_are_not_packed(tmp_path):
    source = Store(tmp_path / "store")
    keep_run(source, tmp_path)
    with run_in_progress(source, "first"), pytest.raises(InUse, match="in progress: it cannot be packed"):
        pack_runs(source, [FIRST], tmp_path / "a.tar")
    change_bytes(recorded_results(FIRST, source).artifacts["evaluate/errnet2019/skimage-test/standard"], "scores.json")
    with pytest.raises(StoreError, match="is damaged"):
        pack_runs(source, [FIRST], tmp_path / "a.tar")
    assert not list(tmp_path.glob("*.tar*")) + list(tmp_path.glob(".*"))


def test_file_that_is_there_is_not_written_over(source, tmp_path):
    (tmp_path / "mine.tar").write_text("mine")
    with pytest.raises(SpecError, match="is there already"):
        pack_runs(source, [FIRST], tmp_path / "mine.tar")
    assert (tmp_path / "mine.tar").read_text() == "mine"


@pytest.mark.parametrize("name", ["x" * 300, "x" * 250])
def test_a_name_that_the_disk_cannot_have_is_told_as_such(source, tmp_path, name):
    with pytest.raises(SpecError, match="cannot be written: File name too long"):
        pack_runs(source, [FIRST], tmp_path / name)


def test_what_has_no_size_before_it_is_read_is_packed_too(source, store, tmp_path):
    part = Entry(Place("images", "0", "image.tar"), lambda: (b"layer" * 1000, b"end"), None)
    pack_runs(source, [FIRST], tmp_path / "a.tar", Extras(images=("some:tag",), entries=[part]))
    with unpacking(store, tmp_path / "a.tar") as parts:
        assert (parts.folder / "images" / "0" / "image.tar").read_bytes() == b"layer" * 1000 + b"end"
    assert store.run_names() == []


@pytest.mark.parametrize("size", [0, 511, 8 * 2**30 - 1, 8 * 2**30, 3 * 2**40])
def test_headers_hold_any_size_and_any_name(size):
    name = "artifacts/" + "0" * 64 + "/output/" + "ü" * 120 + ".png"
    with tarfile.open(fileobj=io.BytesIO(tar_header(name, size) + b"\0" * 1024)) as archive:
        entry = archive.next()
    assert (entry.name, entry.size) == (name, size)


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from orchestrator.store import unpack as module
    from orchestrator.store.store import Store
    place, count = getattr(module.Unpacking, "_publish_artifact"), 0
    def third(self, key):
        global count
        count += 1
        if count == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return place(self, key)
    module.Unpacking._publish_artifact = third
    with module.unpacking(Store(Path(sys.argv[1])), Path(sys.argv[2])) as parts:
        parts.publish()
"""


def test_kill_in_the_middle_leaves_a_good_store_and_the_next_try_succeeds(packed, store):
    argv = [sys.executable, "-c", textwrap.dedent(KILLED), str(store.root), str(packed)]
    assert subprocess.run(argv, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert store.run_names() == []
    assert check_store(store.layout).sound
    assert [one.kind for one in removables(store.layout, Kept()) if one.kind == "pack"] == ["pack"]
    clean(store.layout, removables(store.layout, Kept()), Kept())
    assert store.layout.artifact_keys() == []
    unpack(store, packed)
    assert check_store(store.layout).sound


FULL = """
mkdir -p "$1" && mount -t tmpfs -o size="$2" none "$1" && shift 2 && "$@"
"""


def on_small_disk(folder, size, script, *arguments):
    """Run a script with a small disk mounted at a folder."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("optional: no right to mount a small disk")
    argv = ["unshare", "-m", "sh", "-c", FULL, "sh", folder, size, sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.run([*argv, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False)


def test_full_disk_in_the_middle_of_a_pack_leaves_no_file(source, tmp_path):
    script = """
        import os, sys
        from pathlib import Path
        from orchestrator.errors import NoSpace
        from orchestrator.store.pack import pack_runs
        from orchestrator.store.reference import run_reference
        from orchestrator.store.store import Store
        target = Path(sys.argv[2])
        try:
            pack_runs(Store(Path(sys.argv[1])), [run_reference("first")], target)
        except NoSpace as error:
            print(error.message)
        assert os.listdir(target.parent) == [], os.listdir(target.parent)
    """
    done = on_small_disk(tmp_path / "disk", "64k", script, source.root, tmp_path / "disk" / "first.tar")
    assert done.returncode == 0, done.stderr
    assert "writing first.tar failed: " in done.stdout


@pytest.mark.parametrize("told", [pytest.param(True, id="foreseen"), pytest.param(False, id="in the middle")])
def test_full_disk_while_unpacking_leaves_the_store_as_it_was(packed, tmp_path, told):
    script = """
        import sys
        from pathlib import Path
        from orchestrator.errors import NoSpace
        from orchestrator.store import unpack
        from orchestrator.store.store import Store
        store = Store(Path(sys.argv[1]))
        if sys.argv[3] == "False":
            unpack._check_space = lambda *_: None
        try:
            with unpack.unpacking(store, Path(sys.argv[2])) as parts:
                parts.publish()
        except NoSpace as error:
            print(error.message)
        assert store.run_names() == [] and store.layout.artifact_keys() == []
        assert list(store.layout.incoming.iterdir()) == []
    """
    done = on_small_disk(tmp_path / "disk", "150k", script, tmp_path / "disk" / "store", packed, told)
    assert done.returncode == 0, done.stderr
    assert ("unpacks to" if told else "unpacking first.tar failed") in done.stdout


@pytest.mark.slow
def test_commands_pack_and_unpack(source, store, tmp_path):
    def command(*arguments):
        argv = [sys.executable, "-m", "orchestrator", "store", *map(str, arguments)]
        return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    done = command("pack", "first", tmp_path / "first.tar", "--store", source.root)
    assert done.returncode == 0, done.stderr
    assert "1 run, " in done.stdout
    done = command("unpack", tmp_path / "first.tar", "--as", "theirs", "--store", store.root)
    assert done.returncode == 0, done.stderr
    assert "sirr-orch report theirs" in done.stdout
    assert command("pack", "first", "--store", source.root).returncode == 2
    done = command("unpack", tmp_path / "first.tar", "--as", "../x", "--store", store.root)
    assert done.returncode == 2
    assert "is no name" in done.stderr

"""A damaged result is never used: it is found, set aside and said, whatever the damage."""

import json
import os
import shutil
import threading
import time

import pytest

from orchestrator.errors import StoreError
from orchestrator.store import examine as examining
from orchestrator.store.check import check_store
from orchestrator.store.examine import examine
from orchestrator.store.store import Store
from tests.store.kept_results import change_bytes, identity, keep


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def looked_at(store, artifact):
    """Return what is found of an artifact, and what was said."""
    said = []
    return store.sound_artifact(artifact.key, said.append), said


@pytest.fixture
def settled(monkeypatch):
    """Let files count as settled at once, as those of real runs are when they are read."""
    monkeypatch.setattr(examining, "_SETTLED_NS", -1)


@pytest.fixture
def read(monkeypatch):
    """Return the names of the files whose content is read."""
    names = []
    digest = examining.file_sha256
    monkeypatch.setattr(examining, "file_sha256", lambda path: names.append(path.name) or digest(path))
    return names


def test_other_bytes_of_the_same_size_and_time_are_found_and_the_result_is_set_aside(store):
    artifact = keep(store)
    assert looked_at(store, artifact) == (artifact, [])
    change_bytes(artifact)
    found, said = looked_at(store, artifact)
    assert found is None
    assert store.artifact(artifact.key) is None
    assert "output/weights.pt has other content than it had" in said[0]
    (aside,) = store.layout.damaged.iterdir()
    assert f"damaged/{aside.name}" in said[0]
    assert (aside / "artifact" / "output" / "weights.pt").read_text() == "x" * 100
    reason = json.loads((aside / "reason.json").read_text())
    assert reason["stage"] == "train/errnet2019"
    assert reason["faults"] == ["output/weights.pt has other content than it had"]
    assert keep(store).key == artifact.key


@pytest.mark.usefixtures("settled")
def test_what_was_found_right_is_not_read_again_until_it_is_touched(store, read):
    artifact = keep(store)
    looked_at(store, artifact)
    assert sorted(read) == ["curves.json", "weights.pt"]
    read.clear()
    assert looked_at(Store(store.root), artifact) == (artifact, [])
    assert read == ["curves.json"], "documents are read every time"
    read.clear()
    change_bytes(artifact)
    assert looked_at(store, artifact)[0] is None
    assert set(read) == {"curves.json", "weights.pt"}


def test_a_file_that_changed_just_now_is_read_every_time(store, read):
    artifact = keep(store)
    looked_at(store, artifact)
    looked_at(store, artifact)
    assert sorted(read) == ["curves.json", "curves.json", "weights.pt", "weights.pt"]


@pytest.mark.usefixtures("settled")
def test_lost_and_spoiled_memory_costs_nothing_but_time(store, read):
    artifact = keep(store)
    looked_at(store, artifact)
    store.layout.verification(artifact.key).write_text("[")
    read.clear()
    assert looked_at(store, artifact) == (artifact, [])
    shutil.rmtree(store.layout.verified)
    assert looked_at(store, artifact) == (artifact, [])
    assert read.count("weights.pt") == 2


@pytest.mark.usefixtures("settled")
def test_memory_of_another_manifest_is_not_believed(store):
    artifact = keep(store)
    looked_at(store, artifact)
    write_manifest(artifact, lambda told: told["files"]["weights.pt"].update(sha256="0" * 64))
    assert looked_at(store, artifact)[0] is None


def write_manifest(artifact, change):
    """Write another manifest, as an earlier version without a hash of its own or a careful stranger could."""
    path = artifact.folder / "manifest.json"
    told = json.loads(path.read_text())
    change(told)
    told.pop("sha256", None)
    path.chmod(0o644)
    path.write_text(json.dumps(told))


def remove_file(artifact):
    (artifact.output / "weights.pt").unlink()


def shorten_file(artifact):
    os.truncate(artifact.output / "weights.pt", 3)


def replace_by_link(artifact):
    target = artifact.output / "weights.pt"
    target.rename(artifact.folder.parent / "elsewhere")
    target.symlink_to(artifact.folder.parent / "elsewhere")


def empty_manifest(artifact):
    (artifact.folder / "manifest.json").chmod(0o644)
    (artifact.folder / "manifest.json").write_text("")


def cut_manifest(artifact):
    os.truncate(artifact.folder / "manifest.json", 40)


def remove_manifest(artifact):
    (artifact.folder / "manifest.json").unlink()


def take_manifest_of_another(artifact):
    path = artifact.folder / "manifest.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace(artifact.key, "0" * 64))


def name_a_file_outside(artifact):
    def change(told):
        told["files"]["../../../secret"] = told["files"].pop("weights.pt")

    write_manifest(artifact, change)


def come_from_a_newer_version(artifact):
    write_manifest(artifact, lambda told: told.update(schema_version=99))


def change_what_is_told(artifact):
    path = artifact.folder / "manifest.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"seconds": 1.5', '"seconds": 9.5'))


DAMAGES = [
    pytest.param(remove_file, "output/weights.pt is missing", id="removed"),
    pytest.param(shorten_file, "output/weights.pt has 3 bytes, and had 100", id="cut"),
    pytest.param(replace_by_link, "output/weights.pt is no plain file any more", id="link"),
    pytest.param(empty_manifest, "manifest.json is empty", id="empty manifest"),
    pytest.param(cut_manifest, "manifest.json is damaged", id="cut manifest"),
    pytest.param(remove_manifest, "manifest.json is missing", id="no manifest"),
    pytest.param(take_manifest_of_another, "manifest.json is of another result (000000000000)", id="other manifest"),
    pytest.param(name_a_file_outside, "output/../../../secret is missing", id="path outside"),
    pytest.param(come_from_a_newer_version, "has schema 99, of a newer version", id="newer manifest"),
    pytest.param(change_what_is_told, "manifest.json has other content than it had", id="other facts"),
]


@pytest.mark.parametrize(("spoil", "words"), DAMAGES)
def test_every_damage_is_found_and_named(store, spoil, words):
    artifact = keep(store)
    spoil(artifact)
    found, said = looked_at(store, artifact)
    assert found is None
    assert words in said[0]
    assert not artifact.folder.exists()
    assert looked_at(store, artifact) == (None, [])


def test_a_file_too_many_is_told_and_spoils_nothing(store):
    artifact = keep(store)
    (artifact.output / "sub" / "Thumbs.db").write_text("t")
    assert looked_at(store, artifact) == (artifact, [])
    found = examine(store.layout, artifact.key)
    assert [fault.words for fault in found.faults] == ["output/sub/Thumbs.db does not belong to it"]
    assert not found.damaged


def test_names_that_are_no_text_are_escaped_in_every_word_about_them(store):
    artifact = keep(store)
    (artifact.output / "stray\udcff.png").write_text("t")
    words = r"output/stray\xff.png does not belong to it"
    assert [fault.words for fault in examine(store.layout, artifact.key).faults] == [words]
    (finding,) = check_store(store.layout, repair=True).findings
    assert finding.done == r"moved among the damaged: output/stray\xff.png"
    (aside,) = store.layout.damaged.iterdir()
    assert json.loads((aside / "reason.json").read_text())["faults"] == [words]
    (artifact.output / "other\udcff.png").write_text("t")
    change_bytes(artifact)
    _found, (said,) = looked_at(store, artifact)
    assert said.encode()
    assert len(list(store.layout.damaged.glob("*/reason.json"))) == 2


def test_two_programs_that_find_the_same_damage_set_it_aside_once(store):
    artifact = keep(store)
    change_bytes(artifact)
    said = []
    both = [threading.Thread(target=store.sound_artifact, args=(artifact.key, said.append)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(10)
    assert len(said) == 1
    assert len(list(store.layout.damaged.iterdir())) == 1


def test_what_another_program_made_anew_meanwhile_stays(store):
    artifact = keep(store)
    change_bytes(artifact)
    said, began = [], threading.Event()

    def second():
        began.set()
        store.sound_artifact(artifact.key, said.append)

    thread = threading.Thread(target=second)
    with store.lease(artifact.key):
        thread.start()
        began.wait(10)
        time.sleep(0.1)
        shutil.rmtree(artifact.folder)
        keep(store)
    thread.join(10)
    assert said == []
    assert store.artifact(artifact.key) is not None


def test_a_store_of_a_newer_layout_is_left_alone(store):
    keep(store)
    store.layout.version.write_text(json.dumps({"layout": 7, "program": "9.9"}))
    with pytest.raises(StoreError, match=r"layout 7, made by sirr-orch 9\.9; this is sirr-orch [\d.]+, which"):
        Store(store.root)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"layout": "x"}'])
def test_a_version_that_cannot_be_read_is_explained(store, text):
    store.layout.version.write_text(text)
    with pytest.raises(StoreError, match=r"the version of the store .* cannot be read") as caught:
        Store(store.root)
    assert '{"layout": 1}' in caught.value.hint


def test_a_store_without_a_version_has_the_present_one(store):
    artifact = keep(store)
    store.layout.version.unlink()
    assert Store(store.root).artifact(artifact.key) == artifact
    assert json.loads(store.layout.version.read_text())["layout"] == 1


def test_paths_are_taken_apart_as_they_are_made(store):
    layout, key = store.layout, identity().key
    assert layout.key_of(layout.artifact(key) / "output" / "sub") == key
    assert layout.key_of(layout.staging(key)) == key
    assert layout.key_of(layout.artifacts / key[:2]) is None
    assert layout.key_of(layout.run("first")) is None
    assert layout.key_of(store.root.parent / key) is None
    keep(store)
    (layout.artifacts / "notes.txt").write_text("")
    (layout.artifacts / "zz").mkdir()
    (layout.artifacts / "zz" / key).mkdir()
    assert layout.artifact_keys() == [key]
    assert [path.relative_to(layout.artifacts).as_posix() for path in layout.foreign()] == ["notes.txt", f"zz/{key}"]


@pytest.mark.parametrize("kind", ["scratch", "claimed", "lease"])
def test_a_lease_goes_away_with_its_block_however_that_ends(store, kind):
    with pytest.raises(ValueError, match="stopped"), getattr(store, kind)("photos"):
        raise ValueError("stopped")
    assert [path.name for path in store.layout.lease("photos").parent.iterdir() if path.name != "gate"] == []


def test_a_scratch_folder_goes_away_with_its_block(store):
    with store.scratch("photos") as folder:
        assert folder.parent == store.layout.stagings
        assert store.layout.scratch_folders() == [folder]
        (folder / "a.png").write_text("a")
    assert store.layout.scratch_folders() == []
    assert not store.layout.lease(folder.name).exists()

"""Only what a preparation reads decides its result, and each file is read once."""

import hashlib
from pathlib import Path, PurePosixPath

import pytest

from orchestrator.datasets.description import PhotosDescription, dataset_description
from orchestrator.datasets.picture_reading import UnusablePicture
from orchestrator.datasets.preparation import Preparation
from orchestrator.datasets.source_files import SourceReader, source_files
from orchestrator.execute.data import Reporter, add_set
from orchestrator.photos.photo import ReadingLimits
from orchestrator.photos.photo_preparation import prepare_photos
from orchestrator.spec.prepared import prepared_folder
from tests.datasets.conftest import gradient, save
from tests.datasets.raw import trees

LEFT = ("Thumbs.db", "desktop.ini", ".DS_Store", "notes.txt", "._1.png", "blended/Thumbs.db", "__MACOSX/1.txt")
KINDS = {
    "pairs": {"blended": "blended/{id}.*", "transmission": "transmission/{id}.*", "reflection": None},
    "layers": {"pictures": "*/*.*", "reflections": "transmission/*.*"},
    "photos": {"pictures": "**/*.*"},
}


def leave(folder: Path) -> None:
    """Leave what file managers leave, and a link to a large tree that is of no concern."""
    for name in LEFT:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    tree = folder.parent / "tree" / "inner"
    tree.mkdir(parents=True)
    save(tree / "inside.png", gradient())
    (folder / "linked").symlink_to(tree.parent, target_is_directory=True)


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_decide_are_those_that_the_preparation_reads(prepare, source, kind):
    for part in ("blended", "transmission"):
        for name in ("1", "2"):
            save(source / part / f"{name}.png", gradient())
    description = dataset_description({"kind": kind, **KINDS[kind]})
    before = source_files(description, source)
    leave(source)
    assert source_files(description, source) == before == tuple(sorted(prepare(kind, **KINDS[kind]).done.read))
    assert before == tuple(f"{part}/{name}.png" for part in ("blended", "transmission") for name in ("1", "2"))


def test_files_of_a_uniform_dataset_that_decide_are_the_index_and_what_it_names(tmp_path, monkeypatch, prepare, source):
    monkeypatch.setenv("SIRR_DATA", str(tmp_path / "data"))
    add_set(trees.folders(tmp_path / "office", "12", trees.PACK), "office", Reporter())
    source.rmdir()
    prepared_folder("office").rename(source)
    before = source_files(dataset_description({"kind": "prepared", "role": "pairs"}), source)
    leave(source)
    assert source_files(dataset_description({"kind": "prepared", "role": "pairs"}), source) == before
    assert set(before) == {"index.json", *(f"{part}/{name}.png" for part in trees.PACK for name in "12")}


def test_hashes_are_those_of_what_was_read(prepare, source):
    path = save(source / "a.png", gradient())
    assert prepare("photos").done.read == {"a.png": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_picture_that_is_left_out_is_held_to_the_key_too(tmp_path, source):
    save(source / "a.png", gradient())
    (source / "b.heic").write_bytes(b"not read")
    (source / "c.png").write_bytes(b"damaged")
    output = tmp_path / "output"
    preparation = Preparation("mine", "Mine", PhotosDescription("*.*"), source, output)
    done = prepare_photos(preparation, ReadingLimits(tmp_path), lambda *_: None, each_alone=True)
    assert tuple(sorted(done.read)) == source_files(PhotosDescription("*.*"), source) == ("a.png", "b.heic", "c.png")


@pytest.mark.parametrize("pattern", ["/etc/*", "../*", "", "[z-a].png"])
def test_pattern_that_the_preparation_refuses_means_no_file(source, pattern):
    save(source / "a.png", gradient())
    assert source_files(dataset_description({"kind": "photos", "pictures": pattern}), source) == ()


def test_copy_stays_what_was_hashed_when_the_file_is_exchanged(tmp_path):
    (tmp_path / "a.png").write_bytes(b"before")
    reader = SourceReader(tmp_path)
    with reader.copy(PurePosixPath("a.png")) as copy:
        (tmp_path / "a.png").write_bytes(b"after")
        assert copy.read_bytes() == b"before"
    assert reader.hashes == {"a.png": hashlib.sha256(b"before").hexdigest()}
    assert not copy.exists()


def test_what_is_no_file_is_not_waited_for(tmp_path):
    (tmp_path / "dangling.png").symlink_to("nowhere")
    for name, said in (("dangling.png", "leads nowhere"), ("gone.png", "is not there")):
        with (
            pytest.raises(UnusablePicture, match=said),
            SourceReader(tmp_path).copy(PurePosixPath(name)),
        ):
            pass

"""Packs that are not ours to take: names without a place, links, more or less than their index tells."""

import tarfile

import pytest

from orchestrator.errors import PackInvalid, SpecError
from orchestrator.store.pack_form import INDEX
from orchestrator.store.store import Store
from orchestrator.store.unpack import unpacking
from tests.store.pack_files import entry, told, written


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


@pytest.mark.parametrize(
    "name",
    [
        "runs/first/../../../evil",
        "/etc/evil",
        "runs/../evil/x",
        "evil",
        "secrets/first/x",
        "runs/first",
        "runs/first/a\x1b[31mb",
        "runs//first/x",
        "./runs/first/x",
        "artifacts/not-a-key/manifest.json",
        "runs/other/run.json",
        "runs/first/report/index.html",
        "environments/elsewhere/x",
    ],
)
def test_names_that_have_no_place_are_refused(store, tmp_path, name):
    pack = tmp_path / "evil.tar"
    written(pack, told((name, b"evil")), [(entry(name), b"evil")])
    before = visible(store)
    with pytest.raises(PackInvalid):
        unpack(store, pack)
    assert [path for path in visible(store) if path != store.layout.incoming] == before
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        pytest.param(tarfile.SYMTYPE, "/etc/passwd", id="symbolic link"),
        pytest.param(tarfile.LNKTYPE, INDEX, id="hard link"),
        pytest.param(tarfile.CHRTYPE, "", id="device"),
        pytest.param(tarfile.FIFOTYPE, "", id="pipe"),
        pytest.param(tarfile.DIRTYPE, "", id="folder"),
    ],
)
def test_links_devices_and_folders_are_refused(store, tmp_path, kind, target):
    pack = tmp_path / "link.tar"
    name = "runs/first/notes.txt"
    written(pack, told((name, b"")), [(entry(name, kind, target), b"")])
    with pytest.raises(PackInvalid, match="was changed after it was made"):
        unpack(store, pack)


def test_file_named_twice_is_refused(store, tmp_path):
    pack = tmp_path / "twice.tar"
    name = "runs/first/run.json"
    written(pack, told((name, b"a"), (name, b"b")), [(entry(name), b"a"), (entry(name), b"b")])
    with pytest.raises(PackInvalid, match="twice"):
        unpack(store, pack)


def test_more_than_the_index_tells_of_is_refused(store, tmp_path):
    pack = tmp_path / "more.tar"
    name = "runs/first/run.json"
    written(pack, told((name, b"a")), [(entry(name), b"a"), (entry("runs/first/more"), b"b")])
    with pytest.raises(PackInvalid, match="more than its index tells of"):
        unpack(store, pack)


def test_tar_of_something_else_and_no_tar_at_all_are_no_packs(store, tmp_path):
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("hello"))
    (tmp_path / "text.tar").write_text("hello")
    for name in ("other.tar", "text.tar"):
        with pytest.raises(PackInvalid, match="is no pack"):
            unpack(store, tmp_path / name)
    with pytest.raises(SpecError, match="there is no file"):
        unpack(store, tmp_path / "gone.tar")

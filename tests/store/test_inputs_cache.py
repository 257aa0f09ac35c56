"""Inputs on this machine's own disk: the same bytes, filled once, within bounds, and never in a result's way."""

import errno
import os
import threading
from pathlib import Path

import pytest

from orchestrator import file_system as systems
from orchestrator.plan.keys import Identity, document_key
from orchestrator.store import inputs_cache as caching
from orchestrator.store.inputs_cache import InputsCache
from orchestrator.store.store import Store

FILES = 24


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch):
    monkeypatch.setattr(caching, "_LEAST_FILES", FILES)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def cache(store, tmp_path):
    return InputsCache(store.layout, tmp_path / "node")


def kept(store, number=0, files=FILES):
    """Keep a result of many small files, and return its output."""
    document = {"schema": 1, "kind": "prepare", "settings": {"number": number}, "inputs": {}, "sources": {}}
    named = Identity("prepare/a", document_key(document), document)
    output = store.staging(named.key) / "output"
    (output / "pictures").mkdir()
    for name in range(files):
        (output / "pictures" / f"{name}.png").write_bytes(f"{number} {name}".encode() * 50)
    (output / "dataset.json").write_text("{}")
    return store.commit(named, {}, ["dataset.json"]).output


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read(cache, path):
    """Return what is read from where, and what was said."""
    said = []
    with cache.near(path, said.append) as near:
        return near, contents(near), said


def test_what_is_near_is_the_same_bytes(store, cache):
    output = kept(store)
    near, found, said = read(cache, output)
    assert near.is_relative_to(cache.folder)
    assert found == contents(output)
    assert said == []
    assert read(cache, output)[0] == near


def test_few_files_and_other_paths_are_read_where_they_are(store, cache, tmp_path):
    for path in (kept(store, files=5), tmp_path / "outside", kept(store, 1) / "pictures"):
        with cache.near(path, pytest.fail) as near:
            assert near == path
    assert not cache.takes(tmp_path)


def test_store_is_read_file_by_file_once_for_all_machines(store, cache, tmp_path, monkeypatch):
    output = kept(store)
    read(cache, output)
    monkeypatch.setattr(caching, "pack_result", lambda *_: pytest.fail("it is packed"))
    other = InputsCache(store.layout, tmp_path / "other node")
    assert read(other, output)[1] == contents(output)


def test_two_at_once_fill_it_once(store, cache, monkeypatch):
    output, filled, found = kept(store), [], []
    unpack = caching.unpack_result
    monkeypatch.setattr(caching, "unpack_result", lambda *given: filled.append(1) or unpack(*given))
    threads = [threading.Thread(target=lambda: found.append(read(cache, output))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert filled == [1]
    assert {near for near, _contents, _said in found} == {cache.folder / output.parent.name / "output"}


@pytest.mark.parametrize("how", ["changed", "missing", "surplus"])
def test_damaged_copy_is_noticed_and_made_again(store, cache, how):
    output = kept(store)
    near, _found, _said = read(cache, output)
    picture = near / "pictures" / "7.png"
    if how == "surplus":
        (near / "more").touch()
    else:
        content = picture.read_bytes()
        picture.unlink()
        if how == "changed":
            picture.write_bytes(content[::-1])
    again, found, said = read(cache, output)
    assert again == near
    assert found == contents(output)
    assert len(said) == 1
    assert "damaged and is made again" in said[0]


def test_copy_that_is_damaged_while_another_reads_it_is_left_and_the_store_read(store, cache):
    output = kept(store)
    with cache.near(output, pytest.fail) as near:
        assert cache.is_sound(near, output)
        picture = near / "pictures" / "7.png"
        picture.chmod(0o644)
        picture.write_bytes(b"")
        assert not cache.is_sound(near, output)
        where, found, said = read(cache, output)
        assert where == output
        assert found == contents(output)
        assert "another program reads it" in said[0]


def test_damaged_pack_is_made_again(store, cache):
    output = kept(store)
    read(cache, output)
    (pack,) = store.layout.packs.iterdir()
    pack.write_bytes(pack.read_bytes()[:-3000])
    for path in (cache.folder / output.parent.name).rglob("*.png"):
        path.unlink()
    where, found, _said = read(cache, output)
    assert where != output
    assert found == contents(output)


def test_full_disk_of_the_machine_is_said_and_the_store_read(store, cache, monkeypatch):
    output = kept(store)

    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(caching, "unpack_result", full)
    where, _found, said = read(cache, output)
    assert where == output
    assert said == [f"inputs are read from the store: the disk of {cache.folder} is full"]
    assert not [path for path in cache.folder.iterdir() if path.is_dir()]


def test_folder_that_is_no_disk_of_this_machine_is_said_and_the_store_read(store, cache, monkeypatch):
    output = kept(store)
    monkeypatch.setattr(caching, "file_system", lambda _folder: systems.FileSystem("nfs4"))
    where, _found, said = read(cache, output)
    assert where == output
    assert "lies on nfs4, which is no disk of this machine" in said[0]


def test_size_is_bounded_and_what_was_not_read_for_longest_goes(store, tmp_path):
    outputs = [kept(store, number) for number in range(4)]
    cache = InputsCache(store.layout, tmp_path / "node", 3 * (FILES + 6) * 4096)
    places = []
    for number, output in enumerate(outputs[:2]):
        places.append(read(cache, output)[0].parent)
        os.utime(places[-1], (number, number))
    with cache.near(outputs[0], pytest.fail) as near:
        os.utime(near.parent, (0, 0))  # read for longest, but it is being read
        assert read(cache, outputs[2])[0] != outputs[2]
        assert read(cache, outputs[3])[0] != outputs[3]
        assert near.is_dir()
    assert not places[1].is_dir()
    entries = [path for path in cache.folder.iterdir() if path.is_dir()]
    assert len(entries) <= 3


def test_result_larger_than_the_bound_is_read_from_the_store(store, tmp_path):
    output = kept(store)
    where, _found, said = read(InputsCache(store.layout, tmp_path / "node", 1000), output)
    assert where == output
    assert "find no room" in said[0]


def test_what_a_program_reads_that_outlived_its_orchestrator_stays(store, tmp_path):
    outputs = [kept(store, number) for number in range(2)]
    first = InputsCache(store.layout, tmp_path / "node", (FILES + 6) * 4096)
    near = read(first, outputs[0])[0]
    second = InputsCache(store.layout, first.folder, first.most_bytes, lambda: [near / "pictures"])
    assert read(second, outputs[1])[0] == outputs[1]
    assert near.is_dir()
    assert Path(read(first, outputs[1])[0]).is_relative_to(first.folder)

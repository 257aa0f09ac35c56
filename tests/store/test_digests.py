"""Digests of what lies outside the store: by names and contents alone, and quick the second time."""

import os

import pytest

from orchestrator.errors import StoreError
from orchestrator.store.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_digest_depends_on_names_and_contents_only(store, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "one.png").write_text("1")
    first = store.digest(tmp_path / "a")
    assert first == store.digest(tmp_path / "b")
    (tmp_path / "b" / "sub" / "one.png").write_text("2")
    assert store.digest(tmp_path / "b") != first
    (tmp_path / "a" / "sub" / "one.png").rename(tmp_path / "a" / "sub" / "two.png")
    assert store.digest(tmp_path / "a") != first


def test_digest_sees_a_change_that_keeps_size_and_time(store, tmp_path):
    path = tmp_path / "one.png"
    path.write_text("1")
    first = store.digest(path)
    status = path.stat()
    path.write_text("2")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store.digest(path) != first


def test_digest_of_a_folder_that_links_to_itself_ends(store, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "one").write_text("1")
    assert len(store.digest(tmp_path / "a")) == 64


def test_digest_of_what_is_not_there_names_it(store, tmp_path):
    with pytest.raises(StoreError, match="gone"):
        store.digest(tmp_path / "gone")


def test_spoiled_memory_of_digests_costs_nothing_but_time(store, tmp_path):
    (tmp_path / "one").write_text("1")
    first = store.digest(tmp_path / "one")
    (store.root / "digests.json").write_text("[1,")
    assert Store(store.root).digest(tmp_path / "one") == first

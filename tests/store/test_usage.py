"""What fills a store is told in bytes on disk, each counted once."""

import json
import os
import subprocess
import sys

import pytest

from orchestrator.store.store import Store
from orchestrator.store.usage import disk_bytes, store_usage
from tests.store.kept_results import ROOT, keep, plan_run


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_usage_is_what_du_says(store):
    keep(store, 1)
    (store.staging("a" * 64) / "work" / "checkpoint").write_bytes(b"c" * 9000)
    said = subprocess.run(["du", "-s", "--block-size=1", str(store.root)], capture_output=True, text=True, check=True)
    assert store_usage(store.layout).total == int(said.stdout.split()[0])


def test_results_that_runs_share_are_counted_once_and_told(store):
    shared = keep(store, 1, "prepare/holiday", {"a.png": "a" * 50_000})
    own = keep(store, 2, "infer/errnet2019/holiday", {"b.png": "b" * 9_000})
    nobody = keep(store, 3, "train/old", {"w": "w" * 20_000})
    plan_run(store, "first", shared, own)
    plan_run(store, "second", shared)
    found = store_usage(store.layout)
    sizes = [disk_bytes(one.folder) for one in (shared, own, nobody)]
    assert found.runs["first"].results == 2
    assert (found.runs["first"].own, found.runs["first"].shared) == (sizes[1], sizes[0])
    assert (found.runs["second"].own, found.runs["second"].shared) == (0, sizes[0])
    assert (found.shared, found.unneeded) == (sizes[0], sizes[2])
    assert found.kinds == {"prepare": sizes[0], "train": sizes[2], "infer": sizes[1]}
    assert found.datasets == {"holiday": sizes[0] + sizes[1]}
    assert found.total == sum(found.rooms.values())


def test_holes_and_second_names_take_no_room_twice(store, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with (folder / "hole").open("wb") as stream:
        stream.truncate(10**8)
    (folder / "one").write_bytes(b"1" * 50_000)
    before = disk_bytes(folder)
    os.link(folder / "one", folder / "two")
    assert disk_bytes(folder) == before
    assert before < 100_000


def test_unreadable_results_have_a_row_of_their_own(store):
    artifact = keep(store)
    (artifact.folder / "manifest.json").unlink()
    assert set(store_usage(store.layout).kinds) == {"unreadable"}


@pytest.mark.slow
def test_command_prints_a_table_and_json(store):
    plan_run(store, "first", keep(store))
    argv = [sys.executable, "-m", "orchestrator", "store", "usage", "--store", str(store.root)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "first" in done.stdout
    assert "kind of stage" in done.stdout
    done = subprocess.run([*argv, "--json"], capture_output=True, text=True, check=True, cwd=ROOT)
    assert json.loads(done.stdout)["runs"]["first"]["results"] == 1

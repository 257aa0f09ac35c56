"""Prepared datasets are found in the data folder, and what is none of them is passed over."""

import json
import time

import pytest

from orchestrator.spec.prepared import added_datasets, data_home, prepared_folder, raw_folder

HEAD = {"schema": 1, "role": "pairs", "title": "Office", "source": "added by the user", "items": []}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SIRR_DATA", str(tmp_path))
    return tmp_path


def write(name, head):
    folder = prepared_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.json").write_text(head if isinstance(head, str) else json.dumps(head))


def test_data_folder_is_the_variables_or_lies_beside_the_work(home, monkeypatch, tmp_path):
    assert data_home() == home
    assert raw_folder("voc2012") == home / "raw" / "voc2012"
    monkeypatch.delenv("SIRR_DATA")
    monkeypatch.chdir(tmp_path)
    assert data_home() == tmp_path / "sirr-data"


def test_prepared_datasets_are_found_by_name(home):
    write("office", HEAD)
    assert added_datasets()["office"].title == "Office"
    assert added_datasets()["office"].role == "pairs"


def test_dataset_that_was_prepared_anew_is_read_anew(home):
    write("office", HEAD)
    assert added_datasets()["office"].role == "pairs"
    time.sleep(0.01)
    write("office", {**HEAD, "role": "layers"})
    assert added_datasets()["office"].role == "layers"


@pytest.mark.parametrize("index", ["", "{", "[]", "{}", json.dumps({**HEAD, "role": "photos"})])
def test_folder_with_a_broken_index_is_no_dataset(home, index):
    write("office", index)
    assert added_datasets() == {}


def test_folder_whose_name_no_experiment_can_write_is_no_dataset(home):
    write("Our Office", HEAD)
    assert added_datasets() == {}

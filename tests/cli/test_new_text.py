"""What sirr-orch new writes as text: names of any kind stay what they are, and add nothing of their own."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from orchestrator.execute.spec_text import scalar
from orchestrator.spec.load import load_experiment
from tests.cli.new_folders import network, new, pairs, picture, planned, prepared


@pytest.mark.parametrize("end", ["\n", "\x85"], ids=ascii)
def test_what_a_found_dataset_says_of_itself_adds_nothing_to_the_spec(here: Path, end: str) -> None:
    prepared("mine", catalogue=end.join(("x", "    kind: prepared", "plugins: [/nowhere]", "note: |")))
    spec, done = planned("mine")
    assert "note" not in spec
    assert "plugins" not in Path("spec.yaml").read_text()
    assert "3 pairs, prepared by sirr-orch data, in mine" in done.stdout


@pytest.mark.parametrize("end", ["\n", "\x85"], ids=ascii)
def test_the_name_of_the_file_adds_nothing_to_the_spec(here: Path, end: str) -> None:
    pairs("office")
    name = f"a{end}plugins: [nowhere]{end}# b.yaml"
    done = new("office", "--out", name)
    assert done.exit_code == 0, done.exception
    assert load_experiment(Path(name)).plugins == ()


def test_what_a_prepared_dataset_is_of_is_said_where_the_catalogue_has_it(here: Path) -> None:
    prepared("mine", catalogue="ceilnet-table2")
    prepared("other", catalogue="mine")
    _, done = planned("mine", "other")
    assert done.stdout.count("prepared by sirr-orch data, of ") == 1


@pytest.mark.parametrize("name", ["2024", "null", "1e5"])
def test_folders_may_be_called_as_what_yaml_takes_for_something_else(here: Path, name: str) -> None:
    pairs(f"{name}/{name}", ["a", "b", "c"])
    pairs(f"{name}/train/{name}", ["x", "y"])
    for letter in "abc":
        picture(f"{name}/results/{name}/{letter}.png")
    network(f"{name}/nets/{name}.onnx")
    picture(f"{name}/more/{name}/photograph.jpg")
    spec, _ = planned(name, "--model", "ibcln2020")
    names = (spec["name"], *spec["test"], *spec["datasets"], spec["train"]["real"])
    assert all(isinstance(one, str) for one in names)
    assert [len(spec["test"]), len(spec["datasets"]), len(spec["models"])] == [2, 3, 3]


@pytest.mark.parametrize(
    "text", [".5", ".05", ".", "..", ".inf", ".e1", "1_000", "010", "2024-01-01", "12:30", "-1", "~"]
)
def test_numbers_and_dates_are_written_as_text(text: str) -> None:
    for version in ("1.1", "1.2"):
        assert YAML(typ="safe").load(f"%YAML {version}\n---\n{scalar(text)}: {scalar(text)}\n") == {text: text}


def test_a_spec_that_was_drafted_wrong_is_no_fault_of_the_users(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.execute.spec_new.spec_text", lambda draft, target: "name: mine\nmodls: []\n")
    pairs("office")
    done = new("office", "--out", "mine.yaml")
    said = str(vars(done.exception))
    assert "'mine.yaml' was not written, as what was drafted cannot be planned: " in said
    assert "fault of sirr-orch new" in said
    assert ".mine.yaml." not in said
    assert os.listdir() == ["office"]


def test_names_of_any_script_and_sign_stand_in_the_file(here: Path) -> None:
    odd = ["Süd", "東京", "a: b #c", "'quoted\"", "yes", "{id}", "[x]", "~home", "-", "tab\there", "😀"]
    for name in odd:
        pairs(f"all/{name}", [f"{name.strip('[]{}')}1"])
    spec, _ = planned("all")
    found = {dataset["folder"] for dataset in spec["datasets"].values()}
    assert found == {f"all/{name}" for name in odd}
    assert {dataset.get("title") for dataset in spec["datasets"].values()} >= {"Süd", "東京", "😀"}


def test_names_that_are_no_text_are_left_out(here: Path) -> None:
    pairs("all/office")
    pairs(os.fsdecode(b"all/b\xff"))
    picture(os.fsdecode(b"all/c\xff/x.jpg"))
    spec, done = planned("all")
    assert list(spec["datasets"]) == ["office"]
    assert done.stdout.count("no UTF-8") == 2


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_as_it_was_written(text: str) -> None:
    assert YAML(typ="safe").load(f"value: {scalar(text)}\n") == {"value": text}


def test_elsewhere_paths_are_seen_from_the_spec(here: Path) -> None:
    pairs("office")
    done = new("office", "--out", "specs/mine.yaml")
    assert done.exit_code == 0, done.exception
    assert load_experiment(Path("specs/mine.yaml")).datasets["office"].folder == Path("../office")  # type: ignore[union-attr]

"""What the shell is offered for a word, by the program's own entry for completion."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.spec.library import built_in
from orchestrator.spec.published import Published


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store in it, and one inside it, where words are typed."""
    runs = tmp_path / ".sirr" / "runs"
    (tmp_path / ".sirr" / "artifacts").mkdir(parents=True)
    for name, labels in {"quick": ["errnet2019", "yang2019"], "other": ["mine"]}.items():
        (runs / name).mkdir(parents=True)
        (runs / name / "run.json").write_text(json.dumps({"entrants": [{"label": label} for label in labels]}))
    (runs / "quiet").mkdir()
    (tmp_path / "sirr-data" / "prepared" / "office").mkdir(parents=True)
    (tmp_path / "sirr-data" / "prepared" / "office" / "index.json").write_text("{}")
    (tmp_path / "plug-in" / "model_specs").mkdir(parents=True)
    (tmp_path / "plug-in" / "model_specs" / "my-net.yaml").write_text("")
    (tmp_path / "deep").mkdir()
    return tmp_path


def offered(typed: str, place: Path, **environment: str) -> list[str]:
    """Return what completes the last word of a line."""
    words = f"sirr-orch {typed}"
    added = {"_SIRR_ORCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("SIRR_", "XDG_"))}
    code = "import sys; sys.argv = ['sirr-orch']; from orchestrator.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=place,
        env={**plain, **added, "HOME": str(place), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("report q", ["quick", "quiet"]),
        ("report quick ", ["other", "quick", "quiet"]),
        ("runs show o", ["other"]),
        ("store pack q", ["quick", "quiet"]),
        ("stop o", ["other"]),
        ("export quick/", ["quick/errnet2019", "quick/yang2019"]),
        ("release o", ["other/mine"]),
        ("infer x.jpg --model quick/e", ["quick/errnet2019"]),
        ("remove x.jpg --model y", ["yang2019"]),
        ("adopt i", ["ibcln2020"]),
        ("adopt --plugins ../plug-in my", ["my-net"]),
        ("new --model z", ["zhang2018"]),
        ("build met", ["metrics"]),
        ("report quick --metric lp", ["lpips"]),
        ("data check --data ../sirr-data off", ["office"]),
        ("report --store nowhere q", []),
    ],
)
def test_names_are_offered(folder: Path, typed: str, names: list[str]) -> None:
    found = offered(typed, folder / "deep")
    assert found == names
    assert not list((folder / "deep").iterdir())


def test_every_dataset_of_the_catalogue_is_offered_and_those_added(folder: Path) -> None:
    published = [name for name, entry in built_in().catalogue.items() if isinstance(entry.published, Published)]
    assert {*published, "office"} <= set(offered("data fetch ", folder))


def test_a_damaged_record_offers_nothing(folder: Path) -> None:
    (folder / ".sirr" / "runs" / "other" / "run.json").write_text("{")
    assert offered("export other/", folder) == []


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"entrants": [{}]}', "[" * 100_000], ids=["cut", "list", "empty", "deep"]
)
def test_a_damaged_record_takes_nothing_from_the_others(folder: Path, content: str) -> None:
    (folder / ".sirr" / "runs" / "other" / "run.json").write_text(content)
    assert offered("export ", folder) == ["quick/errnet2019", "quick/yang2019"]


def test_a_pipe_in_a_records_place_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / ".sirr" / "runs" / "quiet" / "run.json")
    assert offered("export q", folder) == ["quick/errnet2019", "quick/yang2019"]


def test_what_is_no_name_is_not_offered(folder: Path) -> None:
    labels = ["mine", "two words", "$(touch x)", "a\nb", "../up"]
    document = {"entrants": [{"label": label} for label in labels]}
    (folder / ".sirr" / "runs" / "other" / "run.json").write_text(json.dumps(document))
    (folder / ".sirr" / "runs" / "$(touch y)").mkdir()
    assert offered("export other/", folder) == ["other/mine"]
    assert offered("report ", folder) == ["other", "quick", "quiet"]


def test_without_a_store_nothing_is_offered_and_none_is_made(tmp_path: Path) -> None:
    assert offered("report ", tmp_path) == []
    assert offered("export a", tmp_path) == []
    assert not list(tmp_path.iterdir())

"""sirr-orch new: whose answers predictions are, and what is named twice is taken once."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.cli.new_folders import files, network, new, pairs, picture, planned

NAMES = ["a", "b", "c"]


def answers(folder: str, names: list[str] = NAMES) -> None:
    for name in names:
        picture(f"{folder}/{name}.png")


def one_line(done: Result) -> str:
    return " ".join(done.stdout.split())


def sets_of(spec: dict[str, Any], name: str) -> dict[str, str | None]:
    """Return which datasets an entrant answers."""
    entrant = next(one for one in spec["models"] if one.get("name") == name)
    return {key: value for key, value in entrant["sets"].items() if value is not None}


@pytest.mark.parametrize("place", ["w/two/theirs", "w/two/results/theirs"])
@pytest.mark.parametrize("option", [False, True], ids=["found", "named"])
def test_predictions_inside_a_set_answer_that_one(here: Path, place: str, option: bool) -> None:
    for name in ("one", "two", "three"):
        pairs(f"w/{name}", NAMES)
    answers(place)
    spec, done = planned("w", *(("--predictions", place) if option else ()))
    assert sets_of(spec, "theirs") == {"two": "."}
    assert "answers to 'two': " in one_line(done)


def test_of_sets_inside_each_other_the_inner_one_is_answered(here: Path) -> None:
    pairs("w", NAMES)
    pairs("w/two", NAMES)
    answers("w/two/theirs")
    answers("w/others")
    spec, _ = planned("w")
    assert sets_of(spec, "theirs") == {"two": "."}
    assert sets_of(spec, "others") == {"w": "."}


def test_predictions_beside_a_set_answer_that_one(here: Path) -> None:
    for name in ("one", "two"):
        pairs(f"{name}/pairs", NAMES)
    answers("two/theirs")
    spec, done = planned("one", "two")
    assert sets_of(spec, "theirs") == {"two-pairs": "."}, done.stdout


def test_a_folder_called_as_a_set_answers_it_wherever_it_lies(here: Path) -> None:
    for name in ("one", "two"):
        pairs(f"w/{name}", NAMES)
    answers("w/two/theirs/one")
    spec, _ = planned("w")
    assert sets_of(spec, "theirs") == {"one": "one"}


def test_predictions_that_fit_several_sets_alike_are_asked_about(here: Path) -> None:
    for name in ("one", "two"):
        pairs(f"w/{name}", NAMES)
    answers("w/theirs")
    spec, done = planned("w")
    assert not [one for one in spec["models"] if "predictions" in one]
    assert "w/theirs: predictions for one or two, which call their pictures alike: call its folder as" in one_line(done)
    spec, done = planned("w", "--predictions", "w/theirs", "--force")
    assert sets_of(spec, "theirs") == {"one": ".", "two": "."}
    assert "(one and two call their pictures alike: correct 'sets'" in one_line(done)


def test_one_folder_that_answers_sets_of_other_names_answers_all_of_them(here: Path) -> None:
    pairs("w/one", NAMES)
    pairs("w/two", ["x", "y"])
    answers("w/one/theirs", [*NAMES, "x", "y"])
    spec, done = planned("w", "--predictions", "w/one/theirs")
    assert sets_of(spec, "theirs") == {"one": ".", "two": "."}
    assert "alike" not in one_line(done)


TWICE = {
    "the same folder": ("w", "w"),
    "by another way": ("w", "w/../w", "./w/"),
    "by a link": ("w", "link"),
    "a folder inside": ("w", "w/office"),
    "a folder inside, first": ("w/office", "w"),
    "a folder of one layer": ("w", "w/office/blended"),
    "predictions inside": ("w", "w/theirs"),
    "files inside": ("w", "w/nets/mine.onnx", "link/nets/final_net_G_T.pth", "w/nets/final_net_G_R.pth"),
    "a file that is a link": ("w", "mine-too.onnx"),
}


@pytest.mark.parametrize("named", TWICE.values(), ids=TWICE)
def test_what_is_named_twice_is_taken_once(here: Path, named: tuple[str, ...]) -> None:
    pairs("w/office", NAMES)
    answers("w/theirs")
    picture("w/holiday/z.jpg")
    network("w/nets/mine.onnx")
    files("w/nets", "final_net_G_T.pth", "final_net_G_R.pth")
    Path("link").symlink_to("w")
    Path("mine-too.onnx").symlink_to("w/nets/mine.onnx")
    once, _ = planned("w", "--name", "mine")
    spec, done = planned(*named, "--name", "mine", "--force")
    assert spec == once
    assert "left out" not in one_line(done)


def test_files_that_are_named_twice_are_one_network(here: Path) -> None:
    network("mine.onnx")
    Path("other.onnx").symlink_to("mine.onnx")
    spec, done = planned("mine.onnx", "./mine.onnx", "other.onnx")
    assert [one["name"] for one in spec["models"] if "onnx" in one] == ["mine"]
    assert "left out" not in one_line(done)


def test_options_take_what_they_name_once_and_from_what_is_looked_through(here: Path) -> None:
    pairs("office", NAMES)
    picture("holiday/z.jpg")
    picture("holiday/sea/y.jpg")
    answers("theirs")
    files(".", "weights.pt")
    files("nets", "errnet_060_00463920.pt")
    options = "--photos holiday --photos ./holiday/sea --photos holiday --predictions theirs --predictions ./theirs"
    checkpoints = "--checkpoint errnet2019=weights.pt --checkpoint errnet2019=nets/errnet_060_00463920.pt"
    spec, done = planned(
        "office", "holiday", "theirs", "nets", "weights.pt", *options.split(), *checkpoints.split(), "--checkpoint",
        "errnet2019=./weights.pt",
    )  # fmt: skip
    assert spec["test"] == ["office", "holiday", "sea"], done.stdout
    assert [next(iter(one)) for one in spec["models"] if "predictions" in one] == ["predictions"]
    adopted = [one["weights"]["checkpoint"] for one in spec["models"] if "weights" in one]
    assert adopted == ["weights.pt", "nets/errnet_060_00463920.pt"]


def test_predictions_inside_predictions_are_taken_with_those(here: Path) -> None:
    pairs("office", NAMES)
    answers("theirs/office")
    spec, done = planned("office", "--predictions", "theirs/office", "--predictions", "theirs")
    assert [one["predictions"] for one in spec["models"] if "predictions" in one] == ["theirs"]
    assert "theirs/office: it lies in a folder that was named as predictions too" in one_line(done)


def test_a_checkpoint_is_of_one_model(here: Path) -> None:
    files(".", "weights.pt")
    done = new("--checkpoint", "errnet2019=weights.pt", "--checkpoint", "ibcln2020=./weights.pt")
    assert getattr(done.exception, "exit_code", 0) == 2
    assert "said to be a checkpoint of errnet2019 and of ibcln2020" in str(done.exception)


def test_environments_of_python_are_not_looked_through(here: Path) -> None:
    pairs("office", NAMES)
    files("work/venv", "pyvenv.cfg")
    files("work/venv/lib/python3.11/site-packages", "distutils-precedence.pth", "logo.png")
    _spec, done = planned("office", "work")
    assert "distutils" not in one_line(done)

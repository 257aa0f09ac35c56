"""sirr-orch new: what lies in a folder becomes a spec that can be planned as it is."""

import os
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.spec.load import load_experiment
from tests.cli.new_folders import files, network, new, pairs, picture, planned, prepared
from tests.datasets.raw import trees

CHECKPOINTS = {
    "errnet2019": ("errnet_060_00463920.pt",),
    "ibcln2020": ("final_net_G_T.pth", "final_net_G_R.pth"),
    "zhang2018": ("model.ckpt.index", "model.ckpt.data-00000-of-00001"),
}


FORMS = {
    "folders": ("blended/{}.png", "transmission/{}.png"),
    "other names": ("input/{}.png", "GT/{}.jpg"),
    "tagged": ("{}-input.png", "{}-label1.png"),
    "tagged by underscores": ("{}_m.jpg", "{}_g.jpg"),
    "folders and tags": ("blended/{}-input.png", "transmission/{}-gt.png"),
    "names with signs of patterns": ("blended/{}.[x].png", "transmission/{}.[x].png"),
}


@pytest.mark.parametrize("form", FORMS)
def test_pairs_in_every_form_of_ones_own_are_a_test_set(here: Path, form: str) -> None:
    pairs("office", ["1", "2", "10"], *FORMS[form])
    spec, done = planned("office")
    assert spec["test"] == ["office"]
    assert spec["datasets"]["office"]["kind"] == "pairs"
    assert [next(iter(entrant)) for entrant in spec["models"]] == ["model", "program"]
    assert "3 pairs with transmission, in office" in done.stdout
    assert done.stdout.splitlines()[-2:] == ["  sirr-orch plan spec.yaml", "  sirr-orch run spec.yaml --build"]


def test_pairs_mean_the_files_that_were_found(here: Path) -> None:
    from orchestrator.datasets.patterns import matches

    pairs("office", ["1", "1-1", "11"], "{}-input.png", "{}-label1.png")
    files("office", "1-input.txt")
    dataset = load_experiment(new_spec("office")).datasets["office"]
    found = {match.id: str(match.path) for match in matches(Path("office"), dataset.blended)}  # type: ignore[union-attr]
    assert found.items() >= {("1", "1-input.png"), ("1-1", "1-1-input.png"), ("11", "11-input.png")}


def new_spec(*arguments: str) -> Path:
    planned(*arguments)
    return Path("spec.yaml")


def test_a_trial_stands_beside_the_published_values(here: Path) -> None:
    pairs("office")
    planned("office", "--model", "errnet2019", "--model", "zhang2018", "--model", "ibcln2020")
    text = Path("spec.yaml").read_text()
    for line in (
        "      epochs: 2 # published: 60",
        "      limit: 6 # published: every pair",
        "      crop: 64 # published: 256",
        "      width: [96, 129] # published: [256, 480]",
    ):
        assert line.split() in [other.split() for other in text.splitlines()]
    assert max(map(len, text.splitlines())) <= 120


def test_photographs_are_shown(here: Path) -> None:
    picture("holiday/a.jpg")
    picture("holiday/b.png")
    spec, _ = planned("holiday")
    assert spec["datasets"] == {"holiday": {"kind": "photos", "folder": "holiday"}}
    assert spec["test"] == ["holiday"]


@pytest.mark.parametrize("model", CHECKPOINTS)
def test_released_checkpoints_are_adopted(here: Path, model: str) -> None:
    files("nets", *CHECKPOINTS[model])
    spec, _ = planned("nets")
    adopted, program = spec["models"]
    assert (adopted["model"], program) == (model, {"program": "yang2019"})
    assert adopted["weights"]["checkpoint"] in {f"nets/{name}" for name in CHECKPOINTS[model]}
    assert "train" not in spec
    assert spec["test"] == ["skimage-test"]


def test_networks_that_see_without_feature_weights_need_no_random_ones(here: Path) -> None:
    files("nets", *CHECKPOINTS["ibcln2020"])
    spec, _ = planned("nets")
    assert "features" not in spec
    assert spec["metrics"] == ["psnr", "ssim"]
    files("nets", *CHECKPOINTS["errnet2019"])
    spec, _ = planned("nets", "--force")
    assert spec["features"] == "random"
    assert "its answers mean nothing" in Path("spec.yaml").read_text()


def test_feature_weights_that_are_there_are_used(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("vgg19-dcbb9e9d.pth", "alexnet-owt-7be5be79.pth")
    files("features", *names)
    monkeypatch.setenv("SIRR_FEATURES", "features")
    files("nets", *CHECKPOINTS["errnet2019"])
    spec, _ = planned("nets")
    assert not {"features", "metrics"} & spec.keys()


def test_onnx_files_take_part(here: Path) -> None:
    network("nets/mine.onnx")
    network("nets/fixed.onnx", 256)
    files("nets", "broken.onnx")
    spec, done = planned("nets")
    assert spec["models"][0] == {"onnx": "nets/mine.onnx", "name": "mine"}
    assert "nets/broken.onnx: " in done.stdout
    assert "nets/fixed.onnx: " in done.stdout


def test_predictions_are_told_by_the_names_of_the_pictures(here: Path) -> None:
    pairs("all/office", ["a", "b", "c"])
    for name in "abc":
        picture(f"all/results/plain/{name}.png")
        picture(f"all/results/layers/{name}_t.png")
        picture(f"all/results/layers/{name}_r.png")
        picture(f"all/results/own/{name}/t_output.png")
        picture(f"all/results/by-set/office/{name}.png")
        picture(f"all/results/open/{name}_x1.png")
        picture(f"all/results/open/{name}_x2.png")
    picture("all/holiday/other.jpg")
    spec, done = planned("all")
    answers = {one["name"]: one for one in spec["models"] if "predictions" in one}
    assert answers.keys() == {"plain", "layers", "own", "by-set"}
    assert answers["plain"] == {
        "name": "plain",
        "predictions": "all/results/plain",
        "sets": {"office": ".", "holiday": None},
    }
    assert answers["by-set"]["predictions"] == "all/results/by-set"
    assert answers["by-set"]["sets"] == {"office": "office", "holiday": None}
    assert "all/results/open: perhaps predictions for office" in done.stdout


def test_predictions_and_photographs_can_be_named(here: Path) -> None:
    pairs("office", ["a", "b", "c"])
    for name in "abcd":
        picture(f"office/again/{name}.jpg")
        picture(f"theirs/{name}.jpg")
    spec, _ = planned("office", "--photos", "office/again", "--predictions", "theirs")
    assert spec["test"] == ["office", "again"]
    theirs = next(one for one in spec["models"] if "predictions" in one)
    assert theirs["sets"] == {"office": ".", "again": "."}


def test_prepared_datasets_are_taken_as_they_are(here: Path) -> None:
    done = CliRunner().invoke(app, ["data", "add", str(trees.ceilnet(here / "raw", 3)), "--name", "mine"])
    assert done.exit_code == 0, done.output
    os.rename(here.parent / "data" / "prepared" / "mine", "mine")
    spec, _ = planned("mine")
    assert spec["datasets"]["mine"].items() >= {"kind": "prepared", "role": "pairs", "folder": "mine"}.items()


def test_raw_files_of_published_sets_are_told_with_the_command(here: Path) -> None:
    pairs("Wild", ["1", "2"], "{}/m.png", "{}/g.png")
    done = new("Wild")
    assert getattr(done.exception, "exit_code", 0) == 2
    assert "sirr-orch data prepare " in str(vars(done.exception))


def test_pairs_of_training_are_trained_on_where_something_is_trained(here: Path) -> None:
    pairs("mine/train")
    pairs("mine/test", ["x", "y"])
    spec, _ = planned("mine")
    assert spec["test"] == ["test"]
    assert spec["train"] == {"synthetic": "skimage-train", "real": "train"}
    files("mine/nets", *CHECKPOINTS["ibcln2020"])
    spec, done = planned("mine", "--force")
    assert "train" not in spec
    assert "mine/train: its name says that it is to be trained on" in done.stdout


def test_what_is_left_out_is_said_with_the_reason(here: Path) -> None:
    pairs("all/office")
    pairs("all/half", ["1"])
    picture("all/half/blended/2.png")
    files("all", "mystery.pth", "results.zip", "80_net_G_T.pth")
    spec, done = planned("all")
    assert list(spec["datasets"]) == ["office"]
    for words in (
        "all/half: 2 scenes, but half/blended/2.png has no transmission",
        "all/mystery.pth: not known by its name: say whose it is with --checkpoint",
        "all/results.zip: archives are not looked into",
        "all/80_net_G_T.pth: a part of it is missing: there is no '*_net_G_R.pth'",
    ):
        assert words in done.stdout
    spec, done = planned("all", "--force", "--checkpoint", "errnet2019=all/mystery.pth")
    assert spec["models"][0]["weights"] == {"checkpoint": "all/mystery.pth"}
    assert "all/mystery.pth: not known" not in done.stdout


def test_options_alone_make_a_spec(here: Path) -> None:
    spec, _ = planned("--test", "skimage-test", "--test", "skimage-test", "--model", "yang2019", "--name", "mine")
    assert spec["name"] == "mine"
    assert spec["models"] == [{"program": "yang2019"}]
    assert spec["test"] == ["skimage-test"]


def test_a_file_that_is_there_is_left_as_it_is(here: Path) -> None:
    pairs("office")
    Path("spec.yaml").write_text("mine")
    done = new("office")
    assert getattr(done.exception, "exit_code", 0) == 2
    assert Path("spec.yaml").read_text() == "mine"
    assert new("office", "--force").exit_code == 0
    assert sorted(path.name for path in here.iterdir()) == ["office", "spec.yaml"]


@pytest.mark.parametrize("name", ["a", "n", "put"])
def test_of_a_single_pair_the_pattern_is_of_its_files_name(here: Path, name: str) -> None:
    pairs("office", [name], "input/{}.png", "transmission/{}.png")
    spec, _ = planned("office")
    assert spec["datasets"]["office"]["blended"] == "input/{id}.*"
    assert spec["datasets"]["office"].get("transmission", "transmission/{id}.*") == "transmission/{id}.*"


def test_what_is_no_spec_is_never_replaced(here: Path) -> None:
    pairs("office")
    before = Path("office/blended/1.png").read_bytes()
    done = new("office", "--out", "office/blended/1.png", "--force")
    assert getattr(done.exception, "exit_code", 0) == 2
    assert Path("office/blended/1.png").read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nowhere",),
        ("office", "--model", "errnet"),
        ("office", "--test", "skimage-tset"),
        ("office", "--name", "Mine"),
        ("office", "--checkpoint", "errnet=office"),
        ("office", "--photos", "nowhere"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_an_error_and_writes_nothing(here: Path, arguments: tuple[str, ...]) -> None:
    if arguments:
        pairs("office")
    done = new(*arguments)
    assert getattr(done.exception, "exit_code", 0) == 2
    assert not Path("spec.yaml").exists()
    assert not Path(".sirr").exists()


def test_on_a_terminal_one_is_asked_where_nothing_was_found(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.cli.new._on_terminal", lambda: True)
    done = new(typed="\nyang2019\n")
    assert done.exit_code == 0, done.exception
    spec = YAML(typ="safe").load(Path("spec.yaml").read_text())
    assert (spec["test"], spec["models"]) == (["skimage-test"], [{"program": "yang2019"}])


def test_pictures_of_kinds_that_are_not_read_are_said(here: Path) -> None:
    pairs("all/office")
    picture("all/holiday/a.jpg")
    files("all", "holiday/b.svg", "drawings/c.svg")
    spec, done = planned("all")
    assert spec["test"] == ["office", "holiday"]
    assert "all/drawings: 1 picture of kinds that are not read (.svg)" in done.stdout
    assert "all/holiday: 1 picture of kinds that are not read (.svg)" in done.stdout


def test_files_that_were_named_and_became_nothing_are_said(here: Path) -> None:
    pairs("office")
    picture("one.jpg")
    files(".", "notes.txt", "office/notes.txt", "80_net_G_R.pth", *CHECKPOINTS["ibcln2020"])
    network("mine.onnx")
    named = (
        "notes.txt",
        "one.jpg",
        "mine.onnx",
        CHECKPOINTS["ibcln2020"][1],
        "office/gt/1.jpg",
        "office/notes.txt",
        "80_net_G_R.pth",
    )
    _, done = planned("office", *named)
    left_out = done.stdout.partition("left out:\n")[2].partition("next:")[0].splitlines()
    assert left_out == [
        "  80_net_G_R.pth: a part of it is missing: there is no '*_net_G_T.pth' that belongs to it",
        "  notes.txt: no network, as its name says",
        "  one.jpg: a picture: name its folder",
        "  office/notes.txt: no network, as its name says",
    ]
    alone = new("notes.txt", "--out", "other.yaml")
    assert "notes.txt: no network" in str(vars(alone.exception))


def test_folders_of_photographs_that_are_asked_for_are_all_taken(here: Path) -> None:
    pairs("office")
    for number in range(8):
        picture(f"days/{number}/x{number}.jpg")
    spec, done = planned("office", "--photos", "days")
    assert len(spec["test"]) == 9
    assert "left out" not in done.stdout


def test_a_prepared_dataset_without_pairs_is_left_out(here: Path) -> None:
    pairs("office")
    prepared("mine", items=[])
    spec, done = planned("mine", "office")
    assert spec["test"] == ["office"]
    assert "mine: a prepared dataset without a single pair" in done.stdout


def test_many_folders_of_photographs_are_not_taken_unasked(here: Path) -> None:
    pairs("all/office")
    for number in range(9):
        picture(f"all/day {number}/x{number}.jpg")
    spec, done = planned("all")
    assert spec["test"] == ["office"]
    assert "photographs in 9 folders" in done.stdout

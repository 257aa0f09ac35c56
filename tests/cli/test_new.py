"""sirr-orch new: what lies in a folder becomes a spec that can be planned as it is."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from PIL import Image
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from orchestrator.cli.app import app
from orchestrator.execute.spec_text import scalar
from orchestrator.spec.load import load_experiment
from tests.datasets.raw import trees

CHECKPOINTS = {
    "errnet2019": ("errnet_060_00463920.pt",),
    "ibcln2020": ("final_net_G_T.pth", "final_net_G_R.pth"),
    "zhang2018": ("model.ckpt.index", "model.ckpt.data-00000-of-00001"),
}


def picture(path: str | Path) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 32), (9, 8, 7)).save(path)


def pairs(folder: str, names: Any = range(1, 7), blended: str = "blended/{}.png", truth: str = "gt/{}.jpg") -> None:
    for name in names:
        picture(f"{folder}/{blended.format(name)}")
        picture(f"{folder}/{truth.format(name)}")


def files(folder: str, *names: str) -> None:
    for name in names:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not looked into")


def network(path: str, height: int | str = "h") -> None:
    kind = helper.make_tensor_value_info("in", TensorProto.FLOAT, [1, 3, height, "w"])
    answer = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3, height, "w"])
    graph = helper.make_graph([helper.make_node("Identity", ["in"], ["out"])], "g", [kind], [answer])
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)


def prepared(folder: str, **changes: Any) -> None:
    """Prepare a dataset of three pairs, lay it there, and change its index."""
    done = CliRunner().invoke(app, ["data", "add", str(trees.ceilnet(Path(f"raw-{folder}"), 3)), "--name", folder])
    assert done.exit_code == 0, done.output
    os.rename(Path("..", "data", "prepared", folder), folder)
    index = Path(folder, "index.json")
    index.write_text(json.dumps(json.loads(index.read_text()) | changes))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to type commands in, without feature weights."""
    monkeypatch.delenv("SIRR_FEATURES", raising=False)
    monkeypatch.setenv("SIRR_DATA", str(tmp_path / "data"))
    (tmp_path / "here").mkdir()
    with contextlib.chdir(tmp_path / "here"):
        yield tmp_path / "here"


def new(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["new", *arguments], input=typed)


def planned(*arguments: str) -> tuple[dict[str, Any], Result]:
    """Write a spec, plan it by its own file, and return its content and what was said."""
    done = new(*arguments)
    assert done.exit_code == 0, done.exception
    plan = CliRunner().invoke(app, ["plan", "spec.yaml", "--store", "store"])
    assert plan.exit_code == 0, (plan.exception, Path("spec.yaml").read_text())
    assert not Path("store").exists()
    return YAML(typ="safe").load(Path("spec.yaml").read_text(encoding="utf-8")), done


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

"""The worked example of a plug-in's network: trained for real, it beats doing nothing on scenes that it never saw."""

import json

import numpy as np
import pytest

from netkit.seeded import seeded_image
from orchestrator.metrics.ranking import ranking
from tests.end_to_end.conftest import ROOT, fresh_local_program

pytestmark = [pytest.mark.environment, pytest.mark.slow]

PLUGIN = ROOT / "examples" / "plugins"
MOST_SECONDS = 180
"""That the training may take on two processor cores."""

SPEC = f"""\
name: learns
plugins: [{PLUGIN}]
models: [glazier]
train: skimage-train
test: [skimage-small]
metrics: [psnr, ssim]
features: random
seed: 1
"""

ADOPTED = f"""\
name: adopted
plugins: [{PLUGIN}]
models: [{{model: glazier, weights: {{checkpoint: released/glazier.pth}}}}]
test: [skimage-small]
metrics: [psnr, ssim]
features: random
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The command with a store that holds the finished run `learns`, and the folder of its spec."""
    program, folder = fresh_local_program(tmp_path_factory), tmp_path_factory.mktemp("specs")
    spec = folder / "learns.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    program("run", spec, "--build", "--engine", "local")
    return program, folder


def report_of(program, run):
    return json.loads((program.store / "runs" / run / "report" / "report.json").read_text(encoding="utf-8"))


def picture_scores(entry):
    """Return one network's PSNR of every picture, as rankings take it: one run."""
    return np.array([[float(picture["values"]["psnr"]) for picture in entry["scores"][0]["pictures"]]])


def test_it_is_small_and_soon_trained(trained):
    program, _ = trained
    output = program.output("learns", "train/glazier")
    training = json.loads((output / "train.json").read_text(encoding="utf-8"))
    assert training["parameters"] < 200_000
    facts = json.loads((output.parent / "facts" / "train.json").read_text(encoding="utf-8"))
    assert facts["seconds"] < MOST_SECONDS


def test_it_beats_the_unchanged_input_beyond_chance(trained):
    program, _ = trained
    (found,) = [found for found in report_of(program, "learns")["rankings"] if found["metric"] == "psnr"]
    (pair,) = found["beside_input"]
    assert pair["first"] == pair["better"] == "glazier", pair
    assert pair["p"] < 0.01
    psnr = {entry["label"]: picture_scores(entry) for entry in report_of(program, "learns")["results"]}
    against = ranking({"glazier": psnr["glazier"]}, "higher", {"input": psnr["input"]})
    assert against.beside["glazier"].low > 0
    page = (program.store / "runs" / "learns" / "report" / "index.html").read_text(encoding="utf-8")
    assert "Glazier is better than the unchanged input" in page


def test_its_tiles_are_the_whole_picture_bit_for_bit(trained, tmp_path):
    program, _ = trained
    picture = tmp_path / "picture.npy"
    np.save(picture, seeded_image("tiles", 603, 494))
    common = ("infer", picture, "--model", "learns/glazier", "--arrays", "--engine", "local")
    explained = program(*common, "--explain", "--memory", "450MiB")
    assert "every node is exact" in explained
    program(*common, "--out", tmp_path / "whole", "--whole")
    program(*common, "--out", tmp_path / "tiles", "--memory", "450MiB")
    (whole,), (tiles,) = ([np.load(path) for path in (tmp_path / way).glob("*.npy")] for way in ("whole", "tiles"))
    assert np.array_equal(whole, tiles)


def test_its_released_weights_give_the_same_scores_where_they_are_adopted(trained):
    program, folder = trained
    program("release", "learns/glazier", "--out", folder / "released", "--engine", "local")
    spec = folder / "adopted.yaml"
    spec.write_text(ADOPTED, encoding="utf-8")
    program("run", spec, "--engine", "local")
    means = [
        entry["scores"][0]["means"]
        for run in ("learns", "adopted")
        for entry in report_of(program, run)["results"]
        if entry["label"] == "glazier"
    ]
    assert len(means) == 2
    assert means[0] == means[1]

"""From artifact files to content: the contract's examples are read, everything else is refused."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import OutputInvalid
from orchestrator.report.artifacts import (
    read_adoption,
    read_dataset,
    read_export,
    read_measure,
    read_predictions,
    read_scores,
    read_training,
)
from orchestrator.report.content import NotMeasured
from orchestrator.report.training_content import Adoption, Memory

PICTURE = {"id": "a", "height": 31, "width": 47, "origin": "a b.png", "notes": ["was grey"]}
DATASET: dict[str, Any] = {
    "name": "d",
    "title": "D",
    "role": "pairs",
    "items": [{**PICTURE, "blended": "blended/a b.png", "transmission": "t.png"}],
    "warnings": ["one skipped"],
}
CURVES: dict[str, Any] = {
    "steps": [{"step": 1, "epoch": 0, "losses": {"pixel": 0.5, "vgg": 1}, "rate": 1e-4, "seconds": 0.5}]
}
TRAIN: dict[str, Any] = {
    "steps": 1,
    "epochs": 1,
    "samples": 2,
    "seconds": 0.5,
    "features": "random",
    "parameters": 3,
    "notes": [],
}
MEMORY: dict[str, Any] = {
    "device": "cpu",
    "peak_bytes": 5,
    "budget_bytes": None,
    "height": 224,
    "width": 320,
    "batch": 1,
    "savings": ["accumulation"],
}
ADOPT: dict[str, Any] = {"format": "own", "tensors": 2, "parameters": 7, "notes": ["n"]}
EXPORT: dict[str, Any] = {
    "inputs": ["image"],
    "outputs": ["transmission"],
    "opset": 16,
    "tolerance": 1e-4,
    "checks": [
        {"height": 31, "width": 47, "output": "transmission", "error": 1e-6},
        {"height": 32, "width": 48, "output": "transmission", "error": 3e-6},
    ],
    "native": "torch 1.12.1",
}
PREDICTIONS: dict[str, Any] = {
    "model": "m",
    "dataset": "d",
    "mode": "whole",
    "label": "exact",
    "items": [
        {
            "id": "a",
            "transmission": "t.png",
            "steps": ["t.png"],
            "height": 31,
            "width": 47,
            "seconds": 0.1,
            "min": -0.1,
            "max": 1.2,
        }
    ],
    "runtime": {"onnxruntime": "1.20"},
    "warnings": [],
}
SCORES: dict[str, Any] = {
    "model": "m",
    "dataset": "d",
    "protocol": "standard",
    "version": 1,
    "metrics": ["psnr", "ssim"],
    "items": [{"id": "a", "psnr": "inf", "ssim": {"not_measured": "too small"}}],
    "notes": [],
}


@pytest.fixture
def artifact(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes JSON files, by name without ending, beside two pictures."""

    def write(**files: object) -> Path:
        (tmp_path / "blended").mkdir(exist_ok=True)
        for picture in ("blended/a b.png", "t.png"):
            (tmp_path / picture).write_bytes(b"")
        for name, document in files.items():
            text = document if isinstance(document, str) else json.dumps(document)
            (tmp_path / f"{name}.json").write_text(text)
        return tmp_path

    return write


def test_dataset_is_read_with_absolute_paths(artifact: Callable[..., Path]) -> None:
    folder = artifact(dataset=DATASET)
    dataset = read_dataset(folder, source="the web")
    item = dataset.items[0]
    assert (dataset.name, dataset.title, dataset.role, dataset.source) == ("d", "D", "pairs", "the web")
    assert (item.blended, item.transmission, item.reflection) == (folder / "blended/a b.png", folder / "t.png", None)
    assert (item.height, item.width, item.notes) == (31, 47, ("was grey",))


def test_training_is_read_with_lost_losses_as_none(artifact: Callable[..., Path]) -> None:
    text = json.dumps(CURVES).replace("0.5,", "NaN,", 1)
    training = read_training(artifact(curves=text, train=TRAIN))
    assert training.curve[0].losses == {"pixel": None, "vgg": 1.0}
    assert (training.steps, training.samples, training.features) == (1, 2, "random")


def test_what_a_training_needed_is_read(artifact: Callable[..., Path]) -> None:
    training = read_training(artifact(curves=CURVES, train={**TRAIN, "waiting_s": 0.25, "memory": MEMORY}))
    assert training.waiting_s == 0.25
    assert training.memory == Memory("cpu", 5, None, 224, 320, 1, ("accumulation",))
    earlier = read_training(artifact(curves=CURVES, train=TRAIN))
    assert (earlier.waiting_s, earlier.memory) == (0.0, None)


@pytest.mark.parametrize(
    "changed",
    [{"peak_bytes": -1}, {"device": "tpu"}, {"savings": "accumulation"}, {"height": 0}],
)
def test_memory_that_is_not_as_declared_is_refused(artifact: Callable[..., Path], changed: dict[str, Any]) -> None:
    with pytest.raises(
        OutputInvalid, match=rf"train\.json is not what its stage declares: memory\.{next(iter(changed))}"
    ):
        read_training(artifact(curves=CURVES, train={**TRAIN, "memory": {**MEMORY, **changed}}))


def test_adoption_is_read(artifact: Callable[..., Path]) -> None:
    found = read_adoption(artifact(adopt=ADOPT), checkpoint="a.pt", digest="0" * 64)
    assert found == Adoption("own", 2, 7, "a.pt", "0" * 64, ("n",))


@pytest.mark.parametrize("changed", [{"format": "stolen"}, {"tensors": -1}, {"parameters": "7"}])
def test_adoption_that_is_not_as_declared_is_refused(artifact: Callable[..., Path], changed: dict[str, Any]) -> None:
    with pytest.raises(OutputInvalid, match=r"adopt\.json is not what its stage declares"):
        read_adoption(artifact(adopt={**ADOPT, **changed}), checkpoint="a.pt", digest="0" * 64)


def test_export_keeps_the_largest_error(artifact: Callable[..., Path]) -> None:
    export = read_export(artifact(export=EXPORT))
    assert (export.error, export.checks, export.tolerance) == (3e-6, 2, 1e-4)


def test_predictions_are_read(artifact: Callable[..., Path]) -> None:
    folder = artifact(predictions=PREDICTIONS)
    item = read_predictions(folder).items[0]
    assert (item.transmission, item.reflection, item.steps) == (folder / "t.png", None, (folder / "t.png",))
    assert (item.low, item.high) == (-0.1, 1.2)


def test_scores_are_read_with_inf_and_reasons(artifact: Callable[..., Path]) -> None:
    values = read_scores(artifact(scores=SCORES)).items[0].values
    assert values == {"psnr": math.inf, "ssim": NotMeasured("too small")}


def test_numbers_that_no_mean_can_be_told_of_are_not_measured(artifact: Callable[..., Path]) -> None:
    given = {"a": 1e308, "b": -1e110, "c": "inf", "d": 1e15, "e": 0.5}
    items = [{"id": name, "value": value} for name, value in given.items()]
    values = read_measure(artifact(measure={"metric": "own", "dataset": "d", "items": items}))
    too_large = "its value is %s, which is larger than 1e+15: no means can be told of such numbers"
    assert values["a"] == NotMeasured(too_large % "1e+308")
    assert values["b"] == NotMeasured(too_large % "-1e+110")
    assert (values["c"], values["d"], values["e"]) == (math.inf, 1e15, 0.5)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"items": [{"id": "a", "psnr": "infinity", "ssim": 1}]}, "items.0.values.psnr", id="odd-text"),
        pytest.param({"items": [{"id": "a", "psnr": True, "ssim": 1}]}, "items.0.values.psnr", id="boolean"),
        pytest.param({"items": [{"id": "a", "psnr": 1.0}]}, "'a' has psnr; the metrics are psnr, ssim", id="missing"),
        pytest.param({"items": [{"psnr": 1.0, "ssim": 1.0}]}, "items.0.id", id="no-id"),
        pytest.param({"items": SCORES["items"] * 2}, "item 'a' twice", id="twice"),
    ],
)
def test_scores_that_are_not_as_declared_are_refused(
    artifact: Callable[..., Path], changed: dict[str, Any], said: str
) -> None:
    folder = artifact(scores={**SCORES, **changed})
    with pytest.raises(OutputInvalid) as caught:
        read_scores(folder)
    assert said in caught.value.message
    assert caught.value.where == str(folder / "scores.json")


def test_fields_of_a_later_version_do_not_stand_in_the_way(artifact: Callable[..., Path]) -> None:
    assert read_scores(artifact(scores={**SCORES, "extra": {"more": 1}})).metrics == ("psnr", "ssim")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../t.png", "leads out of its folder"),
        ("/etc/hostname", "is an absolute path"),
        ("gone.png", "which is not there"),
    ],
)
def test_picture_outside_of_the_artifact_is_refused(artifact: Callable[..., Path], name: str, said: str) -> None:
    items = [{**DATASET["items"][0], "blended": name}]
    with pytest.raises(OutputInvalid, match=said):
        read_dataset(artifact(dataset={**DATASET, "items": items}))


def test_pair_without_truth_is_refused(artifact: Callable[..., Path]) -> None:
    items = [{**PICTURE, "blended": "t.png"}]
    with pytest.raises(OutputInvalid, match="has no transmission picture"):
        read_dataset(artifact(dataset={**DATASET, "items": items}))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"steps": 3}'])
def test_broken_json_is_refused(artifact: Callable[..., Path], text: str) -> None:
    with pytest.raises(OutputInvalid, match=r"curves\.json is not what its stage declares"):
        read_training(artifact(curves=text, train=TRAIN))


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputInvalid, match=r"export\.json is not what its stage declares: it cannot be read"):
        read_export(tmp_path)

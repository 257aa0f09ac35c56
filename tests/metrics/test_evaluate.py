"""From a prepared dataset and predictions, or a control, to scores.json."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stagekit import BadInput

from orchestrator.metrics.evaluate import Scores, picture_scores, write_scores
from orchestrator.metrics.pictures import control_comparisons, network_comparisons
from orchestrator.metrics.protocol import chosen_metrics
from orchestrator.metrics.standard import psnr
from orchestrator.report.artifacts import read_scores
from tests.metrics.conftest import WritePictures, picture

METRICS = chosen_metrics("standard", ["psnr", "ssim"])


def no_step(_done: int, _total: int) -> None:
    pass


def test_the_control_truth_is_perfect(write_dataset: WritePictures) -> None:
    scores = picture_scores(control_comparisons(write_dataset("1", "2"), "truth"), METRICS, no_step)
    assert scores == {name: {"psnr": math.inf, "ssim": 1.0} for name in ("1", "2")}


def test_the_control_input_scores_the_blended_picture(write_dataset: WritePictures) -> None:
    scores = picture_scores(control_comparisons(write_dataset("1"), "input"), METRICS, no_step)
    assert scores["1"]["psnr"] == psnr(picture("blended/1"), picture("transmission/1"))


def test_predictions_are_scored_in_the_datasets_order(
    write_dataset: WritePictures, write_predictions: WritePictures
) -> None:
    dataset = write_dataset("b", "a")
    predictions = write_predictions({name: picture(f"answer/{name}") for name in ("a", "b", "more")})
    comparisons = network_comparisons(dataset, predictions)
    assert comparisons.dataset == "postcard"
    told: list[tuple[int, int]] = []
    scores = picture_scores(comparisons, METRICS, lambda done, total: told.append((done, total)))
    assert list(scores) == ["b", "a"]
    assert told == [(1, 2), (2, 2)]
    assert scores["a"]["psnr"] == psnr(picture("answer/a"), picture("transmission/a"))


def test_missing_predictions_are_all_named(write_dataset: WritePictures, write_predictions: WritePictures) -> None:
    dataset = write_dataset("1", "2", "3")
    with pytest.raises(BadInput, match="lack 2 of 3 pictures of 'postcard': 1, 3"):
        network_comparisons(dataset, write_predictions({"2": picture("2")}))


def test_different_sizes_are_refused_with_both(write_dataset: WritePictures, write_predictions: WritePictures) -> None:
    comparisons = network_comparisons(write_dataset("1"), write_predictions({"1": picture("1", 40, 48)}))
    with pytest.raises(BadInput, match="the prediction has 40 x 48 pixels, the truth 40 x 50") as caught:
        picture_scores(comparisons, METRICS, no_step)
    assert "nothing is resized" in str(caught.value.hint)


def test_pictures_of_other_kinds_are_refused(write_dataset: WritePictures) -> None:
    dataset = write_dataset("1")
    Image.fromarray(picture("grey")[..., 0]).save(dataset / "blended" / "1.png")
    with pytest.raises(BadInput, match=r"1\.png is no 8-bit RGB picture, but of mode L"):
        picture_scores(control_comparisons(dataset, "input"), METRICS, no_step)


@pytest.mark.parametrize("content", [b"", b"half a picture"])
def test_damaged_pictures_are_refused(write_dataset: WritePictures, content: bytes) -> None:
    dataset = write_dataset("1")
    (dataset / "blended" / "1.png").write_bytes(content)
    with pytest.raises(BadInput, match=r"1\.png cannot be read"):
        picture_scores(control_comparisons(dataset, "input"), METRICS, no_step)


def test_datasets_without_truth_are_refused(write_dataset: WritePictures) -> None:
    with pytest.raises(BadInput, match=r"'postcard' has no truth \(it holds photos\)"):
        control_comparisons(write_dataset("1", role="photos"), "truth")


def test_empty_datasets_are_refused(write_dataset: WritePictures, tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    with pytest.raises(BadInput, match="has no pictures"):
        control_comparisons(write_dataset(), "truth")


def test_unknown_controls_are_refused(write_dataset: WritePictures) -> None:
    with pytest.raises(BadInput, match="no control 'average'; there are input, truth"):
        control_comparisons(write_dataset("1"), "average")


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"role": "pairs"}', '{"role": "pairs", "items": [1]}', '{"role": "pairs", "items": [{"id": "1"}]}'],
)
def test_folders_that_are_no_dataset_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(BadInput):
        control_comparisons(tmp_path, "truth")


def test_written_scores_are_what_the_report_reads(write_dataset: WritePictures, tmp_path: Path) -> None:
    dataset = write_dataset("1")
    scores = picture_scores(control_comparisons(dataset, "truth"), METRICS, no_step)
    write_scores(
        tmp_path / "scores.json", Scores("truth", "postcard", "standard", ("psnr", "ssim"), scores, ("a note",))
    )
    assert json.loads((tmp_path / "scores.json").read_text()) == {
        "model": "truth",
        "dataset": "postcard",
        "protocol": "standard",
        "metrics": ["psnr", "ssim"],
        "items": [{"id": "1", "psnr": "inf", "ssim": 1.0}],
        "notes": ["a note"],
    }
    read = read_scores(tmp_path)
    assert read.items[0].values == {"psnr": math.inf, "ssim": 1.0}
    assert read.notes == ("a note",)


def test_small_pictures_are_written_as_not_measured(write_dataset: WritePictures, tmp_path: Path) -> None:
    dataset = write_dataset("1")
    for part in ("blended", "transmission"):
        Image.fromarray(np.ascontiguousarray(picture(part)[:9])).save(dataset / part / "1.png")
    scores = picture_scores(control_comparisons(dataset, "input"), METRICS, no_step)
    write_scores(tmp_path / "scores.json", Scores("input", "postcard", "standard", ("psnr", "ssim"), scores))
    (item,) = json.loads((tmp_path / "scores.json").read_text())["items"]
    assert isinstance(item["psnr"], float)
    assert item["ssim"] == {"not_measured": "9 x 50 pixels are less than SSIM's window needs (11 x 11)"}
    assert read_scores(tmp_path).items[0].id == "1"

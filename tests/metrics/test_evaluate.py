"""From a prepared dataset and predictions, or a control, to scores.json."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from orchestrator.metrics import errnet2019, evaluate
from orchestrator.metrics.evaluate import PictureScores, Step, perceptual_scores, picture_scores
from orchestrator.metrics.pictures import ScoredPictures, control_pictures, network_pictures
from orchestrator.metrics.scores import COLUMNS, incomplete_notes, score_rows, write_scores
from orchestrator.metrics.standard import psnr
from orchestrator.report import content
from orchestrator.report.artifacts import read_scores
from stagekit import BadInput
from stagekit.measures import PROTOCOLS
from stagekit.results import scores as scores_form
from stagekit.results.scores import NotMeasured, Score, ScoresFile
from tests.metrics.conftest import WritePictures, metrics_of, picture

METRICS = ("psnr", "ssim")


def no_step() -> None:
    pass


def scored(comparisons: ScoredPictures, step: Step = no_step, workers: int = 1) -> PictureScores:
    return picture_scores(comparisons.items, metrics_of("standard", METRICS), step, workers)


def of_standard(scores: PictureScores, model: str = "truth", notes: tuple[str, ...] = ()) -> ScoresFile:
    return ScoresFile(model, "postcard", "standard", 1, METRICS, by_picture(scores), notes)


def by_picture(scores: PictureScores) -> tuple[scores_form.PictureScores, ...]:
    return tuple(scores_form.PictureScores(identifier, values) for identifier, values in scores.items())


def test_the_control_truth_is_perfect(write_dataset: WritePictures) -> None:
    scores = scored(control_pictures(write_dataset("1", "2"), "truth"))
    assert scores == {name: {"psnr": math.inf, "ssim": 1.0} for name in ("1", "2")}


def test_the_control_input_scores_the_blended_picture(write_dataset: WritePictures) -> None:
    scores = scored(control_pictures(write_dataset("1"), "input"))
    assert scores["1"]["psnr"] == psnr(picture("blended/1"), picture("transmission/1"))


def test_predictions_are_scored_in_the_datasets_order(
    write_dataset: WritePictures, write_predictions: WritePictures
) -> None:
    dataset = write_dataset("b", "a")
    predictions = write_predictions({name: picture(f"answer/{name}") for name in ("a", "b", "more")})
    comparisons = network_pictures(dataset, predictions)
    assert comparisons.dataset == "postcard"
    told: list[str] = []
    scores = scored(comparisons, lambda: told.append("picture"))
    assert list(scores) == ["b", "a"]
    assert told == ["picture"] * 2
    assert scores["a"]["psnr"] == psnr(picture("answer/a"), picture("transmission/a"))


def test_missing_predictions_are_not_measured_and_named(
    write_dataset: WritePictures, write_predictions: WritePictures
) -> None:
    dataset = write_dataset("1", "2", "3")
    scores = scored(network_pictures(dataset, write_predictions({"2": picture("2")})))
    assert scores["1"] == dict.fromkeys(METRICS, NotMeasured("there is no prediction"))
    assert isinstance(scores["2"]["psnr"], float)
    assert list(incomplete_notes(scores)) == ["2 of 3 pictures were not scored (there is no prediction): 1, 3"]


def test_predictions_of_another_dataset_are_refused(
    write_dataset: WritePictures, write_predictions: WritePictures
) -> None:
    with pytest.raises(BadInput, match="no prediction is of a picture of 'postcard'"):
        network_pictures(write_dataset("1"), write_predictions({"2": picture("2")}))


def test_predictions_of_another_size_are_not_measured_and_nothing_is_resized(
    write_dataset: WritePictures, write_predictions: WritePictures
) -> None:
    predictions = write_predictions({"1": picture("1", 40, 48), "2": picture("2")})
    scores = scored(network_pictures(write_dataset("1", "2"), predictions))
    why = NotMeasured("the prediction has 40 x 48 pixels, the truth 40 x 50")
    assert scores["1"] == dict.fromkeys(METRICS, why)
    assert isinstance(scores["2"]["ssim"], float)
    assert list(incomplete_notes(scores)) == [f"1 of 2 pictures were not scored ({why.not_measured}): 1"]


def test_floats_are_scored_as_they_came_but_for_the_range_of_a_picture(
    write_dataset: WritePictures, write_predictions: WritePictures
) -> None:
    dataset, predictions = write_dataset("1", "2"), write_predictions({"1": picture("1"), "2": picture("2")})
    answer = picture("1") / 255 + 0.3 * np.sin(np.arange(6000.0)).reshape(40, 50, 3)
    (predictions / "arrays").mkdir()
    np.save(predictions / "arrays" / "1.transmission.npy", answer.astype(np.float32))
    comparisons = network_pictures(dataset, predictions, floats=True)
    scores = picture_scores(comparisons.items, metrics_of("errnet2019", ("psnr",)), no_step)
    expected = errnet2019.psnr(np.clip(answer.astype(np.float32).astype(float), 0, 1) * 255, picture("transmission/1"))
    assert scores["1"]["psnr"] == pytest.approx(expected, abs=1e-12)
    assert scores["2"]["psnr"] == NotMeasured("there is no prediction")


@pytest.mark.parametrize("array", [np.zeros((40, 50)), np.full((40, 50, 3), np.nan), np.zeros((40, 50, 3), np.uint8)])
def test_arrays_that_are_no_pictures_are_refused(
    write_dataset: WritePictures, write_predictions: WritePictures, array: np.ndarray
) -> None:
    dataset, predictions = write_dataset("1"), write_predictions({"1": picture("1")})
    (predictions / "arrays").mkdir()
    np.save(predictions / "arrays" / "1.transmission.npy", array)
    with pytest.raises(BadInput, match=r"1\.transmission\.npy is no picture of finite floats"):
        picture_scores(
            network_pictures(dataset, predictions, floats=True).items, metrics_of("errnet2019", ("psnr",)), no_step
        )


@pytest.mark.slow
def test_processes_give_the_same_scores_in_the_same_order(
    write_dataset: WritePictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = write_dataset(*(f"{n}" for n in range(23, 0, -1)))
    (dataset / "blended" / "7.png").write_bytes((dataset / "blended" / "8.png").read_bytes())
    comparisons = control_pictures(dataset, "input")
    monkeypatch.setattr(evaluate, "_WORTH_PROCESSES", 0)
    told: list[None] = []
    found = scored(comparisons, lambda: told.append(None), workers=2)
    assert list(found) == [f"{n}" for n in range(23, 0, -1)]
    alone = scored(comparisons)
    for name, of_picture in found.items():
        assert of_picture == pytest.approx(alone[name], abs=1e-13)
    assert len(told) == 23


@pytest.mark.slow
def test_bad_picture_is_told_from_a_process(write_dataset: WritePictures, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = write_dataset("1", "2", "3")
    (dataset / "blended" / "2.png").write_bytes(b"half a picture")
    monkeypatch.setattr(evaluate, "_WORTH_PROCESSES", 0)
    with pytest.raises(BadInput, match=r"2\.png cannot be read"):
        scored(control_pictures(dataset, "input"), workers=2)


class _Distance:
    """Counts pictures that go through together; the distance is the difference of the reds."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def distances(self, pairs: Any) -> list[Score]:
        self.batches.append(len(pairs))
        return [float(prediction[..., 0].mean()) - float(truth[..., 0].mean()) for prediction, truth in pairs]


def test_lpips_goes_through_pictures_of_one_size_together(write_dataset: WritePictures) -> None:
    dataset = write_dataset(*(f"{n:02}" for n in range(70)))
    for part in ("blended", "transmission"):
        Image.fromarray(picture(f"{part}/large", 44, 50)).save(dataset / part / "35.png")
    distance, told = _Distance(), []
    comparisons = control_pictures(dataset, "input")
    scores = perceptual_scores(comparisons.items, distance, lambda: told.append(None))
    assert distance.batches == [32, 3, 1, 32, 2]
    assert list(scores) == [item.id for item in comparisons.items]
    assert len(told) == 70
    swapped = perceptual_scores(comparisons.items, _Distance(), no_step, swapped=True)
    blue = float(picture("blended/00")[..., 2].mean()) - float(picture("transmission/00")[..., 2].mean())
    assert swapped["00"] == blue != scores["00"]


def test_lpips_of_what_cannot_be_compared_is_not_measured(
    write_dataset: WritePictures, write_predictions: WritePictures
) -> None:
    comparisons = network_pictures(write_dataset("1", "2"), write_predictions({"2": picture("2")}))
    scores = perceptual_scores(comparisons.items, _Distance(), no_step)
    assert scores["1"] == NotMeasured("there is no prediction")
    assert isinstance(scores["2"], float)


def test_pictures_of_other_kinds_are_refused(write_dataset: WritePictures) -> None:
    dataset = write_dataset("1")
    Image.fromarray(picture("grey")[..., 0]).save(dataset / "blended" / "1.png")
    with pytest.raises(BadInput, match=r"1\.png is no 8-bit RGB picture, but of mode L"):
        scored(control_pictures(dataset, "input"))


@pytest.mark.parametrize("content", [b"", b"half a picture"])
def test_damaged_pictures_are_refused(write_dataset: WritePictures, content: bytes) -> None:
    dataset = write_dataset("1")
    (dataset / "blended" / "1.png").write_bytes(content)
    with pytest.raises(BadInput, match=r"1\.png cannot be read"):
        scored(control_pictures(dataset, "input"))


def test_datasets_without_truth_are_refused(write_dataset: WritePictures) -> None:
    with pytest.raises(BadInput, match=r"'postcard' has no truth \(it holds photos\)"):
        control_pictures(write_dataset("1", role="photos"), "truth")


def test_empty_datasets_are_refused(write_dataset: WritePictures, tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    with pytest.raises(BadInput, match="has no pictures"):
        control_pictures(write_dataset(), "truth")


def test_unknown_controls_are_refused(write_dataset: WritePictures) -> None:
    with pytest.raises(BadInput, match="no control 'average'; there are input, truth"):
        control_pictures(write_dataset("1"), "average")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("", "it is no JSON", id="empty"),
        pytest.param("[]", "it is a list, not an object", id="list"),
        pytest.param('{"role": "pairs"}', "items: it is missing", id="no-items"),
        pytest.param('{"role": "pairs", "items": [1]}', "items.0: 1 is not an object", id="number-as-item"),
        pytest.param('{"role": "pairs", "items": [{"id": "1"}]}', "items.0.height: it is missing", id="no-pictures"),
    ],
)
def test_folders_that_are_no_dataset_are_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(BadInput, match=words):
        control_pictures(tmp_path, "truth")


def test_written_scores_are_what_the_report_reads(write_dataset: WritePictures, tmp_path: Path) -> None:
    scores = scored(control_pictures(write_dataset("1"), "truth"))
    write_scores(tmp_path, of_standard(scores, notes=("a note",)), parquet=False)
    assert json.loads((tmp_path / "scores.json").read_text()) == {
        "model": "truth",
        "dataset": "postcard",
        "protocol": "standard",
        "version": 1,
        "fault": "",
        "metrics": ["psnr", "ssim"],
        "items": [{"id": "1", "values": {"psnr": "inf", "ssim": 1.0}}],
        "notes": ["a note"],
        "schema": 1,
    }
    read = read_scores(tmp_path)
    assert read.items[0].values == {"psnr": math.inf, "ssim": 1.0}
    assert (read.protocol, read.version, read.notes, read.table) == ("standard", 1, ("a note",), None)


def test_tables_hold_every_score_and_every_reason(write_dataset: WritePictures, tmp_path: Path) -> None:
    scores: PictureScores = {
        "a.b": {"psnr": 21.5, "ssim": NotMeasured("too small")},
        "2": {"psnr": math.inf, "ssim": 1.0},
    }
    rows = list(score_rows(of_standard(scores)))
    assert rows == [
        ("postcard", "truth", "standard", 1, "", "a.b", "psnr", 21.5, ""),
        ("postcard", "truth", "standard", 1, "", "a.b", "ssim", None, "too small"),
        ("postcard", "truth", "standard", 1, "", "2", "psnr", math.inf, ""),
        ("postcard", "truth", "standard", 1, "", "2", "ssim", 1.0, ""),
    ]
    write_scores(tmp_path, of_standard(scores), parquet=False)
    with (tmp_path / "scores.csv").open(newline="") as stream:
        written = list(csv.DictReader(stream))
    assert tuple(written[0]) == COLUMNS
    assert [(row["picture"], row["score"], row["not_measured"]) for row in written[:3]] == [
        ("a.b", "21.5", ""),
        ("a.b", "", "too small"),
        ("2", "inf", ""),
    ]


def test_scores_of_a_faulty_protocol_say_so_in_every_file(write_dataset: WritePictures, tmp_path: Path) -> None:
    scores = picture_scores(
        control_pictures(write_dataset("1"), "input").items, metrics_of("course2024", ("psnr",)), no_step
    )
    fault = PROTOCOLS["course2024"].fault
    faulty = ScoresFile("input", "postcard", "course2024", 1, ("psnr",), by_picture(scores), fault=fault)
    write_scores(tmp_path, faulty, parquet=False)
    assert "wrap around" in json.loads((tmp_path / "scores.json").read_text())["fault"]
    with (tmp_path / "scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["metric"], "wrap around" in row["fault"]) for row in rows] == [("psnr", True)]
    assert isinstance(read_scores(tmp_path), content.Scores)


def test_small_pictures_are_written_as_not_measured(write_dataset: WritePictures, tmp_path: Path) -> None:
    dataset = write_dataset("1")
    for part in ("blended", "transmission"):
        Image.fromarray(np.ascontiguousarray(picture(part)[:9])).save(dataset / part / "1.png")
    write_scores(tmp_path, of_standard(scored(control_pictures(dataset, "input"))), parquet=False)
    (item,) = json.loads((tmp_path / "scores.json").read_text())["items"]
    assert isinstance(item["values"]["psnr"], float)
    assert item["values"]["ssim"] == {"not_measured": "9 x 50 pixels are less than SSIM's window needs (11 x 11)"}
    assert read_scores(tmp_path).items[0].id == "1"

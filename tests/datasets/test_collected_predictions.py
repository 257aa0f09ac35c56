"""Answers taken over from files: odd names cost no answer."""

from pathlib import Path

from orchestrator.datasets.prediction_files import FolderPredictions
from orchestrator.datasets.predictions import Naming, collected_predictions
from stagekit.results.dataset import DatasetFile, DatasetItem
from stagekit.results.predictions import PredictionsFile
from tests.datasets.conftest import gradient, save


def collected(folder: Path, layer: str | None = None) -> PredictionsFile:
    save(folder / "dataset" / "a.png", gradient())
    item = DatasetItem("a", 12, 17, blended="a.png", transmission="a.png")
    DatasetFile("one", "pairs", (item,)).save(folder / "dataset")
    files = FolderPredictions(folder / "given", folder)
    (folder / "output").mkdir()
    found = collected_predictions(
        "m",
        folder / "dataset",
        files,
        Naming(layer=layer),
        folder / "output",
        {"input": "blended"},
        lambda _done, _total: None,
    )
    found.save(folder / "output")
    return PredictionsFile.load(folder / "output")


def test_stray_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    save(tmp_path / "given" / "a.png", gradient(shift=1))
    save(tmp_path / "given" / "z\udcff.png", gradient())
    found = collected(tmp_path)
    assert [item.id for item in found.items] == ["a"]
    assert found.warnings == ("belonging to no picture of the dataset: z\ufffd.png",)


def test_an_answer_in_a_folder_whose_name_is_no_text_is_taken(tmp_path: Path) -> None:
    save(tmp_path / "given" / "r\udcff" / "a.png", gradient()[..., 0])
    found = collected(tmp_path)
    assert [item.id for item in found.items] == ["a"]
    (words,) = found.warnings
    assert words.endswith("grey, repeated in three channels): r\ufffd/a.png")


def test_a_layer_whose_name_is_no_text_is_told(tmp_path: Path) -> None:
    save(tmp_path / "given" / "a_t.png", gradient(shift=1))
    save(tmp_path / "given" / "a_\udcff.png", gradient())
    found = collected(tmp_path, "t")
    assert found.warnings[1] == r"passed over: layer '\udcff' (1)"

"""Predictions as entrants: what an experiment says of them, and every way in which it can be wrong."""

import zipfile

import pytest

from orchestrator.errors import SpecError
from orchestrator.spec.load import load_experiment
from orchestrator.spec.predictions import PredictionsPlace
from orchestrator.spec.resolve import resolve

HEAD = "name: first\nfeatures: random\n"
TWO = "test: [skimage-test, holiday]\ndatasets: {holiday: {kind: photos, folder: photos}}\n"


@pytest.fixture
def resolved(tmp_path):
    (tmp_path / "photos").mkdir()
    for folder in ("given/skimage-test", "given/holiday", "flat"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("no zip file")
    with zipfile.ZipFile(tmp_path / "given.zip", "w") as archive:
        archive.writestr("skimage-test/1.png", b"")

    def load(models, rest="test: [skimage-test]\n"):
        path = tmp_path / "spec.yaml"
        path.write_text(f"{HEAD}models: {models}\n{rest}")
        return resolve(load_experiment(path), path)

    return load


def places(found):
    (given,) = found.predictions
    return given.places


def test_every_test_dataset_has_a_folder_of_its_name(resolved, tmp_path):
    found = places(resolved("[{predictions: given, name: mine}]", TWO))
    assert found == {name: PredictionsPlace(tmp_path / "given" / name) for name in ("skimage-test", "holiday")}


def test_pictures_of_the_only_test_dataset_may_lie_in_the_folder_itself(resolved, tmp_path):
    assert places(resolved("[{predictions: flat, name: mine}]")) == {
        "skimage-test": PredictionsPlace(tmp_path / "flat")
    }
    assert places(resolved("[{predictions: given, name: mine}]")) == {
        "skimage-test": PredictionsPlace(tmp_path / "given" / "skimage-test")
    }


def test_folders_can_be_named_and_left_out(resolved, tmp_path):
    found = places(resolved("[{predictions: ., name: mine, sets: {skimage-test: flat, holiday: null}}]", TWO))
    assert found == {"skimage-test": PredictionsPlace(tmp_path / "flat")}


def test_pictures_of_one_of_several_test_datasets_may_lie_in_the_folder_itself(resolved, tmp_path):
    sets = "name: mine, sets: {skimage-test: ., holiday: null}"
    for name in ("flat", "given.zip"):
        found = places(resolved(f"[{{predictions: {name}, {sets}}}]", TWO))
        assert found == {"skimage-test": PredictionsPlace(tmp_path / name)}


def test_zip_file_stands_for_a_folder(resolved, tmp_path):
    archive = tmp_path / "given.zip"
    assert places(resolved("[{predictions: given.zip, name: mine}]")) == {"skimage-test": PredictionsPlace(archive)}
    found = places(resolved("[{predictions: given.zip, name: mine, sets: {holiday: x/y}}]", TWO))
    assert found == {
        "skimage-test": PredictionsPlace(archive, "skimage-test"),
        "holiday": PredictionsPlace(archive, "x/y"),
    }


def test_entrants_keep_their_order(resolved):
    models = "[{predictions: flat, name: b}, {model: errnet2019, name: c}, {predictions: flat, name: a}]"
    found = resolved(models, "test: [skimage-test]\ntrain: skimage-train\n")
    assert [entrant.label for entrant in found.entrants] == ["b", "c", "a"]
    assert [model.label for model in found.models] == ["c"]


def test_an_experiment_of_predictions_alone_trains_nothing(resolved):
    assert list(resolved("[{predictions: flat, name: mine}]").datasets) == ["skimage-test"]


@pytest.mark.parametrize(
    ("models", "rest", "words"),
    [
        ("[{predictions: none, name: mine}]", "", "the predictions 'mine': there is no '"),
        ("[{predictions: notes.txt, name: mine}]", "", "is neither a folder nor a whole zip file"),
        ("[{predictions: /dev/zero, name: mine}]", "", "is neither a folder nor a whole zip file"),
        ("[{predictions: given, name: m, pictures: x.png}]", "", "has 0 times {id}: once"),
        ("[{predictions: given, name: m, pictures: '{id}_{id}.png'}]", "", "has 2 times {id}: once"),
        ("[{predictions: given, name: m, pictures: '../{id}.png'}]", "", "leads out of its folder"),
        ("[{predictions: given}]", "", "field 'name' is missing in models[0]"),
        ("[{predictions: given, name: mine, pattern: x}]", "", "unknown field 'pattern'"),
        ("[{predictions: given, name: input}]", "", "a model cannot be called 'input'"),
        ("[{predictions: given, name: m}, {predictions: flat, name: m}]", "", "two models are called 'm'"),
        ("[{predictions: given, name: m, model: errnet2019}]", "", "'model' and 'predictions': an entrant is one of"),
        ("[{predictions: given, name: m, sets: {skimage-tets: x}}]", "", "there is no test dataset 'skimage-tets'"),
        ("[{predictions: given, name: m, sets: {skimage-test: ../x}}]", "", "leads out of its folder"),
        ("[{predictions: given, name: m, sets: {skimage-test: x}}]", "", "have no folder 'x' in '"),
        ("[{predictions: given, name: m, sets: {skimage-test: null}}]", "", "have none of the test datasets"),
        ("[{predictions: given, name: m, layer: t, pictures: '{id}.png'}]", "", "'pictures' stands alone"),
        ("[{predictions: flat, name: m}]", TWO, "the predictions 'm' have no folder 'skimage-test' in '"),
        ("[{predictions: given, name: m, weights: {checkpoint: x}}]", "", "unknown field 'weights'"),
    ],
)
def test_wrong_predictions_are_refused_at_planning_with_their_place(resolved, models, rest, words):
    with pytest.raises(SpecError) as caught:
        resolved(models, rest or "test: [skimage-test]\n")
    said = f"{caught.value.message}\n{caught.value.where}"
    assert words in said
    assert "spec.yaml:3:" in said


def test_a_folder_that_is_missing_names_those_that_are_there(resolved, tmp_path):
    (tmp_path / "given" / "holiday").rename(tmp_path / "given" / "holidays")
    with pytest.raises(SpecError) as caught:
        resolved("[{predictions: given, name: m}]", TWO)
    assert "there are holidays, skimage-test" in str(caught.value.hint)
    assert "'.' where its pictures lie in 'given' itself" in str(caught.value.hint)

"""What an experiment names: models, recipes, datasets, folders and feature weights."""

import pytest

from orchestrator.errors import SpecError
from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import resolve

HEAD = "name: first\ntrain: skimage-train\nfeatures: random\n"


@pytest.fixture
def resolved(tmp_path):
    def load(text):
        path = tmp_path / "spec.yaml"
        path.write_text(text)
        return resolve(load_experiment(path), path)

    return load


@pytest.fixture
def refused(resolved):
    def load(text):
        with pytest.raises(SpecError) as caught:
            resolved(text)
        return f"{caught.value.message}\n{caught.value.where}\n{caught.value.hint}"

    return load


def test_overrides_are_those_that_differ_from_the_paper(resolved):
    text = "models: [{model: errnet2019, seed: 3, recipe: {crop: 96, batch: 1, betas: [0.5, 0.999]}}, zhang2018]\n"
    first, second = resolved(HEAD + text + "test: [skimage-test]\nseed: 8\n").models
    assert first.overrides == {"crop": (224, 96), "betas": ([0.9, 0.999], [0.5, 0.999])}
    assert first.recipe.values["crop"] == 96
    assert (first.seed, second.seed) == (3, 8)
    assert second.overrides == {}


def test_only_used_datasets_are_resolved_and_their_folders_are_absolute(resolved, tmp_path):
    (tmp_path / "holiday").mkdir()
    own = "datasets:\n  holiday: {kind: photos, folder: ./holiday}\n  unused: {kind: photos, folder: nowhere}\n"
    found = resolved(HEAD + "models: [errnet2019]\ntest: [holiday]\n" + own)
    assert list(found.datasets) == ["skimage-train", "holiday"]
    assert found.datasets["holiday"].folder == tmp_path / "holiday"


def test_relative_folder_starts_at_the_file_not_at_the_working_folder(resolved, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "holiday").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    own = "datasets: {holiday: {kind: photos, folder: holiday}}\n"
    assert resolved(HEAD + "models: [errnet2019]\ntest: [holiday]\n" + own).datasets["holiday"].folder.is_dir()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("models: [errnet2019, errnet2019]\ntest: [skimage-test]\n", "two models are called", id="twice"),
        pytest.param(
            "models: [{model: errnet2019, seeds: [1, 2]}, {model: errnet2019, name: errnet2019-seed2}]\n"
            "test: [skimage-test]\n",
            "two models are called 'errnet2019-seed2'",
            id="run-of-a-seed-twice",
        ),
        pytest.param(
            "models: [{model: errnet2019, name: truth}]\ntest: [skimage-test]\n", "one of the controls", id="control"
        ),
        pytest.param("models: [errnet2019]\ntest: [skimage-train]\n", "trained on and tested on", id="train-is-test"),
        pytest.param(
            "models: [errnet2019]\ntest: [skimage-test, skimage-test]\n", "is listed twice", id="same-test-twice"
        ),
        pytest.param(
            "models: [errnet2019]\ntest: [mine]\ndatasets: {mine: {kind: layers, folder: .}}\n",
            "dataset 'mine' holds layers to blend, without pairs; testing needs pairs with truth or photographs",
            id="layers-as-test",
        ),
        pytest.param(
            "models: [errnet2019]\ntest: [mine]\ndatasets: {mine: {kind: pairs, folder: gone}}\n",
            "dataset 'mine': there is no folder",
            id="no-folder",
        ),
        pytest.param(
            "models: [errnet2019]\ntest: [mine]\ndatasets: {mine: {kind: pairs, folder: spec.yaml}}\n",
            "is a file",
            id="file-as-folder",
        ),
        pytest.param(
            "models: [errnet2019]\ntest: [skimage-test]\ninference: {mode: tiles, tile: 64, overlap: 60}\n",
            "more than half of inference.tile",
            id="overlap",
        ),
        pytest.param(
            "models: [{model: errnet2019, recipe: {family: zhang2018}}]\ntest: [skimage-test]\n",
            "family must be 'errnet2019'",
            id="other-family",
        ),
        pytest.param(
            "models: [{model: zhang2018, recipe: {width: 256}}]\ntest: [skimage-test]\n",
            "width must be a list, not 256",
            id="recipe-type",
        ),
    ],
)
def test_wrong_name_or_value_is_refused(refused, text, words):
    said = refused(HEAD + text)
    assert words in said
    assert "spec.yaml:" in said


def test_pairs_as_layers_and_layers_as_real_pairs_are_refused_with_what_would_fit(refused):
    said = refused(
        "name: first\nmodels: [errnet2019]\nfeatures: random\ntest: [skimage-test]\n"
        "train: {synthetic: skimage-real, real: skimage-train}\n"
    )
    assert "spec.yaml:5:20: dataset 'skimage-real' holds pairs with truth; training needs layers" in said
    assert "spec.yaml:5:40: dataset 'skimage-train' holds layers" in said
    assert "choose 'skimage-train'" in said


PRETRAINED = "name: first\nmodels: [zhang2018, ibcln2020]\ntrain: skimage-train\ntest: [skimage-test]\n"


def test_missing_feature_weights_say_which_where_from_and_where_to(refused, tmp_path, monkeypatch):
    monkeypatch.delenv("SIRR_FEATURES", raising=False)
    said = refused(PRETRAINED)
    assert "has 2 mistakes" in said
    for name in ("imagenet-vgg-verydeep-19.mat", "vgg19-dcbb9e9d.pth"):
        assert f"'{name}'" in said
        assert f"/{name} and put it into" in said
    assert "SIRR_FEATURES" in said
    assert "features: random" in said


def test_only_feature_weights_that_are_used_are_asked_for(resolved, tmp_path, monkeypatch):
    monkeypatch.delenv("SIRR_FEATURES", raising=False)
    (tmp_path / "released").mkdir()
    adopted = PRETRAINED.replace("zhang2018, ibcln2020", "{model: ibcln2020, weights: {checkpoint: released}}")
    assert resolved(adopted).features == {}


def test_missing_weights_of_lpips_are_no_mistake(resolved, tmp_path, monkeypatch):
    monkeypatch.setenv("SIRR_FEATURES", str(tmp_path))
    for name in ("imagenet-vgg-verydeep-19.mat", "vgg19-dcbb9e9d.pth"):
        (tmp_path / name).write_text("w")
    assert "alexnet-owt-7be5be79.pth" not in resolved(PRETRAINED).features
    (tmp_path / "alexnet-owt-7be5be79.pth").write_text("w")
    assert resolved(PRETRAINED).features["alexnet-owt-7be5be79.pth"] == tmp_path / "alexnet-owt-7be5be79.pth"


def test_feature_weights_come_from_the_named_folder_or_the_variable(resolved, tmp_path, monkeypatch):
    monkeypatch.setenv("SIRR_FEATURES", str(tmp_path / "site"))
    for folder in ("site", "own"):
        (tmp_path / folder).mkdir()
        for name in ("imagenet-vgg-verydeep-19.mat", "vgg19-dcbb9e9d.pth"):
            (tmp_path / folder / name).write_text("w")
    scored = PRETRAINED + "metrics: [psnr]\n"
    assert set(resolved(scored).features.values()) == {
        tmp_path / "site" / "imagenet-vgg-verydeep-19.mat",
        tmp_path / "site" / "vgg19-dcbb9e9d.pth",
    }
    own = resolved(scored + "features_folder: own\n").features
    assert {path.parent for path in own.values()} == {tmp_path / "own"}


def test_random_features_need_no_file(resolved, monkeypatch):
    monkeypatch.delenv("SIRR_FEATURES", raising=False)
    assert resolved(PRETRAINED + "features: random\n").features == {}


def test_experiment_without_its_file_is_resolved_and_mistakes_lose_only_their_places(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(HEAD + "models: [errnet2019]\ntest: [skimage-test]\n")
    experiment = load_experiment(path)
    path.unlink()
    assert resolve(experiment, path).models[0].label == "errnet2019"
    wrong = experiment.model_copy(update={"test": ("skimage-tset",)})
    with pytest.raises(SpecError, match="did you mean 'skimage-test'"):
        resolve(wrong, path)

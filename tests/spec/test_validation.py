"""Validation while a training goes on: what a spec may say, and where its mistakes are."""

import pytest

from orchestrator.errors import SpecError
from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import resolve

SPEC = """\
name: validated
models: [{model: errnet2019, recipe: {epochs: 5}}]
features: random
test: [skimage-test]
train:
  synthetic: skimage-train
  validation: {dataset: skimage-test, every: 2}
"""


@pytest.fixture
def resolved(tmp_path):
    """Return a function that reads a spec beside a folder of pairs and a checkpoint."""
    (tmp_path / "pairs").mkdir()
    (tmp_path / "released.pt").write_bytes(b"weights")

    def read(text=SPEC):
        path = tmp_path / "spec.yaml"
        path.write_text(text, encoding="utf-8")
        return resolve(load_experiment(path), path)

    return read


@pytest.mark.parametrize(
    ("epochs", "every", "kept"), [(5, 2, (2, 4)), (4, 2, (2,)), (6, 1, (1, 2, 3, 4, 5)), (3, 3, ()), (2, 9, ())]
)
def test_weights_are_kept_every_so_many_epochs_but_for_the_last(resolved, epochs, every, kept):
    experiment = resolved(SPEC.replace("epochs: 5", f"epochs: {epochs}").replace("every: 2", f"every: {every}"))
    assert experiment.snapshots(experiment.models[0]) == kept


def test_without_validation_no_weights_are_kept(resolved):
    experiment = resolved(SPEC.replace("  validation: {dataset: skimage-test, every: 2}\n", ""))
    assert experiment.validation is None
    assert experiment.snapshots(experiment.models[0]) == ()


def test_an_own_dataset_of_pairs_may_be_validated_on_without_being_tested_on(resolved):
    own = "datasets: {mine: {kind: pairs, folder: pairs}}\n"
    experiment = resolved(SPEC.replace("dataset: skimage-test", "dataset: mine") + own)
    assert list(experiment.datasets) == ["skimage-train", "skimage-test", "mine"]


def test_adopted_weights_are_not_validated_and_need_no_pictures_to_train_on(resolved):
    adopted = "models: [{model: errnet2019, weights: {checkpoint: released.pt}}]"
    experiment = resolved(SPEC.replace("models: [{model: errnet2019, recipe: {epochs: 5}}]", adopted))
    assert experiment.validation is None
    assert experiment.snapshots(experiment.models[0]) == ()
    assert list(experiment.datasets) == ["skimage-test"]


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        pytest.param("dataset: skimage-test", "dataset: skimage-tset", "did you mean 'skimage-test'", id="unknown"),
        pytest.param("dataset: skimage-test", "dataset: skimage-train", "trained on and validated on", id="trained-on"),
        pytest.param("dataset: skimage-test", "dataset: skimage-real", "neither tested on nor described", id="unused"),
        pytest.param("dataset: skimage-test", "dataset: holiday", "validation needs pairs with truth", id="photos"),
        pytest.param("every: 2", "every: 0", "every must be at least 1, not 0", id="every"),
    ],
)
def test_mistakes_are_told_with_their_place(resolved, was, now, said):
    text = SPEC.replace(was, now) + "datasets: {holiday: {kind: photos, folder: pairs}}\n"
    with pytest.raises(SpecError) as caught:
        resolved(text)
    told = f"{caught.value.message}\n{caught.value.where}\n{caught.value.hint}"
    assert said in told
    assert "spec.yaml:7:" in told


def test_a_training_that_is_cut_by_steps_is_refused_with_what_to_write(resolved):
    with pytest.raises(SpecError) as caught:
        resolved(SPEC.replace("{epochs: 5}", "{epochs: 5, steps: 7}"))
    told = f"{caught.value.message}\n{caught.value.where}\n{caught.value.hint}"
    assert "model 'errnet2019' stops after 7 steps" in told
    assert "spec.yaml:2:" in told
    assert "'epochs' and 'limit' instead of 'steps'" in told


@pytest.mark.parametrize(("epochs", "refused"), [(None, True), (61, True), (60, False)])
def test_a_recipe_that_comes_to_unaligned_pairs_needs_a_dataset_of_them(resolved, epochs, refused):
    recipe = "" if epochs is None else f", recipe: {{epochs: {epochs}}}"
    models = f"models: [{{model: errnet2019-unaligned{recipe}}}]"
    text = SPEC.replace("models: [{model: errnet2019, recipe: {epochs: 5}}]", models)
    if not refused:
        assert not resolved(text).models[0].recipe.uses_unaligned
        return
    with pytest.raises(SpecError) as caught:
        resolved(text)
    told = f"{caught.value.message}\n{caught.value.where}\n{caught.value.hint}"
    assert "'errnet2019-unaligned' is trained on unaligned pairs too" in told
    assert "spec.yaml:2:" in told

"""Recipes by the schemas that model specs bring: of a plug-in's network, as of the papers'."""

import json
from pathlib import Path

import pytest

from orchestrator.errors import SpecError
from orchestrator.plan.plan import experiment_plan
from orchestrator.spec.library import Library, Plugin, built_in, load_model_spec, model_spec_names
from orchestrator.spec.load import load_experiment
from orchestrator.spec.recipe import RecipeInvalid
from orchestrator.spec.resolve import resolve
from tests.plugin_folder import write_model

SPEC = """\
name: first
plugins: [mine]
models: [{{model: small2026, recipe: {{{recipe}}}{more}}}]
train: skimage-train
test: [skimage-test]
metrics: [psnr]
{last}
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    return write_model(tmp_path / "mine")


def library(plugin: Path) -> Library:
    return built_in().extended([Plugin(plugin, "a test")])


def resolved(tmp_path: Path, recipe: str = "", more: str = "", last: str = "features: random"):
    path = tmp_path / "first.yaml"
    path.write_text(SPEC.format(recipe=recipe, more=more, last=last), encoding="utf-8")
    return resolve(load_experiment(path), path)


def stages(found):
    return {stage.name: stage for stage in experiment_plan(found, lambda path, _dataset=None: path.name).stages}


def test_a_network_of_a_plugin_is_trained_by_its_own_recipe(tmp_path, plugin):
    found = stages(resolved(tmp_path, "rate: 0.5"))
    assert found["train/small2026"].image == "small"
    assert found["train/small2026"].settings == {
        "model": "small2026",
        "recipe": {"epochs": 2, "blocks": 3, "rate": 0.5, "crop": [32, 64], "start": "kaiming"},
        "features": "random",
    }
    assert found["export/small2026"].settings["blocks"] == 3


def test_numbers_are_what_the_schema_says_and_what_differs_is_named(tmp_path, plugin):
    (model,) = resolved(tmp_path, "blocks: 5.0, rate: 1e-2, start: zeros").models
    assert json.dumps(model.recipe.values, sort_keys=True) == (
        '{"blocks": 5, "crop": [32, 64], "epochs": 2, "rate": 0.01, "start": "zeros"}'
    )
    assert model.overrides == {"blocks": (3, 5), "rate": (1.0, 0.01), "start": ("kaiming", "zeros")}


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        pytest.param("blocks: 51", "blocks must be at most 50, not 51", id="most"),
        pytest.param("blocks: '5'", "blocks must be a whole number, not '5'", id="text"),
        pytest.param("blocks: many", "blocks must be a whole number, not 'many'", id="type"),
        pytest.param("blocs: 4", "unknown field 'blocs'; did you mean 'blocks'?", id="near-miss"),
        pytest.param("colour: 4", "unknown field 'colour'; there are epochs, blocks, rate, crop, start", id="unknown"),
        pytest.param("start: zero", "start must be 'zeros' or 'kaiming', not 'zero'; did you mean 'zeros'?", id="enum"),
        pytest.param("start: 3", "start must be 'zeros' or 'kaiming', not '3'", id="enum-type"),
        pytest.param("rate: 0", "rate must be greater than 0, not 0", id="exclusive"),
        pytest.param("rate: .nan", "rate must be a finite number, not nan", id="nan"),
        pytest.param("rate: true", "rate must be a number, not true", id="truth"),
        pytest.param("crop: [32]", "crop needs at least 2 of its kind, and has 1", id="few"),
        pytest.param("crop: [32, 33]", "crop[1] must be a multiple of 8, not 33", id="in-list"),
        pytest.param("crop: [64, 32]", "crop goes from small to large, not [64, 32]", id="order"),
        pytest.param("epochs: null", "epochs must be a whole number, not empty", id="empty"),
    ],
)
def test_wrong_values_are_told_with_field_place_and_what_is_allowed(tmp_path, plugin, recipe, words):
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path, recipe)
    assert words in caught.value.message
    assert f"{tmp_path}/first.yaml:3:" in caught.value.where


def test_all_mistakes_of_a_recipe_are_told_at_once(tmp_path, plugin):
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path, "blocks: 0, rat: 1, start: ones")
    assert caught.value.message.endswith("has 3 mistakes")


def test_every_feature_file_reaches_the_training_and_the_export(tmp_path, plugin):
    for name in ("first.pth", "second.pth"):
        (tmp_path / name).write_text(name)
    found = stages(resolved(tmp_path, last="features_folder: ."))
    expected = {"features": "first.pth", "features-2": "second.pth"}
    for stage in ("train/small2026", "export/small2026"):
        assert {name: source.path.name for name, source in found[stage].sources.items()} == expected
    (tmp_path / "second.pth").unlink()
    with pytest.raises(SpecError, match=r"the pretrained weights 'second\.pth'"):
        resolved(tmp_path, last="features_folder: .")


def test_values_that_shape_a_network_count_for_adopted_weights_and_no_others_do(tmp_path, plugin):
    (tmp_path / "w.pth").write_text("weights")
    weights = ", weights: {checkpoint: w.pth}"
    found = stages(resolved(tmp_path, "blocks: 7", weights))
    assert found["adopt/small2026"].settings == {"model": "small2026", "blocks": 7}
    with pytest.raises(SpecError, match="adopts its weights: its recipe changes nothing"):
        resolved(tmp_path, "rate: 0.1", weights)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param('"type": "object"', '"type": "list"', "this is no JSON Schema", id="no-schema"),
        pytest.param('"maximum": 50', '"maximum": "50"', "properties.blocks.maximum", id="wrong-limit"),
        pytest.param('"type": "object",', "", 'has "type": "object"', id="no-object"),
        pytest.param('"epochs": {"type"', '"epoch": {"type"', "requires a field 'epochs'", id="no-epochs"),
        pytest.param("#/$defs/side", "#/$defs/size", "the reference '#/$defs/size' leads nowhere", id="lost-reference"),
        pytest.param("#/$defs/side", "https://x.org/a.json", "leads nowhere in this file", id="reference-outside"),
        pytest.param('"upper": "crop/1", ', "", "x-order: 'upper' is a required property", id="half-a-rule"),
        pytest.param('"title"', '"$id": "https://x.org/a", "title"', "$id has no place", id="id"),
        pytest.param("{", "[", "", id="no-json"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_with_its_place(plugin, old, new, words):
    path = plugin / "model_specs" / "small2026.schema.json"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(SpecError) as caught:
        library(plugin).model("small2026")
    assert words in f"{caught.value.message}\n{caught.value.where}"
    assert str(path) in f"{caught.value.where}"


def test_a_schema_that_refers_to_itself_ends(plugin):
    path = plugin / "model_specs" / "small2026.schema.json"
    schema = json.loads(path.read_text())
    schema["$defs"]["side"] = {"allOf": [{"$ref": "#/$defs/side"}]}
    path.write_text(json.dumps(schema))
    with pytest.raises(SpecError, match="refers to itself without an end"):
        library(plugin).model("small2026")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param("rate: 1,", "rate: 2,", "rate must be at most 1, not 2", id="own-recipe"),
        pytest.param("small2026.schema.json", "other.schema.json", "there is no file", id="no-schema"),
        pytest.param("small2026.schema.json", "../a.json", "recipe_schema '../a.json' does not", id="out"),
        pytest.param("[blocks]", "[layers]", "shaped_by names layers", id="unknown-shape"),
        pytest.param("[blocks]", "[tolerance]", "shaped_by cannot name tolerance", id="taken-shape"),
        pytest.param("features: [first.pth", "features: [a/first.pth", "does not have the form", id="feature-path"),
    ],
)
def test_a_model_spec_that_does_not_fit_is_refused_with_its_place(plugin, old, new, words):
    path = plugin / "model_specs" / "small2026.yaml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(SpecError) as caught:
        library(plugin).model("small2026")
    assert words in caught.value.message
    assert "small2026.yaml" in f"{caught.value.where}" or "schema.json" in f"{caught.value.message}{caught.value.where}"


def test_a_schema_that_is_a_link_out_of_the_plugin_is_refused(tmp_path, plugin):
    path = plugin / "model_specs" / "small2026.schema.json"
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(SpecError, match="leads outside its folder"):
        library(plugin).model("small2026")


@pytest.mark.parametrize("name", model_spec_names())
def test_recipes_of_the_papers_come_through_their_schemas_unchanged(name):
    spec = load_model_spec(name)
    again = spec.schema_of_recipes.recipe(spec.paper_recipe.values)
    assert json.dumps(again.values, sort_keys=True) == json.dumps(spec.paper_recipe.values, sort_keys=True)
    with pytest.raises(RecipeInvalid, match="family must be"):
        spec.schema_of_recipes.recipe({**spec.paper_recipe.values, "family": "another"})


def test_shares_of_samples_are_at_most_the_whole():
    spec = load_model_spec("errnet2019")
    shares = [{"epoch": 0, "synthetic": 0.6, "unaligned": 0.6}]
    with pytest.raises(RecipeInvalid, match=r"sampling\[0\]: the shares of synthetic and unaligned samples exceed 1"):
        spec.schema_of_recipes.recipe({**spec.paper_recipe.values, "sampling": shares})


def with_trial(plugin, values):
    path = plugin / "model_specs" / "small2026.yaml"
    path.write_text(f"{path.read_text()}trial: {values}\n")
    return library(plugin).model("small2026")


def test_a_trial_changes_the_paper_s_recipe_where_it_says_so(plugin):
    spec = with_trial(plugin, "{blocks: 1, crop: [8, 16]}")
    assert spec.trial_recipe.values == {**spec.paper_recipe.values, "blocks": 1, "crop": [8, 16]}
    assert built_in().model("zhang2018").trial_recipe.epochs == 2


def test_without_a_trial_the_paper_s_recipe_is_tried(plugin):
    spec = library(plugin).model("small2026")
    assert spec.trial_recipe.values == spec.paper_recipe.values


@pytest.mark.parametrize(
    ("values", "words"), [("{block: 1}", "did you mean 'blocks'"), ("{crop: [64, 32]}", "from small to large")]
)
def test_a_trial_that_does_not_fit_is_named_at_its_place(plugin, values, words):
    with pytest.raises(SpecError, match=words) as raised:
        with_trial(plugin, values)
    assert "small2026.yaml:10" in str(raised.value.where) + raised.value.message

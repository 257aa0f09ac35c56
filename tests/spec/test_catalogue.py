"""The scenes that travel with the program, and the examples made of them."""

import re
from itertools import product
from pathlib import Path

import pytest
import skimage
from PIL import Image

from orchestrator.errors import SpecError
from orchestrator.spec.dataset import Scene, dataset_role
from orchestrator.spec.entrants import ModelChoice
from orchestrator.spec.explained import explained_tables
from orchestrator.spec.load import load_catalogue, load_experiment
from orchestrator.spec.resolve import resolve

ROOT = Path(__file__).parents[2]
BUILT_IN = ("skimage-train", "skimage-real", "skimage-test")
PICTURES = Path(skimage.__file__).parent / "data"


def scenes(name):
    dataset = load_catalogue()[name].dataset
    return (*dataset.transmissions, *dataset.reflections)


def overlap(one: Scene, other: Scene) -> bool:
    rows = one.top < other.top + other.height and other.top < one.top + one.height
    columns = one.left < other.left + other.width and other.left < one.left + one.width
    return one.picture == other.picture and rows and columns


@pytest.mark.parametrize("training", ["skimage-train", "skimage-real"])
def test_no_training_scene_overlaps_a_test_scene(training):
    pairs = list(product(scenes(training), scenes("skimage-test")))
    assert not [(one, other) for one, other in pairs if overlap(one, other)]
    assert not {one.picture for one, _ in pairs} & {other.picture for _, other in pairs}


def test_only_one_side_of_the_stereo_pair_is_used():
    sides = {scene.picture for name in BUILT_IN for scene in scenes(name) if "motorcycle" in scene.picture}
    assert len(sides) == 1


@pytest.mark.parametrize("name", ["skimage-train", "skimage-real", "skimage-test"])
def test_every_scene_lies_inside_a_colour_photograph_that_the_package_carries(name):
    for scene in scenes(name):
        with Image.open(PICTURES / scene.picture) as picture:
            assert picture.mode == "RGB"
            assert scene.left + scene.width <= picture.width, scene
            assert scene.top + scene.height <= picture.height, scene


@pytest.mark.parametrize("name", ["skimage-real", "skimage-test"])
def test_blended_layers_are_of_one_size_and_different(name):
    dataset = load_catalogue()[name].dataset
    for front, back in zip(dataset.transmissions, dataset.reflections, strict=True):
        assert (front.height, front.width) == (back.height, back.width)
        assert not overlap(front, back)


def test_test_scenes_have_odd_sizes_too():
    assert any(scene.height % 2 and scene.width % 2 for scene in scenes("skimage-test"))


def test_roles():
    roles = {name: dataset_role(entry.dataset) for name, entry in load_catalogue().items()}
    assert {name for name, role in roles.items() if role == "layers"} == {"skimage-train", "voc2012"}
    assert set(roles.values()) == {"layers", "pairs"}


PUBLISHED = {name: entry for name, entry in load_catalogue().items() if entry.published is not None}


def test_catalogue_has_the_sets_that_the_papers_train_and_test_on():
    scenes = {
        use: {name: entry.published.scenes for name, entry in PUBLISHED.items() if entry.published.use == use}
        for use in ("train", "test")
    }
    assert scenes["train"] == {
        "voc2012": 15287,
        "berkeley-real-train": 90,
        "nature-train": 200,
        "openrr-1k-train": 800,
        "openrr-5k-train": 5000,
        "rrw": None,
        "uhdrr4k-train": 2999,
        "uhdrr8k-train": 1014,
    }
    assert scenes["test"] == {
        "ceilnet-table2": 100,
        "berkeley-real-test": 20,
        "sir2-objects": 200,
        "sir2-postcard": 199,
        "sir2-wild": 55,
        "sir2-plus": None,
        "nature-test": 20,
        "openrr-1k-val": 100,
        "openrr-1k-test": 100,
        "openrr-5k-val": 300,
        "cdr": None,
        "uhdrr4k-test": 168,
        "uhdrr8k-test": 105,
    }


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_what_could_not_be_learnt_of_a_set_is_said(name):
    known = PUBLISHED[name].published
    said = " ".join((known.matching, *known.facts))
    if known.scenes is None or not known.layouts:
        assert "unknown" in said
    assert known.scenes is not None or not known.variants


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_set_says_where_it_is_under_which_terms_and_how_to_get_it(name):
    entry = PUBLISHED[name]
    known = entry.published
    assert entry.dataset.kind == "prepared"
    assert known.address.startswith("http")
    assert known.terms
    assert known.files or known.by_hand
    assert all("{folder}" in step.put for step in known.by_hand)
    assert all(file.size and (file.md5 or file.sha256) for file in known.files)


def test_variants_that_circulate_are_all_known():
    scenes = {name: {variant.scenes for variant in PUBLISHED[name].published.variants} for name in PUBLISHED}
    assert scenes["sir2-wild"] >= {52, 55, 101, 109}
    assert scenes["sir2-postcard"] >= {179, 198, 199, 200}
    edges = {variant.short_edge or variant.long_edge for variant in PUBLISHED["berkeley-real-test"].published.variants}
    assert edges == {None, 420, 512}


def test_berkeley_training_and_test_pairs_are_told_apart_by_the_same_numbers():
    test = PUBLISHED["berkeley-real-test"].published.selection.only
    assert len(set(test)) == 20
    assert PUBLISHED["berkeley-real-train"].published.selection.without == test


def test_set_that_is_not_prepared_names_the_commands_that_make_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SIRR_DATA", str(tmp_path))
    spec = tmp_path / "first.yaml"
    spec.write_text("name: first\nmodels: [ibcln2020]\ntrain: voc2012\ntest: [sir2-wild]\nfeatures: random\n")
    with pytest.raises(SpecError) as caught:
        resolve(load_experiment(spec), spec)
    said = f"{caught.value.message} {caught.value.where} {caught.value.hint}"
    assert "dataset 'sir2-wild' is not prepared" in said
    assert "sirr-orch data prepare sir2-wild --from PATH" in said
    assert "sirr-orch data fetch voc2012" in said
    assert "first.yaml:3:" in said
    assert "first.yaml:4:" in said


@pytest.mark.parametrize("name", ["smallest", "quickstart"])
def test_example_resolves(name):
    path = ROOT / "examples" / f"{name}.yaml"
    assert resolve(load_experiment(path), path).models


def test_manual_comparison_lacks_nothing_but_pictures_and_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("SIRR_FEATURES", str(tmp_path))
    path = ROOT / "examples" / "course2024.yaml"
    with pytest.raises(SpecError) as caught:
        resolve(load_experiment(path), path)
    assert "has 10 mistakes" in caught.value.message
    assert len(re.findall(r"dataset '[\w-]+' is not prepared", caught.value.where)) == 8
    assert len(re.findall(r"the pretrained weights '", caught.value.where)) == 2


def test_manual_comparison_is_that_of_the_table_that_it_explains():
    experiment = load_experiment(ROOT / "examples" / "course2024.yaml")
    (table,) = explained_tables()
    assert set(experiment.test) == {column.name for column in table.datasets}
    assert {choice.model for choice in experiment.models} == {row.model for row in table.networks}
    epochs = {choice.label: choice.recipe.get("epochs") for choice in experiment.models if choice.recipe}
    assert epochs == {"zhang2018-short": 40, "errnet2019-short": 5, "ibcln2020-short": 13}
    assert table.protocol in experiment.protocols


def test_smallest_spec_has_five_lines_stands_in_the_readme_and_ends_in_minutes():
    text = (ROOT / "examples" / "smallest.yaml").read_text()
    assert len(text.splitlines()) == 5
    assert f"```yaml\n{text}```" in (ROOT / "README.md").read_text()
    entrants = load_experiment(ROOT / "examples" / "smallest.yaml").models
    trained = [choice for choice in entrants if isinstance(choice, ModelChoice)]
    assert trained
    assert all(choice.recipe["epochs"] * choice.recipe["limit"] <= 20 for choice in trained)


def test_quickstart_says_that_its_features_are_random():
    experiment = load_experiment(ROOT / "examples" / "quickstart.yaml")
    assert experiment.features == "random"
    assert "random" in experiment.note
    assert "few steps" in experiment.note

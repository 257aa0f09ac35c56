"""The scenes that travel with the program, and the examples made of them."""

from itertools import product
from pathlib import Path

import pytest
import skimage
from PIL import Image

from orchestrator.spec.dataset import Scene, dataset_role
from orchestrator.spec.load import load_catalogue, load_experiment
from orchestrator.spec.resolve import resolve

ROOT = Path(__file__).parents[2]
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
    sides = {scene.picture for name in load_catalogue() for scene in scenes(name) if "motorcycle" in scene.picture}
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
    assert roles == {"skimage-train": "layers", "skimage-real": "pairs", "skimage-test": "pairs"}


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_example_resolves(path):
    assert resolve(load_experiment(path), path).models


def test_smallest_spec_has_five_lines():
    assert len((ROOT / "examples" / "smallest.yaml").read_text().splitlines()) == 5


def test_quickstart_says_that_its_features_are_random():
    experiment = load_experiment(ROOT / "examples" / "quickstart.yaml")
    assert experiment.features == "random"
    assert "random" in experiment.note
    assert "few steps" in experiment.note

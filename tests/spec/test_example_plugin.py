"""examples/plugins, the worked example of a plug-in: its files alone; tests/end_to_end trains its network."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from orchestrator.environments.plugin_image import check_image
from orchestrator.metrics.signed_rank import signed_ranks
from orchestrator.spec.library import Library, Plugin, built_in

ROOT = Path(__file__).parents[2]
PICTURES = Path(skimage.__file__).parent / "data"
IMAGE = ROOT / "examples" / "plugins" / "images" / "glazier"


@pytest.fixture(scope="module")
def library() -> Library:
    return built_in().extended([Plugin(ROOT / "examples" / "plugins", "a test")])


def test_its_image_installs_what_a_network_of_this_project_does(library):
    check_image(library.image("glazier"))
    for variant in ("cpu", "cuda"):
        for ending in ("in", "txt"):
            name = f"requirements.{variant}.{ending}"
            assert (IMAGE / name).read_bytes() == (ROOT / "images" / "ibcln2020" / name).read_bytes(), (
                "with one lock, what is downloaded for one image serves both, and so do the layers of Docker's images"
            )


def test_its_spec_names_as_shaping_what_its_program_reads_as_such(library):
    spec = library.model("glazier")
    text = (IMAGE / "glazier" / "weights.py").read_text(encoding="utf-8")
    assert f"SHAPED_BY = {spec.shaped_by}".replace("'", '"') in text
    assert set(spec.shaped_by) < set(spec.paper_recipe.values)


def test_its_test_set_has_pictures_enough_for_a_paired_test_and_none_that_is_trained_on(library):
    small = library.catalogue["skimage-small"].dataset
    count = len(small.transmissions)
    entrants = 5
    assert signed_ranks(np.ones(count)).p * entrants < 0.01
    tested = {scene.picture for scene in (*small.transmissions, *small.reflections)}
    for name in ("skimage-train", "skimage-real"):
        trained = library.catalogue[name].dataset
        assert not tested & {scene.picture for scene in (*trained.transmissions, *trained.reflections)}


def test_its_pairs_are_of_one_size_and_of_two_photographs(library):
    small = library.catalogue["skimage-small"].dataset
    for front, back in zip(small.transmissions, small.reflections, strict=True):
        assert (front.height, front.width) == (back.height, back.width)
        assert front.picture != back.picture
    for scene, name in product((*small.transmissions, *small.reflections), ("width", "height")):
        with Image.open(PICTURES / scene.picture) as picture:
            begin = scene.left if name == "width" else scene.top
            assert begin + getattr(scene, name) <= getattr(picture, name), scene

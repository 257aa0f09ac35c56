"""Scenes of scikit-image's photographs: cut exactly, blended or left as layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage import data

from orchestrator.report.artifacts import read_dataset
from orchestrator.spec.dataset import ScenesDataset
from orchestrator.spec.load import load_catalogue
from stagekit import BadInput
from tests.datasets.conftest import Prepare


def scene(
    picture: str = "coffee.png", top: int = 3, left: int = 5, height: int = 20, width: int = 31
) -> dict[str, Any]:
    return {"picture": picture, "top": top, "left": left, "height": height, "width": width}


def test_scenes_without_blending_are_layers(prepare: Prepare) -> None:
    prepared = prepare(
        "scenes", transmissions=[scene()], reflections=[scene("rocket.jpg"), scene("astronaut.png", top=0)]
    )
    assert prepared.document["role"] == "layers"
    assert [(item["id"], "transmission" in item, "reflection" in item) for item in prepared.items] == [
        ("t01-coffee", True, False),
        ("r01-rocket", False, True),
        ("r02-astronaut", False, True),
    ]
    assert np.array_equal(prepared.pixels(prepared.items[0]["transmission"]), data.coffee()[3:23, 5:36])
    assert prepared.items[0]["origin"] == "coffee.png (20 x 31 at row 3, column 5)"


def test_blended_scenes_are_what_the_synthesis_says(prepare: Prepare) -> None:
    transmissions, reflections = [scene(), scene(top=0), scene(left=0)], [scene("astronaut.png"), scene("rocket.jpg")]
    prepared = prepare("scenes", transmissions=transmissions, reflections=reflections, blend="zhang")
    names = [item["id"] for item in prepared.items]
    assert names == ["01-coffee-astronaut", "02-coffee-rocket", "03-coffee-astronaut"]
    behind, before = data.coffee()[3:23, 5:36], data.astronaut()[3:23, 5:36]
    item = prepared.items[0]
    assert np.array_equal(prepared.pixels(item["transmission"]), behind)
    assert np.abs(prepared.pixels(item["reflection"]) - before / 2).max() <= 0.5
    assert np.abs(prepared.pixels(item["blended"]) - (behind / 2 + before / 2)).max() <= 0.51
    assert read_dataset(prepared.folder).role == "pairs"
    assert prepared.items[1]["notes"] == ["colour profile 'Adobe RGB (1998)', converted to sRGB"]


def test_scenes_outside_their_photograph_and_missing_ones_are_all_named(prepare: Prepare) -> None:
    with pytest.raises(BadInput) as caught:
        prepare(
            "scenes",
            transmissions=[scene(top=390), scene("rocket.png")],
            reflections=[scene("../data/coffee.png"), scene(left=-1)],
        )
    message = caught.value.message
    assert "coffee.png (20 x 31 at row 390, column 5) does not lie inside it: it has 400 x 600 pixels" in message
    assert "rocket.png is none of the photographs" in message
    assert "../data/coffee.png is none of the photographs" in message
    assert "column -1" in message
    assert "rocket.jpg" in str(caught.value.hint)


def test_scenes_of_different_sizes_are_not_blended(prepare: Prepare) -> None:
    with pytest.raises(BadInput, match="different sizes") as caught:
        prepare("scenes", transmissions=[scene()], reflections=[scene("rocket.jpg", height=21)], blend="zhang")
    assert "coffee.png (20 x 31" in caught.value.message
    assert "rocket.jpg (21 x 31" in caught.value.message


@pytest.mark.parametrize(
    "name", sorted(name for name, dataset in load_catalogue().items() if dataset.published is None)
)
def test_datasets_of_the_catalogue_can_be_prepared(prepare: Prepare, name: str) -> None:
    dataset = load_catalogue()[name].dataset
    assert isinstance(dataset, ScenesDataset), "a new kind in the catalogue needs a test of its own"
    fields = dataset.model_dump(mode="json", exclude={"kind", "title", "source"})
    prepared = read_dataset(prepare("scenes", **fields).folder)
    count = len(dataset.transmissions) + (0 if dataset.blend else len(dataset.reflections))
    assert len(prepared.items) == count

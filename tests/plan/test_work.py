"""How much work stages are: steps of recipes, areas of samples, pictures and pixels of datasets."""

import pytest

from orchestrator.plan.work import (
    DatasetSize,
    Work,
    sample_pixels,
    size_of_items,
    size_of_scenes,
    stage_work,
    training_work,
)
from orchestrator.spec.dataset import ScenesDataset
from orchestrator.spec.library import built_in

LAYERS = DatasetSize(items=15, pixels=1500, transmissions=15, reflections=15, shared=True)
APART = DatasetSize(items=13, pixels=1300, transmissions=7, reflections=6, shared=False)
REAL = DatasetSize(items=4, pixels=400, transmissions=4, reflections=0, shared=False)


@pytest.mark.parametrize(
    ("recipe", "rule", "steps"),
    [
        pytest.param({"epochs": 80, "limit": 4000, "batch": 2}, "pictures", 160_000, id="limit"),
        pytest.param({"epochs": 3, "limit": None, "batch": 1}, "pictures", 3 * 19, id="all-pictures"),
        pytest.param({"epochs": 3, "limit": None, "batch": 1}, "couples", 3 * 11, id="couples-of-one-list"),
        pytest.param({"epochs": 3, "limit": 100, "batch": 1}, "couples", 3 * 11, id="limit-above-couples"),
        pytest.param({"epochs": 3, "limit": 9, "batch": 2}, "couples", 3 * 5, id="last-batch-smaller"),
        pytest.param({"epochs": 3, "limit": 9, "batch": 2, "steps": 4}, "pictures", 4, id="steps-end-it"),
        pytest.param({"epochs": 3, "limit": 9, "batch": 2, "steps": 400}, "pictures", 15, id="more-steps-than-epochs"),
        pytest.param({"epochs": 2, "limit": 9}, None, 18, id="no-rule-but-a-limit"),
        pytest.param({"epochs": 2, "limit": None}, None, None, id="neither-rule-nor-limit"),
        pytest.param({"limit": 8}, "pictures", None, id="no-epochs"),
        pytest.param({"steps": 100, "batch": 2}, None, 100, id="steps-alone"),
        pytest.param({"epochs": 2, "limit": 5, "sampling": 4}, None, 10, id="a-plugins-sampling-is-a-number"),
        pytest.param({"epochs": 2, "limit": 5, "sampling": "even"}, None, 10, id="or-a-word"),
        pytest.param({"epochs": 2, "limit": 5, "sampling": [{"epoch": "five"}, 3]}, None, 10, id="or-other-entries"),
    ],
)
def test_steps_of_a_training_follow_from_recipe_and_datasets(recipe, rule, steps):
    found = training_work(recipe, rule, {"synthetic": LAYERS, "real": REAL})
    assert (None if found is None else found.units) == steps


def test_layers_of_two_lists_are_not_halved():
    found = training_work({"epochs": 2, "limit": None, "batch": 1}, "couples", {"synthetic": APART})
    assert found == Work(14, 14)


def test_unaligned_pairs_count_in_the_epochs_that_draw_them():
    recipe = {
        "epochs": 5,
        "limit": None,
        "batch": 1,
        "sampling": [{"epoch": 0, "synthetic": 0.7}, {"epoch": 3, "synthetic": 0.2, "unaligned": 0.5}],
    }
    found = training_work(recipe, "pictures", {"synthetic": LAYERS, "unaligned": REAL})
    assert found is not None
    assert found.units == 3 * 15 + 2 * 19


def test_without_its_dataset_only_a_limit_tells_the_steps():
    unknown = {"synthetic": None}
    assert training_work({"epochs": 2, "limit": None, "batch": 1}, "pictures", unknown) is None
    assert training_work({"epochs": 2, "limit": 6, "batch": 1}, "pictures", unknown) == Work(12, 12)


def test_billions_of_epochs_take_no_time_to_count():
    found = training_work({"epochs": 10**12, "limit": 2, "batch": 2}, "pictures", {"synthetic": LAYERS})
    assert found is not None
    assert found.units == 10**12


@pytest.mark.parametrize(
    ("recipe", "pixels"),
    [
        pytest.param({"crop": 64}, 4096, id="square"),
        pytest.param({"crop": [32, 48]}, 1536, id="height-and-width"),
        pytest.param({"width": [3, 6]}, 21, id="range-of-widths"),
        pytest.param({}, 1, id="no-size"),
        pytest.param({"crop": "large", "width": [True, 5]}, 1, id="no-numbers"),
    ],
)
def test_the_area_of_a_sample_follows_from_the_recipe(recipe, pixels):
    assert sample_pixels(recipe) == pixels


def test_every_step_counts_a_full_batch():
    assert training_work({"epochs": 1, "limit": 3, "batch": 2, "crop": 4}, "pictures", {}) == Work(2, 2 * 2 * 16)


def test_a_stage_reads_all_its_datasets_and_an_inference_counts_their_pictures():
    assert stage_work("overlap", iter([LAYERS, REAL])) == Work(1, 1900)
    assert stage_work("infer", iter([REAL])) == Work(4, 400)
    assert stage_work("export", iter([])) == Work(1, 0)
    assert stage_work("evaluate", iter([None])) is None


def test_scenes_tell_their_size_before_they_are_prepared():
    dataset = built_in().dataset("skimage-test").dataset
    assert isinstance(dataset, ScenesDataset)
    found = size_of_scenes(dataset)
    assert (found.items, found.pixels) == (5, 192 * 256 + 192 * 288 + 181 * 243 + 211 * 208 + 203 * 255)


def test_layers_that_serve_as_both_are_told_from_two_lists():
    both, apart = [("a.png", "a.png"), ("b.png", "b.png")], [("a.png", None), (None, "b.png")]
    assert size_of_items([(2, 3), (4, 5)], both) == DatasetSize(2, 26, 2, 2, shared=True)
    assert size_of_items([(2, 3), (4, 5)], apart) == DatasetSize(2, 26, 1, 1, shared=False)

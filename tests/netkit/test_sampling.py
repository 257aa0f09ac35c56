"""Samples follow from seed, epoch and place alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netkit.sampling import (
    RealSample,
    Sources,
    SyntheticSample,
    free_epoch,
    halved_epoch,
    rate_at,
    sample_stream,
    share_at,
)
from stagekit import BadInput
from stagekit.results.dataset import DatasetFile, DatasetItem

NAMES = tuple(f"scene{number}" for number in range(20))
PAIRS = tuple((f"b{number}", f"t{number}") for number in range(7))
SOURCES = Sources(NAMES, NAMES, PAIRS)


@pytest.mark.parametrize("epoch_of", [free_epoch, halved_epoch])
def test_epoch_repeats_itself_and_differs_from_the_next(epoch_of: type) -> None:
    assert epoch_of(SOURCES, 0.7, 1, 4) == epoch_of(SOURCES, 0.7, 1, 4)
    assert epoch_of(SOURCES, 0.7, 1, 4) != epoch_of(SOURCES, 0.7, 1, 5)
    assert epoch_of(SOURCES, 0.7, 1, 4) != epoch_of(SOURCES, 0.7, 2, 4)


@pytest.mark.parametrize("epoch_of", [free_epoch, halved_epoch])
def test_no_picture_is_blended_with_itself(epoch_of: type) -> None:
    for epoch in range(20):
        for sample in epoch_of(SOURCES, 1.0, 1, epoch):
            assert sample.transmission != sample.reflection


def test_free_epoch_is_as_long_as_both_lists_or_as_the_limit() -> None:
    assert len(free_epoch(SOURCES, 0.7, 1, 0)) == 27
    assert len(free_epoch(SOURCES, 0.7, 1, 0, limit=100)) == 100


def test_free_epoch_keeps_the_share() -> None:
    samples = free_epoch(SOURCES, 0.7, 1, 0, limit=4000)
    share = np.mean([isinstance(sample, SyntheticSample) for sample in samples])
    assert share == pytest.approx(0.7, abs=0.03)
    assert [sample.place for sample in samples] == list(range(4000))


def test_halved_epoch_pairs_the_first_half_with_the_second() -> None:
    samples = halved_epoch(SOURCES, 1.0, 1, 0, limit=10)
    transmissions = {sample.transmission for sample in samples}
    reflections = {sample.reflection for sample in samples if isinstance(sample, SyntheticSample)}
    assert len(transmissions) == len(reflections) == 10
    assert not transmissions & reflections
    assert len(halved_epoch(SOURCES, 0.7, 1, 0)) == 10 + 7


def test_without_real_pairs_every_sample_is_synthetic() -> None:
    sources = Sources(NAMES, NAMES)
    for samples in (free_epoch(sources, 0.0, 1, 0), halved_epoch(sources, 0.0, 1, 0)):
        assert {type(sample) for sample in samples} == {SyntheticSample}


def test_share_of_nothing_synthetic_takes_real_pairs_only() -> None:
    assert {type(sample) for sample in free_epoch(SOURCES, 0.0, 1, 0)} == {RealSample}


def test_a_picture_that_is_the_only_reflection_is_never_its_own() -> None:
    for sample in free_epoch(Sources(("a", "b"), ("a",)), 0.7, 1, 0):
        assert sample == SyntheticSample(sample.place, "b", "a")


@pytest.mark.parametrize("names", [((), ("a",)), (("a",), ()), (("a",), ("a",))])
def test_too_few_pictures_are_refused(names: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    with pytest.raises(BadInput):
        Sources(*names)


def test_streams_differ_between_places_and_repeat() -> None:
    first, again, other = (sample_stream(1, 2, place).random_sample(3) for place in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_schedules_hold_from_their_epoch_on() -> None:
    recipe = {
        "rate": [{"epoch": 0, "rate": 1e-4}, {"epoch": 30, "rate": 5e-5}],
        "sampling": [{"epoch": 0, "synthetic": 0.7}, {"epoch": 45, "synthetic": 0.5}],
    }
    assert [rate_at(recipe, epoch) for epoch in (0, 29, 30, 99)] == [1e-4, 1e-4, 5e-5, 5e-5]
    assert [share_at(recipe, epoch) for epoch in (44, 45)] == [0.7, 0.5]


def test_sources_are_read_from_prepared_datasets(tmp_path: Path) -> None:
    items = (
        DatasetItem("a", 3, 5, transmission="t/a.png", reflection="t/a.png"),
        DatasetItem("b", 3, 5, reflection="r/b.png"),
    )
    DatasetFile("d", "layers", items).save(tmp_path)
    sources = Sources.load(str(tmp_path))
    assert sources.transmissions == (str(tmp_path / "t/a.png"),)
    assert sources.reflections == (str(tmp_path / "t/a.png"), str(tmp_path / "r/b.png"))


def test_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"dataset\.json is not what its stage declares"):
        Sources.load(str(tmp_path))

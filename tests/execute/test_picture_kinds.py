"""Kinds of files that are not read are told before anything runs, and photographs of them keep nothing from running."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from orchestrator.errors import SpecError
from orchestrator.execute.command import RunRequest, planned
from orchestrator.execute.picture_kinds import kinds_of_pictures, photographs_left_out
from orchestrator.execute.report_content import report_content
from orchestrator.execute.run_results import recorded_results
from orchestrator.spec.dataset import LayersDataset, PairsDataset, PhotosDataset
from orchestrator.store.reference import run_reference
from orchestrator.store.store import Store
from tests.execute.small_run import SPEC, keep

HEIC = Path(__file__).parents[1] / "photos" / "heif" / "plain.heic"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "holiday"
    place.mkdir()
    Image.new("RGB", (20, 10)).save(place / "one.png")
    shutil.copy(HEIC, place / "two.heic")
    return place


def photos(folder):
    return {"holiday": PhotosDataset(kind="photos", folder=folder)}


def test_photographs_of_kinds_that_are_read_are_nothing_to_speak_of(folder):
    assert list(kinds_of_pictures(photos(folder))) == []


def test_photographs_of_other_kinds_are_named_as_left_out(folder):
    for name in ("a.jxl", "b.CR3"):
        (folder / name).write_bytes(b"raw")
    assert list(kinds_of_pictures(photos(folder))) == ["holiday: left out, of kinds that are not read: a.jxl, b.CR3"]


def test_a_folder_of_nothing_that_can_be_read_is_refused(tmp_path):
    (tmp_path / "a.jxl").write_bytes(b"raw")
    with pytest.raises(
        SpecError, match=r"dataset 'holiday' holds 1 picture of kinds that it does not take \(\.jxl\): a\.jxl"
    ):
        list(kinds_of_pictures(photos(tmp_path)))


@pytest.mark.parametrize("name", [None, "notes.txt"])
def test_a_folder_without_photographs_is_refused(tmp_path, name):
    if name is not None:
        (tmp_path / name).write_text("none")
    with pytest.raises(SpecError, match="dataset 'holiday' has no photograph: no picture in"):
        list(kinds_of_pictures(photos(tmp_path)))


@pytest.mark.parametrize(("name", "what"), [("gone", "is not there"), ("first.yaml", "is a file")])
def test_photographs_that_are_no_folder_are_told_by_what_was_given(tmp_path, name, what):
    spec = tmp_path / "first.yaml"
    spec.write_text(SPEC.format(name="first", epochs=5, seed=3))
    with pytest.raises(SpecError, match=f"the folder of photographs '.*{name}' {what}"):
        planned(RunRequest(spec, tmp_path / "store", (tmp_path / name,)))


def test_layers_and_pairs_take_no_heic(folder):
    with pytest.raises(SpecError, match=r"two\.heic"):
        list(kinds_of_pictures({"own": LayersDataset(kind="layers", folder=folder)}))
    for part in ("blended", "transmission"):
        shutil.copytree(folder, folder.parent / "pairs" / part)
    pairs = PairsDataset(kind="pairs", folder=folder.parent / "pairs")
    with pytest.raises(SpecError, match=r"blended/two\.heic, transmission/two\.heic"):
        list(kinds_of_pictures({"own": pairs}))


def test_a_folder_that_is_not_there_is_left_to_what_says_so_better(tmp_path):
    assert list(kinds_of_pictures(photos(tmp_path / "gone"))) == []


def test_a_run_names_what_it_left_out_and_so_does_its_report(tmp_path, folder):
    spec = tmp_path / "first.yaml"
    spec.write_text(SPEC.format(name="first", epochs=5, seed=3))
    (tmp_path / "released.pth").write_bytes(b"weights")
    store = Store(tmp_path / "store")
    keep(
        RunRequest(spec, store.root, (folder,)),
        store,
        left_out={"name": "broken.heic", "reason": "is damaged: cut off"},
    )
    results = recorded_results(run_reference("first"), store)
    assert list(photographs_left_out(results)) == ["photos: left out: broken.heic is damaged: cut off"]
    shown = {one.name: one for one in report_content(results).datasets}
    assert shown["photos"].warnings == ("left out: broken.heic is damaged: cut off",)
    assert shown["skimage-test"].warnings == ()


def test_plan_says_so_and_plans_everything(tmp_path, folder):
    (folder / "a.jxl").write_bytes(b"raw")
    (tmp_path / "released.pth").write_bytes(b"weights")
    spec = tmp_path / "first.yaml"
    spec.write_text(SPEC.format(name="first", epochs=5, seed=3))
    said = []
    comparison = planned(RunRequest(spec, tmp_path / "store", (folder,)), say=said.append, make=True)
    assert said == ["photos: left out, of kinds that are not read: a.jxl"]
    prepare = {stage.name: stage for stage in comparison.plan.stages}["prepare/photos"]
    assert prepare.settings["each_alone"] is True
    assert "infer/errnet2019/photos" in comparison.missing

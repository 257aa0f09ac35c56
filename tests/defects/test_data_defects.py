"""Each defect of the manual comparison that concerns data, by its number: it cannot happen here, or is found."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from netkit.sampling import Sources, free_epoch
from orchestrator.datasets.overlap_stage import OverlapComparison, compare_datasets
from orchestrator.errors import InputInvalid
from orchestrator.execute.data import PrepareRequest, Reporter, add_set, prepare_set
from orchestrator.report.artifacts import read_dataset
from orchestrator.spec.prepared import prepared_folder
from stagekit import BadInput
from tests.datasets.raw import trees
from tests.datasets.raw.conftest import left
from tests.datasets.raw.test_voc import NAMES, crops, published_list


@pytest.fixture(autouse=True)
def data_home(tmp_path, monkeypatch):
    monkeypatch.setenv("SIRR_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def quiet(_done, _total):
    """Hear nothing of the progress."""


def staged(name, folder):
    """Write a prepared set as its stage does, and return the stage's folder."""
    from orchestrator.datasets.description import UniformDescription
    from orchestrator.datasets.preparation import Preparation, prepare_dataset

    index = left(name).index
    folder.mkdir(parents=True)
    prepare_dataset(
        Preparation(name, index["title"], UniformDescription(index["role"]), prepared_folder(name), folder),
        _no_blending,
        quiet,
    )
    return folder


def _no_blending(*_):
    raise AssertionError("prepared sets are not blended")


def test_defect_06_pictures_are_cut_from_the_middle_without_loss_and_keep_their_ids(tmp_path, data_home):
    """The crops were squeezed to a square, compressed again as JPEG, and called 0, 1, 2."""
    root = trees.voc(tmp_path / "raw", NAMES, height=375, width=500)
    path = tmp_path / "list.txt"
    crops(root, (path, published_list(path, "\n".join(f"{name}.png" for name in NAMES))), data_home)
    found = left("voc")
    assert found.ids == NAMES
    for name in NAMES[::4]:
        with Image.open(root / "VOCdevkit/VOC2012/JPEGImages" / f"{name}.jpg") as picture:
            whole = np.asarray(picture.convert("RGB"))
        np.testing.assert_array_equal(found.pixels(name, "transmission"), whole[75:299, 138:362])


@pytest.mark.slow
def test_defect_07_the_published_test_numbers_are_never_among_the_training_pairs(tmp_path):
    """The training read the whole folder of 109 pairs, the 20 test pairs included."""
    root = trees.berkeley(tmp_path / "real", [n for n in range(1, 111) if n != 55], height=16, width=20)
    prepare_set(PrepareRequest("berkeley-real-train", root), Reporter())
    prepare_set(PrepareRequest("berkeley-real-test", root), Reporter())
    train, test = left("berkeley-real-train"), left("berkeley-real-test")
    assert (len(train.ids), len(test.ids)) == (89, 20)
    assert not set(train.ids) & set(test.ids)


@pytest.mark.slow
def test_defect_07_training_on_the_whole_folder_is_found_and_stops(tmp_path):
    root = trees.berkeley(tmp_path / "real", [*trees.TEST_NUMBERS, "1", "2"], height=48, width=60)
    prepare_set(PrepareRequest("berkeley-real-test", root), Reporter())
    add_set(root, "whole-folder", Reporter())
    train, test = staged("whole-folder", tmp_path / "a"), staged("berkeley-real-test", tmp_path / "b")
    with pytest.raises(BadInput, match="20 training pictures are also tested on: whole-folder 3 = "):
        compare_datasets(OverlapComparison({"real": train}, [test], "stop", tmp_path), quiet, print, print)


@pytest.mark.slow
def test_known_leak_of_the_published_split_is_found_training_pair_77_is_test_pair_58(tmp_path):
    """The pack in circulation holds one pair on both sides of the split, under two numbers."""
    root = trees.berkeley(tmp_path / "real", [n for n in range(1, 111) if n != 55], height=48, width=60)
    for folder in ("blended", "transmission_layer"):
        (root / folder / "77.jpg").write_bytes((root / folder / "58.jpg").read_bytes())
    for name in ("berkeley-real-train", "berkeley-real-test"):
        prepare_set(PrepareRequest(name, root), Reporter())
    train, test = staged("berkeley-real-train", tmp_path / "a"), staged("berkeley-real-test", tmp_path / "b")
    with pytest.raises(BadInput) as caught:
        compare_datasets(OverlapComparison({"real": train}, [test], "stop", tmp_path), quiet, print, print)
    assert str(caught.value) == (
        "1 training picture is also tested on: berkeley-real-train 77 = berkeley-real-test 58 "
        "(same pixels; blended = blended, transmission = transmission)"
    )


def test_defect_08_test_pairs_are_the_published_ones_and_not_what_lies_in_the_folder(tmp_path):
    """'real20' was whatever a folder held."""
    root = trees.berkeley(tmp_path / "real20", [*trees.TEST_NUMBERS[:-1], "999"], height=16, width=20)
    with pytest.raises(InputInvalid, match="1 of the 20 published test scenes are not there: 110"):
        prepare_set(PrepareRequest("berkeley-real-test", root / ".." / "real20"), Reporter())


@pytest.mark.slow
def test_defect_09_layers_blended_from_test_pictures_are_found(tmp_path):
    """Both layers of the synthetic pairs came from the folder of real transmissions, test pictures included."""
    root = trees.berkeley(tmp_path / "real", [*trees.TEST_NUMBERS, "1", "2"], height=48, width=60)
    prepare_set(PrepareRequest("berkeley-real-test", root), Reporter())
    add_set(root / "transmission_layer", "layers", Reporter(), layers=True)
    train, test = staged("layers", tmp_path / "a"), staged("berkeley-real-test", tmp_path / "b")
    compare_datasets(
        OverlapComparison({"synthetic": train}, [test], "drop", tmp_path), quiet, lambda _said: None, print
    )
    found = json.loads((tmp_path / "overlap.json").read_text())
    assert set(found["dropped"]["synthetic"]) == set(trees.TEST_NUMBERS)
    assert {layer for overlap in found["overlaps"] for layer in overlap["layers"]} == {
        "transmission = transmission",
        "reflection = transmission",
    }


@pytest.mark.parametrize("layers", [trees.PACK, trees.FULL_PACK], ids=["pairs", "triples"])
def test_defect_11_a_dataset_has_as_many_items_as_scenes(tmp_path, layers):
    """The test set counted its files, so that it had 200 items for 100 pictures."""
    add_set(trees.folders(tmp_path / "office", map(str, range(7)), layers), "office", Reporter())
    assert len(read_dataset(staged("office", tmp_path / "a")).items) == 7


@pytest.mark.slow
def test_defect_13_every_real_pair_is_trained_on(tmp_path):
    """At most the first 50 real pairs, in the order of the disk, were ever seen."""
    names = [str(number) for number in range(1, 90)]
    add_set(trees.folders(tmp_path / "real", names, trees.PACK, height=8, width=9), "real", Reporter())
    add_set(trees.folders(tmp_path / "p", ["a", "b"], trees.PACK), "p", Reporter())
    add_set(tmp_path / "p" / "blended", "layers", Reporter(), layers=True)
    sources = Sources.load(str(staged("layers", tmp_path / "l")), str(staged("real", tmp_path / "r")))
    assert [os.path.basename(blended) for blended, _ in sources.real] == [f"{name}.png" for name in names]
    seen = {sample.blended for epoch in range(40) for sample in free_epoch(sources, 0.5, 0, epoch, 60) if _real(sample)}
    assert len(seen) == 89


def _real(sample):
    return hasattr(sample, "blended")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("sir2-postcard", 198), ("sir2-wild", 101)])
def test_defect_17_the_number_of_scenes_is_the_one_that_was_found(tmp_path, name, count):
    """The text said 199 and 55; the log 198 and 101."""
    root = trees.folders(tmp_path / "set", map(str, range(count)), trees.PACK, height=8, width=9)
    assert prepare_set(PrepareRequest(name, root), Reporter()).text.startswith(f"{count} scenes, ")
    dataset = read_dataset(staged(name, tmp_path / "a"))
    assert len(dataset.items) == count
    assert dataset.variant.startswith(f"{count} scenes, 8 x 9: {'198' if count == 198 else '101'} (")


def test_defect_18_letters_inside_names_are_no_tags(tmp_path):
    """'g.' was looked for anywhere, so that 'dog.png' was a transmission."""
    for seed, scene in enumerate(("dog-big", "m-and-r", "gr")):
        for layer, picture in trees.triple(seed).items():
            trees.write(tmp_path / "Wildscene" / "bring" / f"{scene}-{trees.TAG[layer]}.png", picture)
    prepare_set(PrepareRequest("sir2-wild", tmp_path), Reporter())
    found = left("sir2-wild")
    assert set(found.ids) == {"bring-dog-big", "bring-m-and-r", "bring-gr"}
    np.testing.assert_array_equal(found.pixels("bring-m-and-r", "reflection"), trees.triple(1)["reflection"])


def test_defect_18_equal_scene_names_in_different_folders_overwrite_nothing(tmp_path):
    prepare_set(PrepareRequest("sir2-wild", trees.sir2_wild(tmp_path, {"one": 2, "two": 2})), Reporter())
    found = left("sir2-wild")
    assert len(found.ids) == 4
    assert len({found.item(name)["layers"]["blended"]["pixels"] for name in found.ids}) == 4


def test_defect_18_all_folders_are_read_and_nothing_is_written_among_the_raw_files(tmp_path):
    root = trees.sir2_postcard(tmp_path / "SIR2")
    for file in sorted((root / "Postcard Dataset").rglob("*.png")):
        other = tmp_path / "SIR2" / "Postcard Dataset" / "Thickness (5)" / file.relative_to(file.parents[1])
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_bytes(file.read_bytes())
    before = sorted(root.rglob("*"))
    prepare_set(PrepareRequest("sir2-postcard", root), Reporter())
    assert len(left("sir2-postcard").ids) == 8
    assert sorted(root.rglob("*")) == before


def test_defect_18_a_file_with_the_wrong_end_is_decoded_and_noted_and_not_relabelled(tmp_path):
    root = trees.folders(tmp_path / "wild", ["1"], trees.PACK)
    Image.fromarray(trees.pixels(5)).save(root / "blended" / "1.png", "JPEG")
    prepare_set(PrepareRequest("sir2-wild", root), Reporter())
    found = left("sir2-wild")
    np.testing.assert_array_equal(found.pixels("1", "blended"), np.asarray(Image.open(root / "blended" / "1.png")))
    assert found.item("1")["notes"] == ["blended: a JPEG file that is called .png"]


def test_defect_19_pictures_of_both_layers_and_any_end_are_taken_alike(tmp_path):
    """Only blended pictures that ended in '.jpg' were converted; the truth was scored from JPEG or PNG by chance."""
    ends = [("jpg", "JPG"), ("JPEG", "png"), ("png", "jpeg")]
    for seed, (one, other) in enumerate(ends):
        layers = trees.triple(seed)
        trees.write(tmp_path / "nature" / "testB" / f"{seed}.{one}", layers["blended"])
        trees.write(tmp_path / "nature" / "testA1" / f"{seed}.{other}", layers["transmission"])
    prepare_set(PrepareRequest("nature-test", tmp_path / "nature"), Reporter())
    found = left("nature-test")
    assert found.ids == ["0", "1", "2"]
    for item in found.index["items"]:
        for layer in item["layers"].values():
            assert layer["file"].endswith(".png")
            decoded = np.asarray(Image.open(tmp_path / "nature" / layer["source"]).convert("RGB"))
            np.testing.assert_array_equal(np.asarray(Image.open(found.folder / layer["file"])), decoded)

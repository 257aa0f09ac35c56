"""VOC2012: the published list decides, and pictures are cut from the middle at their own scale."""

import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from orchestrator.datasets.raw.encode import UnusableScene, centre_crop
from orchestrator.datasets.raw.layout_voc import read_names, read_voc
from orchestrator.datasets.raw.raw_preparation import PreparationOrder, prepare_raw
from orchestrator.datasets.raw.recognise import recognise
from orchestrator.datasets.raw.tree import raw_tree
from orchestrator.errors import InputInvalid
from orchestrator.spec.published import NamesList
from tests.datasets.raw import trees
from tests.datasets.raw.conftest import left

NAMES = [f"20{7 + seed % 5:02}_{seed:06}" for seed in range(11)]


def published_list(path, text):
    """Write a list and return what would be published of it."""
    path.write_bytes(text.encode())
    digest = hashlib.sha256(text.encode()).hexdigest()
    names = {line.rsplit("/", 1)[-1].partition(".")[0] for line in text.split()}
    return NamesList(
        name=path.name,
        origin="somebody",
        sha256_begins=digest[:8],
        sha256_ends=digest[-6:],
        count=len(names),
        years=dict(Counter(name[:4] for name in names)),
    )


@pytest.fixture
def names_file(tmp_path):
    path = tmp_path / "list.txt"
    return path, published_list(path, "".join(f"{name}.png\n" for name in NAMES))


@pytest.mark.parametrize("before", ["", "mnt/data/"], ids=["errnet", "ceilnet"])
def test_list_is_read_with_or_without_folders(tmp_path, before):
    path = tmp_path / "list.txt"
    known = published_list(path, "".join(f"{before}{name}.png\n" for name in NAMES))
    assert list(read_names(path, (known,)).names) == NAMES


def test_list_with_other_line_ends_is_the_same_list(names_file):
    path, known = names_file
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert list(read_names(path, (known,)).names) == NAMES


def test_catalogue_knows_the_published_lists():
    known = trees.published("voc2012").names_list
    assert {names.count for names in known} == {15287}
    assert all(sum(names.years.values()) == names.count for names in known)
    assert {(names.sha256_begins, names.sha256_ends) for names in known} == {
        ("66b9bbc0", "f854fe"),
        ("6e1f8e6a", "bd86e8"),
    }


def test_another_list_is_refused_with_its_checksum_and_count(prepared, tmp_path):
    trees.voc(tmp_path / "voc", NAMES[:2], height=240, width=230)
    path = tmp_path / "VOC2012_224_train_png.txt"
    path.write_text("".join(f"{name}.png\n" for name in NAMES))
    with pytest.raises(InputInvalid, match=r"none of the published lists: .* it names 11 different pictures"):
        prepared("voc2012", tmp_path / "voc", names_list=path)


def test_absent_list_is_named_with_where_it_comes_from(prepared, tmp_path):
    trees.voc(tmp_path / "voc", NAMES[:1], height=240, width=230)
    with pytest.raises(InputInvalid, match=r"VOC2012_224_train_png\.txt of Vandermode/ERRNet"):
        prepared("voc2012", tmp_path / "voc")


def crops(root, names_file, home, **wishes):
    """Prepare VOC's crops with a list of the test's own."""
    path, known = names_file
    layouts = trees.published("voc2012").layouts
    found = recognise(raw_tree(root), layouts, names=read_names(path, (known,)))
    order = PreparationOrder("voc", "VOC", "", "layers", home / "prepared" / "voc", **wishes)
    return prepare_raw(order, root, found, lambda _done, _total: None)


def test_crops_are_the_middle_of_the_decoded_pictures_at_their_own_scale(names_file, tmp_path, data_home):
    root = trees.voc(tmp_path / "raw", [*NAMES, "2008_999999"], height=241, width=310)
    crops(root, names_file, data_home)
    found = left("voc")
    assert found.ids == NAMES
    for name in NAMES[::5]:
        with Image.open(root / "VOCdevkit" / "VOC2012" / "JPEGImages" / f"{name}.jpg") as picture:
            whole = np.asarray(picture.convert("RGB"))
        np.testing.assert_array_equal(found.pixels(name, "transmission"), whole[8:232, 43:267])


def test_every_crop_serves_as_either_layer_and_lies_there_once(names_file, tmp_path, data_home):
    crops(trees.voc(tmp_path / "raw", NAMES, height=230, width=250), names_file, data_home)
    for item in left("voc").index["items"]:
        assert item["layers"]["transmission"] == item["layers"]["reflection"]
    assert len(list((data_home / "prepared" / "voc" / "layers").iterdir())) == len(NAMES)


@pytest.mark.parametrize("workers", [1, 3])
def test_number_of_workers_changes_nothing(names_file, tmp_path, data_home, workers):
    root = trees.voc(tmp_path / "raw", NAMES, height=230, width=250)
    crops(root, names_file, data_home, workers=workers)
    first = left("voc").index
    crops(root, names_file, data_home)
    assert left("voc").index == first


def test_listed_picture_that_is_not_there_is_named(names_file, tmp_path):
    path, known = names_file
    tree = raw_tree(trees.voc(tmp_path / "raw", NAMES[2:], height=230, width=250))
    (layout,) = trees.published("voc2012").layouts
    (reading,) = read_voc(tree, layout, read_names(path, (known,)))
    assert reading.missing == (f"2 of the 11 listed pictures: {NAMES[0]}, {NAMES[1]}",)


def test_picture_smaller_than_the_crop_is_refused():
    with pytest.raises(UnusableScene, match=r"x\.jpg has 223 x 500 pixels: too small"):
        centre_crop(np.zeros((223, 500, 3), np.uint8), 224, "x.jpg")


@given(st.integers(5, 40), st.integers(5, 40), st.integers(1, 5))
def test_crop_leaves_equal_rests_on_both_sides(height, width, side):
    rows, columns = np.mgrid[:height, :width]
    crop = centre_crop(np.stack([rows, columns, rows], -1).astype(np.uint8), side, "x")
    assert crop.shape == (side, side, 3)
    for first, last, length in ((crop[0, 0, 0], crop[-1, 0, 0], height), (crop[0, 0, 1], crop[0, -1, 1], width)):
        assert 0 <= (length - 1 - int(last)) - int(first) <= 1

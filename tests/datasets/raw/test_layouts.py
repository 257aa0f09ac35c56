"""Every raw layout and variant becomes the same uniform dataset, and the form is named."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orchestrator.errors import InputInvalid
from orchestrator.execute.data import Reporter, add_set
from tests.conftest import OPTIONAL
from tests.datasets.raw import trees
from tests.datasets.raw.conftest import left

TABLE2 = Path(__file__).parents[4] / "shared" / "ceilnet_table2"

SLOW = pytest.mark.slow


def decoded(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_ceilnet_is_told_by_the_ends_of_the_stems(prepared, tmp_path):
    found = prepared("ceilnet-table2", trees.ceilnet(tmp_path / "CEILNet", 3))
    assert found.ids == ["2009_000000", "2009_000001", "2009_000002"]
    for layer, picture in trees.triple(1, height=32, width=32).items():
        np.testing.assert_array_equal(found.pixels("2009_000001", layer), picture)
    assert found.text == "3 scenes, 32 x 32: a form that the catalogue does not know"


@pytest.mark.slow
def test_published_table2_prepares_as_published_and_has_nothing_odd(prepared):
    from orchestrator.execute.data import check_set

    if not TABLE2.is_dir():
        pytest.skip(f"{OPTIONAL}no CEILNet table 2 in {TABLE2}")
    found = prepared("ceilnet-table2", TABLE2)
    assert found.text == "100 scenes, 224 x 224: as published (fqnchina/CEILNet at 80e4695)"
    assert {finding.severity for finding in check_set("ceilnet-table2", lambda _done, _total: None)} == {"ok"}
    for item in found.index["items"][::7]:
        for layer, entry in item["layers"].items():
            np.testing.assert_array_equal(found.pixels(item["id"], layer), decoded(TABLE2 / entry["source"]))


@pytest.mark.parametrize(
    ("root", "numbers", "expected"),
    [
        pytest.param("download", range(1, 110), 109 - 19, id="numbers-to-109"),
        pytest.param("download", [n for n in range(1, 111) if n != 55], 89, id="109-of-110"),
        pytest.param("real89", trees.TRAIN_NUMBERS, 89, id="real89"),
    ],
)
def test_berkeley_training_pairs_are_all_but_the_published_test_numbers(prepared, tmp_path, root, numbers, expected):
    found = prepared("berkeley-real-train", trees.berkeley(tmp_path / root, numbers, height=16, width=20))
    assert len(found.ids) == expected
    assert not set(found.ids) & set(trees.TEST_NUMBERS)
    assert ("the 109 published pairs" in found.text) == (expected == 89)


@pytest.mark.parametrize(
    ("root", "numbers", "size", "form"),
    [
        pytest.param("all", [n for n in range(1, 111) if n != 55], (33, 47), "the 20 published numbers", id="of-109"),
        pytest.param("real20", trees.TEST_NUMBERS, (512, 640), "a short edge of 512", id="512", marks=SLOW),
        pytest.param("real20_420", trees.TEST_NUMBERS, (420, 500), "420 x 500: real20_420", id="short", marks=SLOW),
        pytest.param("real20_420", trees.TEST_NUMBERS, (300, 420), "300 x 420: real20_420", id="long", marks=SLOW),
    ],
)
def test_berkeley_test_pairs_are_the_published_numbers_in_any_size(prepared, tmp_path, root, numbers, size, form):
    sizes = {"height": size[0], "width": size[1]}
    found = prepared("berkeley-real-test", trees.berkeley(tmp_path / root, numbers, **sizes))
    assert found.ids == trees.TEST_NUMBERS
    assert form in found.text


def test_folder_of_exactly_the_test_pairs_may_have_other_names(prepared, tmp_path):
    found = prepared("berkeley-real-test", trees.berkeley(tmp_path / "real20", range(20), height=16, width=20))
    assert len(found.ids) == 20
    assert any("not the published numbers" in warning for warning in found.index["warnings"])


def test_absent_test_numbers_are_named(prepared, tmp_path):
    numbers = [number for number in trees.TEST_NUMBERS if number not in {"58", "110"}]
    with pytest.raises(InputInvalid, match="2 of the 20 published test scenes are not there: 58, 110"):
        prepared("berkeley-real-test", trees.berkeley(tmp_path / "part", numbers, height=16, width=20))


def test_sir2_objects_are_named_by_all_their_folders(prepared, tmp_path):
    found = prepared("sir2-objects", trees.sir2_objects(tmp_path / "SIR2"))
    assert len(found.ids) == 6
    assert found.ids[0] == "0-Focus-0-0-Focus-0"
    np.testing.assert_array_equal(found.pixels("1-Focus-2-1-Focus-2", "reflection"), trees.triple(12)["reflection"])


@pytest.mark.parametrize("own_numbers", [False, True], ids=["one-number", "a-number-for-each-layer"])
def test_sir2_postcards_are_matched_wherever_the_tag_stands(prepared, tmp_path, own_numbers):
    found = prepared("sir2-postcard", trees.sir2_postcard(tmp_path / "SIR2", own_numbers=own_numbers))
    assert len(found.ids) == 4
    name = next(name for name in found.ids if "ab-10" in name)
    for layer, picture in trees.triple(10).items():
        np.testing.assert_array_equal(found.pixels(name, layer), picture)


@pytest.mark.parametrize(
    ("count", "form"),
    [
        (55, "with ground truth (IBCLN#1)"),
        (52, "52 ("),
        (101, "101 ("),
        (109, "109 ("),
        (54, "a form that"),
    ],
)
def test_every_variant_of_sir2_wild_is_named_by_its_number_of_scenes(prepared, tmp_path, count, form):
    root = trees.folders(tmp_path / "wild", map(str, range(count)), trees.PACK, height=12, width=16)
    found = prepared("sir2-wild", root)
    assert len(found.ids) == count
    assert found.text.startswith(f"{count} scenes, 12 x 16: {form}")


@pytest.mark.slow
@pytest.mark.parametrize("count", [179, 198, 199, 200])
def test_every_variant_of_sir2_postcard_is_named_by_its_number_of_scenes(prepared, tmp_path, count):
    root = trees.folders(tmp_path / "postcard", map(str, range(count)), trees.PACK, height=8, width=9)
    assert "does not know" not in prepared("sir2-postcard", root).text


def test_equal_scene_names_in_different_groups_stay_apart(prepared, tmp_path):
    found = prepared("sir2-wild", trees.sir2_wild(tmp_path / "SIR2", {"first": 3, "second": 2}))
    assert found.ids == ["first-0", "first-1", "first-2", "second-0", "second-1"]
    np.testing.assert_array_equal(found.pixels("second-1", "blended"), trees.triple(101)["blended"])


@pytest.mark.slow
def test_one_set_of_a_pack_of_many_is_found_by_its_folder(prepared, tmp_path):
    for folder, count in (("postcard", 3), ("wild", 2), ("objects", 4), ("nature20", 5)):
        trees.folders(tmp_path / "pack" / folder, map(str, range(count)), trees.PACK, height=8, width=9)
    for name, count in (("sir2-postcard", 3), ("sir2-wild", 2), ("sir2-objects", 4), ("nature-test", 5)):
        assert len(prepared(name, tmp_path / "pack").ids) == count


def test_several_folders_that_fit_are_named(prepared, tmp_path):
    for folder in ("a", "b"):
        trees.folders(tmp_path / "pack" / folder, "12", trees.PACK, height=8, width=9)
    with pytest.raises(InputInvalid, match="2 folders fit: 'a', 'b'"):
        prepared("sir2-wild", tmp_path / "pack")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        pytest.param("nature-train", {"blended": "natural_I", "transmission": "natural_T"}, id="train"),
        pytest.param("nature-test", {"blended": "testB", "transmission": "testA1"}, id="test"),
        pytest.param("nature-test", trees.FULL_PACK, id="pack"),
    ],
)
def test_nature_is_found_in_its_authors_folders_and_in_packs(prepared, tmp_path, name, parts):
    trees.folders(tmp_path / "nature", ["a", "b"], parts)
    found = prepared(name, tmp_path / "nature")
    np.testing.assert_array_equal(found.pixels("b", "blended"), trees.triple(1)["blended"])
    np.testing.assert_array_equal(found.pixels("b", "transmission"), trees.triple(1)["transmission"])


def test_png_and_jpg_may_be_mixed_and_jpg_is_kept_as_it_decodes(prepared, tmp_path):
    root = tmp_path / "nature"
    for seed, (one, other) in enumerate([("png", "jpg"), ("JPG", "png"), ("jpeg", "jpg")]):
        layers = trees.triple(seed)
        trees.write(root / "testB" / f"{seed}.{one}", layers["blended"])
        trees.write(root / "testA1" / f"{seed}.{other}", layers["transmission"])
    found = prepared("nature-test", root)
    assert found.ids == ["0", "1", "2"]
    np.testing.assert_array_equal(found.pixels("1", "blended"), decoded(root / "testB" / "1.JPG"))
    np.testing.assert_array_equal(found.pixels("2", "transmission"), decoded(root / "testA1" / "2.jpg"))


def test_stems_that_differ_by_the_tag_alone_belong_together(prepared, tmp_path):
    for seed, scene in enumerate(("1", "22")):
        layers = trees.triple(seed)
        trees.write(tmp_path / "wild" / "blended" / f"{scene}-m.png", layers["blended"])
        trees.write(tmp_path / "wild" / "transmission_layer" / f"{scene}-g.jpg", layers["transmission"])
    assert prepared("sir2-wild", tmp_path / "wild").ids == ["1", "22"]


def test_names_in_other_scripts_and_with_spaces_are_kept_apart_and_traced(prepared, tmp_path):
    names = ["прибор", "玻璃 1", "玻璃 2", "é tude", "it's a #1"]
    found = prepared("sir2-wild", trees.folders(tmp_path / "wild", names, trees.PACK))
    assert len(set(found.ids)) == len(names)
    assert set(found.ids) == {"прибор", "玻璃-1", "玻璃-2", "é-tude", "it-s-a-1"}
    assert {item["origin"] for item in found.index["items"]} == {f"blended/{name}.png" for name in names}


def test_decomposed_and_composed_names_are_one_scene(prepared, tmp_path):
    layers = trees.triple(0)
    trees.write(tmp_path / "wild" / "blended" / "caf\u00e9.png", layers["blended"])
    trees.write(tmp_path / "wild" / "transmission_layer" / "cafe\u0301.png", layers["transmission"])
    assert len(prepared("sir2-wild", tmp_path / "wild").ids) == 1


def test_two_forms_of_a_set_can_lie_side_by_side(prepared, tmp_path):
    small = trees.folders(tmp_path / "a" / "wild", map(str, range(2)), trees.PACK)
    large = trees.folders(tmp_path / "b" / "wild", map(str, range(3)), trees.PACK)
    assert len(prepared("sir2-wild", small).ids) == 2
    assert len(prepared("sir2-wild", large, called="sir2-wild-3").ids) == 3
    assert len(left("sir2-wild").ids) == 2
    assert left("sir2-wild-3").index["catalogue"] == "sir2-wild"


def test_index_holds_what_others_need_to_compare(prepared, tmp_path):
    root = trees.folders(tmp_path / "wild", ["7"], trees.FULL_PACK, height=21, width=30)
    found = prepared("sir2-wild", root)
    layer = found.item("7")["layers"]["transmission"]
    assert (found.item("7")["height"], found.item("7")["width"]) == (21, 30)
    assert layer["source"] == "transmission_layer/7.png"
    assert layer["sha256"] == hashlib.sha256((found.folder / layer["file"]).read_bytes()).hexdigest()
    assert layer["source_sha256"] == hashlib.sha256((root / layer["source"]).read_bytes()).hexdigest()


def test_index_is_the_same_wherever_the_files_lie(prepared, tmp_path):
    first = prepared("sir2-wild", trees.folders(tmp_path / "a" / "wild", "123", trees.PACK)).index
    second = prepared("sir2-wild", trees.folders(tmp_path / "b" / "wild", "123", trees.PACK), replace=True).index
    assert first == second


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"blended": "input", "transmission": "gt"}, id="input-gt"),
        pytest.param({"blended": "Blended", "transmission": "Transmission", "reflection": "Reflection"}, id="capitals"),
    ],
)
def test_own_pairs_are_added_under_usual_names(data_home, tmp_path, parts):
    add_set(trees.folders(tmp_path / "office", ["x", "y"], parts), "office", Reporter(), title="Our office")
    found = left("office")
    assert found.ids == ["x", "y"]
    assert found.index["title"] == "Our office"
    assert set(found.item("x")["layers"]) == set(parts)


def test_own_photographs_are_added_as_layers(data_home, tmp_path):
    for seed, name in enumerate(("a/1.png", "a/2.jpg", "b/1.png")):
        trees.write(tmp_path / "photos" / name, trees.pixels(seed))
    add_set(tmp_path / "photos", "photos", Reporter(), layers=True)
    found = left("photos")
    assert found.index["role"] == "layers"
    assert found.ids == ["a-1", "a-2", "b-1"]
    assert found.item("a-1")["layers"]["transmission"] == found.item("a-1")["layers"]["reflection"]

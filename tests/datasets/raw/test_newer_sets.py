"""Sets of newer papers: in the folders that programs read them from, and refused in words where none are known."""

import numpy as np
import pytest

from orchestrator.errors import InputInvalid
from tests.datasets.raw import trees


@pytest.mark.parametrize(
    ("name", "folder", "parts"),
    [
        pytest.param("openrr-1k-val", "val_100/val_100", trees.PACK, id="openrr-1k"),
        pytest.param("openrr-5k-train", "trian_5k/trian_5k", trees.PACK, id="openrr-5k-misspelt"),
        pytest.param("openrr-5k-val", "val_300", trees.PACK, id="openrr-5k"),
        pytest.param("cdr", "CDR", {"blended": "M", "transmission": "T", "reflection": "R"}, id="cdr"),
        pytest.param("uhdrr4k-test", "4k/test", {**trees.PACK, "reflection": "reflection_mask_layer"}, id="uhdrr4k"),
    ],
)
def test_a_folder_for_each_layer(prepared, tmp_path, name, folder, parts):
    trees.folders(tmp_path / "raw" / folder, ["val_0001", "val_0034"], parts)
    found = prepared(name, tmp_path / "raw")
    assert found.ids == ["val_0001", "val_0034"]
    for layer in parts:
        np.testing.assert_array_equal(found.pixels("val_0034", layer), trees.triple(1)[layer])


def test_one_part_of_openrr_beside_the_others_is_found_by_its_folder(prepared, tmp_path):
    for part, count in (("train_800", 4), ("val_100", 3), ("test_100", 2)):
        names = [f"{part.partition('_')[0]}_{number:04}" for number in range(count)]
        trees.folders(tmp_path / part / part, names, trees.PACK, height=8, width=9)
    for name, count in (("openrr-1k-train", 4), ("openrr-1k-val", 3), ("openrr-1k-test", 2)):
        assert len(prepared(name, tmp_path).ids) == count


def test_8k_pictures_cut_into_parts_are_taken_before_the_whole_ones(prepared, tmp_path):
    parts = {**trees.PACK, "reflection": "reflection_mask_layer"}
    trees.folders(tmp_path / "test", "1", parts, height=8, width=12)
    trees.folders(tmp_path / "test" / "cropped", ["1_0", "1_1", "1_2", "1_3"], parts, height=8, width=12)
    assert prepared("uhdrr8k-test", tmp_path).ids == ["1_0", "1_1", "1_2", "1_3"]


def test_every_frame_of_rrw_has_the_truth_of_its_video(prepared, tmp_path):
    trees.rrw(tmp_path / "RRW", {"ref_hf3": {"wild_out1": 3, "wild_out2": 2}, "refD_vivo1": {"wild_out1": 1}})
    found = prepared("rrw", tmp_path / "RRW")
    origins = [item["origin"] for item in found.index["items"]]
    assert sorted(origins) == [
        "refD_vivo1/wild_out1/frame_0.jpg",
        "ref_hf3/wild_out1/frame_0.jpg",
        "ref_hf3/wild_out1/frame_1.jpg",
        "ref_hf3/wild_out1/frame_2.jpg",
        "ref_hf3/wild_out2/frame_0.jpg",
        "ref_hf3/wild_out2/frame_1.jpg",
    ]
    truths = [found.pixels(identifier, "transmission") for identifier in found.ids]
    by_origin = dict(zip(origins, truths, strict=True))
    for origin, seed in (
        ("ref_hf3/wild_out1/frame_2.jpg", 0),
        ("ref_hf3/wild_out2/frame_1.jpg", 100),
        ("refD_vivo1/wild_out1/frame_0.jpg", 1000),
    ):
        np.testing.assert_array_equal(by_origin[origin], trees.pixels(seed))


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        pytest.param("ref_hf3/GT_hf3/b_GT.png", "frame_0.jpg has no transmission", id="truth"),
        pytest.param("ref_hf3/b/frame_0.jpg", "ref_hf3/GT_hf3/b_GT.png is the truth of no frame", id="frames"),
    ],
)
def test_videos_that_are_not_whole_are_named(prepared, tmp_path, lost, said):
    trees.rrw(tmp_path / "RRW", {"ref_hf3": {"a": 2, "b": 1}})
    (tmp_path / "RRW" / lost).unlink()
    with pytest.raises(InputInvalid, match=said):
        prepared("rrw", tmp_path / "RRW")


def test_frames_without_any_truth_are_not_of_this_layout(prepared, tmp_path):
    trees.write(tmp_path / "RRW" / "ref_hf3" / "a" / "frame_0.jpg", trees.pixels(1))
    with pytest.raises(InputInvalid, match="misses truths called GROUP/GT_NAME/VIDEO_GT"):
        prepared("rrw", tmp_path / "RRW")


def test_set_whose_folders_could_not_be_learnt_says_what_to_do(prepared, tmp_path):
    trees.folders(tmp_path / "raw", "12", trees.PACK)
    with pytest.raises(InputInvalid, match="could not be learnt") as caught:
        prepared("sir2-plus", tmp_path / "raw")
    assert "sirr-orch data add FOLDER --name NAME" in caught.value.hint

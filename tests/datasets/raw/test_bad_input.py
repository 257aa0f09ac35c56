"""Raw folders that cannot be used: what is wrong is named, with every file, and nothing is left behind."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from orchestrator.errors import InputInvalid
from orchestrator.spec.prepared import prepared_folder
from tests.datasets.raw import trees

NAME = "sir2-wild"


@pytest.fixture
def pack(tmp_path):
    """A good pack of three pairs; tests spoil it."""
    return trees.folders(tmp_path / "wild", ["1", "2", "3"], trees.PACK)


def refused(prepared, source, *words, name=NAME, **wishes):
    with pytest.raises(InputInvalid) as caught:
        prepared(name, source, **wishes)
    for word in words:
        assert word in caught.value.message, caught.value.message
    assert caught.value.hint
    left = prepared_folder(name).parent
    assert not left.exists() or not list(left.iterdir()), "something was left behind"


def test_folder_of_no_known_layout_names_the_nearest_and_what_is_missing(prepared, pack):
    (pack / "transmission_layer").rename(pack / "clean")
    words = (
        "nearest is folders blended or input",
        "misses a folder 'transmission_layer' or 'transmission' in '.'",
    )
    refused(prepared, pack, *words)


def test_test_pictures_in_place_of_the_training_pictures_are_told(prepared, tmp_path):
    source = trees.berkeley(tmp_path / "raw", trees.TEST_NUMBERS[:3])
    refused(prepared, source, "all 3 scenes", "belong to the test set", name="berkeley-real-train")


def test_folder_without_any_part_of_a_layout_names_what_it_holds(prepared, tmp_path):
    trees.write(tmp_path / "holiday" / "beach.jpg", trees.pixels(1))
    refused(prepared, tmp_path / "holiday", "none of the known layouts", "it holds beach.jpg")


@pytest.mark.parametrize("kind", ["absent", "empty", "no-pictures", "a-file"])
def test_what_holds_no_pictures_is_refused(prepared, tmp_path, kind):
    source = tmp_path / "source"
    if kind == "a-file":
        source.write_text("text")
    elif kind != "absent":
        source.mkdir()
        if kind == "no-pictures":
            (source / "readme.txt").write_text("text")
    said = {"absent": "there is no folder", "a-file": "neither a folder nor an archive"}.get(kind, "holds no pictures")
    refused(prepared, source, said)


def test_every_pair_of_which_one_side_is_missing_is_named(prepared, pack):
    (pack / "blended" / "1.png").unlink()
    (pack / "transmission_layer" / "3.png").unlink()
    refused(
        prepared,
        pack,
        "2 problems",
        "transmission_layer/1.png has no blended",
        "blended/3.png has no transmission",
    )


def test_reflection_that_some_scenes_lack_is_named(prepared, pack):
    trees.write(pack / "reflection" / "2.png", trees.pixels(9))
    refused(prepared, pack, "blended/1.png has no reflection", "blended/3.png has no reflection")


@pytest.mark.parametrize("other", ["2.jpg", "2.PNG", "2.bmp"])
def test_two_files_for_one_scene_are_both_named(prepared, pack, other):
    trees.write(pack / "blended" / other, trees.pixels(1))
    both = sorted(["blended/2.png", f"blended/{other}"])
    refused(prepared, pack, f"{both[0]} and {both[1]} are both blended of '2'")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:200]), "is damaged", id="cut-off"),
        pytest.param(lambda path: path.write_bytes(b""), "is no picture of a known kind", id="empty"),
        pytest.param(lambda path: path.write_text("<html>"), "is no picture of a known kind", id="a-page"),
        pytest.param(lambda path: Image.new("RGB", (40, 52)).save(path), "sizes differ", id="another-size"),
        pytest.param(
            lambda path: Image.fromarray(np.full((40, 52), 40000, np.uint16)).save(path),
            "more than 8 bits",
            id="16-bit",
        ),
        pytest.param(lambda path: Image.new("RGBA", (52, 40), (9, 9, 9, 80)).save(path), "transparent", id="alpha"),
    ],
)
def test_picture_that_would_have_to_be_changed_or_guessed_is_refused(prepared, pack, spoil, said):
    spoil(pack / "blended" / "2.png")
    refused(prepared, pack, "1 of 3 scenes cannot be prepared", said)


@pytest.mark.parametrize(
    ("save", "note"),
    [
        pytest.param(lambda path: Image.new("L", (52, 40), 90).save(path), "grey, repeated", id="grey"),
        pytest.param(lambda path: Image.new("RGBA", (52, 40), (9, 8, 7, 255)).save(path), "alpha", id="opaque-alpha"),
        pytest.param(lambda path: Image.new("RGB", (52, 40)).quantize(2).save(path), "palette", id="palette"),
        pytest.param(
            lambda path: Image.new("RGB", (52, 40)).save(path, "JPEG"),
            "a JPEG file that is called .png",
            id="wrong-end",
        ),
    ],
)
def test_picture_of_another_kind_with_the_same_colours_is_taken_and_noted(prepared, pack, save, note):
    save(pack / "blended" / "2.png")
    found = prepared(NAME, pack)
    assert any(note in found_note for found_note in found.item("2")["notes"])
    assert any(note in warning for warning in found.index["warnings"])


def test_orientation_and_colour_profile_of_a_test_picture_change_no_pixel(prepared, pack):
    picture = Image.open(pack / "blended" / "1.png")
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(pack / "blended" / "1.jpg", quality=95, exif=exif)
    (pack / "blended" / "1.png").unlink()
    found = prepared(NAME, pack)
    stored = np.asarray(Image.open(pack / "blended" / "1.jpg"))
    np.testing.assert_array_equal(found.pixels("1", "blended"), stored)
    assert any("orientation 6 not followed" in note for note in found.item("1")["notes"])


def test_links_to_files_count_as_files_and_broken_ones_are_named(prepared, pack, tmp_path):
    elsewhere = tmp_path / "elsewhere.png"
    shutil.move(pack / "blended" / "2.png", elsewhere)
    (pack / "blended" / "2.png").symlink_to(elsewhere)
    np.testing.assert_array_equal(prepared(NAME, pack).pixels("2", "blended"), trees.triple(1)["blended"])
    shutil.rmtree(prepared_folder(NAME))
    elsewhere.unlink()
    refused(prepared, pack, "blended/2.png is a link that leads nowhere")


def test_link_to_a_folder_above_is_not_followed(prepared, pack):
    (pack / "blended" / "again").symlink_to(pack)
    assert prepared(NAME, pack).ids == ["1", "2", "3"]


def test_hidden_and_foreign_files_are_no_scenes(prepared, pack):
    for name in (".DS_Store", "._1.png", "Thumbs.db", "readme.txt"):
        (pack / "blended" / name).write_bytes(b"no picture")
    trees.write(pack / "__MACOSX" / "blended" / "9.png", trees.pixels(1))
    assert prepared(NAME, pack).ids == ["1", "2", "3"]


def test_failed_preparation_leaves_the_earlier_one_as_it_was(prepared, pack):
    before = prepared(NAME, pack).index
    (pack / "blended" / "2.png").write_bytes(b"")
    with pytest.raises(InputInvalid):
        prepared(NAME, pack, replace=True)
    folder = prepared_folder(NAME)
    assert (folder / before["items"][1]["layers"]["blended"]["file"]).is_file()
    assert os.listdir(folder.parent) == [NAME]


def test_raw_files_that_were_never_fetched_name_the_command(prepared):
    refused(prepared, None, "there are no raw files of sir2-wild")


def test_stray_pictures_beside_the_scenes_are_passed_over_and_told(prepared, tmp_path):
    root = trees.sir2_wild(tmp_path / "SIR2", {"first": 2})
    trees.write(root / "Wildscene" / "overview.png", trees.pixels(3))
    found = prepared(NAME, root)
    assert len(found.ids) == 2
    assert any("overview.png" in warning for warning in found.index["warnings"])

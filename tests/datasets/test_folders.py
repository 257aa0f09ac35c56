"""Folders of photos, layers and pairs: what is prepared, and every way in which they can be unusable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.datasets.description import dataset_description
from orchestrator.report.artifacts import read_dataset
from stagekit import BadInput
from tests.datasets.conftest import Prepare, gradient, save


def test_photos_are_prepared_with_their_names(prepare: Prepare, source: Path) -> None:
    save(source / "IMG 1.png", gradient())
    save(source / "b.bmp", gradient(9, 8))
    prepared = prepare("photos")
    assert {key: prepared.document[key] for key in ("name", "title", "role", "warnings")} == {
        "name": "postcard",
        "title": "Postcards",
        "role": "photos",
        "warnings": [],
    }
    first, second = prepared.items
    assert first == {
        "id": "IMG-1",
        "blended": "blended/IMG-1.png",
        "height": 12,
        "width": 17,
        "origin": "IMG 1.png",
        "notes": [],
        "bits": 8,
        "kind": "png",
    }
    assert (second["id"], second["origin"], second["height"], second["width"]) == ("b", "b.bmp", 9, 8)
    assert np.array_equal(prepared.pixels(first["blended"]), gradient())


def test_photos_in_folders_keep_their_path_as_origin(prepare: Prepare, source: Path) -> None:
    save(source / "x" / "1.png", gradient())
    save(source / "y" / "1.png", gradient())
    items = prepare("photos", pictures="*/{id}.png").items
    assert [(item["id"], item["origin"]) for item in items] == [("1", "x/1.png"), ("1-2", "y/1.png")]


@pytest.mark.parametrize("name", ["<b>&'\"", "two\nlines", "窗户", "%2e%2e", "-rf", "a" * 200, "$(id)", "{id}"])
def test_hostile_names_are_prepared_and_kept_as_origin(prepare: Prepare, source: Path, name: str) -> None:
    save(source / f"{name}.png", gradient())
    prepared = prepare("photos")
    assert [item["origin"] for item in prepared.items] == [f"{name}.png"]
    assert read_dataset(prepared.folder).items[0].blended is not None


def test_names_that_are_no_utf8_are_prepared(prepare: Prepare, source: Path) -> None:
    content = save(source / "a.png", gradient()).read_bytes()
    (source / "a.png").unlink()
    with open(os.fsencode(source) + b"/\xff.png", "wb") as stream:
        stream.write(content)
    prepared = prepare("photos")
    assert [item["origin"] for item in prepared.items] == ["\ufffd.png"]
    assert len(read_dataset(prepared.folder).items) == 1


def test_conversions_are_noted_per_item(prepare: Prepare, source: Path) -> None:
    save(source / "colour.png", gradient())
    save(source / "grey.png", gradient()[..., 0])
    notes = {item["id"]: item["notes"] for item in prepare("photos").items}
    assert notes == {"colour": [], "grey": ["grey, repeated in three channels"]}


def test_layers_serve_as_both_by_default(prepare: Prepare, source: Path) -> None:
    save(source / "a.png", gradient())
    (item,) = prepare("layers").items
    assert item["transmission"] == item["reflection"] == "layers/a.png"


def test_layers_with_reflections_of_their_own_serve_as_one(prepare: Prepare, source: Path) -> None:
    for name in ("t1.png", "t2.png", "r1.png"):
        save(source / name, gradient())
    items = prepare("layers", pictures="*.png", reflections="r*.png").items
    parts = [(item["id"], "transmission" in item, "reflection" in item) for item in items]
    assert parts == [("t1", True, False), ("t2", True, False), ("r1", False, True)]


def test_layers_that_are_all_reflections_are_refused(prepare: Prepare, source: Path) -> None:
    save(source / "a.png", gradient())
    with pytest.raises(BadInput, match="is a reflection"):
        prepare("layers", pictures="*.png", reflections="*.png")


def fill_pairs(source: Path, *names: str, parts: tuple[str, ...] = ("blended", "transmission")) -> None:
    for part in parts:
        for name in names:
            save(source / part / f"{name}.png", gradient(shift=len(part)))


def test_pairs_are_joined_by_name(prepare: Prepare, source: Path) -> None:
    fill_pairs(source, "1", "2", parts=("blended", "transmission", "reflection"))
    prepared = prepare("pairs", reflection="reflection/{id}.png")
    assert [item["id"] for item in prepared.items] == ["1", "2"]
    for part in ("blended", "transmission", "reflection"):
        assert np.array_equal(prepared.pixels(prepared.items[0][part]), gradient(shift=len(part)))
    assert read_dataset(prepared.folder).role == "pairs"


def test_pairs_may_lie_in_one_folder_with_different_ends(prepare: Prepare, source: Path) -> None:
    save(source / "7-input.png", gradient())
    save(source / "7-label1.bmp", gradient()[..., 0])
    (item,) = prepare("pairs", blended="{id}-input.*", transmission="{id}-label1.*").items
    assert item["id"] == "7"
    assert item["origin"] == "7-input.png"
    assert item["notes"] == ["transmission: grey, repeated in three channels"]


def test_pairs_without_partner_are_all_named(prepare: Prepare, source: Path) -> None:
    fill_pairs(source, "1", "2", "3")
    (source / "transmission" / "2.png").unlink()
    (source / "blended" / "3.png").unlink()
    with pytest.raises(BadInput) as caught:
        prepare("pairs")
    assert caught.value.message == (
        "2 partners missing: blended/2.png has no transmission (transmission/2.*); "
        "transmission/3.png has no blended (blended/3.*)"
    )
    assert caught.value.hint


def test_two_files_of_one_pair_are_refused(prepare: Prepare, source: Path) -> None:
    fill_pairs(source, "1")
    save(source / "blended" / "1.bmp", gradient())
    with pytest.raises(BadInput, match=r"blended/1\.bmp and blended/1\.png are both blended of '1'"):
        prepare("pairs")


def test_pairs_of_different_sizes_are_refused_with_both_sizes(prepare: Prepare, source: Path) -> None:
    fill_pairs(source, "1", "2")
    save(source / "transmission" / "2.png", gradient(17, 12))
    with pytest.raises(BadInput) as caught:
        prepare("pairs")
    assert "1 pair of different sizes" in caught.value.message
    assert "blended/2.png has 12 x 17, transmission/2.png has 17 x 12" in caught.value.message
    assert "nothing is resized" in str(caught.value.hint)


def test_pairs_need_a_name_in_each_pattern(prepare: Prepare, source: Path) -> None:
    fill_pairs(source, "1")
    with pytest.raises(BadInput, match=r"'transmission/\*' of transmission has no \{id\}"):
        prepare("pairs", transmission="transmission/*")


def test_all_unusable_files_are_named_at_once(prepare: Prepare, source: Path) -> None:
    whole = save(source / "good.png", gradient(90, 80)).read_bytes()
    (source / "cut.png").write_bytes(whole[: len(whole) // 2])
    (source / "empty.jpg").touch()
    (source / "phone.CR3").write_bytes(b"ftypcrx ")
    (source / "gone.png").symlink_to(source / "nowhere")
    with pytest.raises(BadInput) as caught:
        prepare("photos")
    message = caught.value.message
    assert message.startswith("4 files cannot be used: cut.png is damaged: ")
    for reason in (
        "empty.jpg is not a picture of a known kind",
        "phone.CR3 is of a kind that cannot be read (.CR3)",
        "gone.png is a link that leads nowhere",
    ):
        assert reason in message
    assert "good" not in message
    assert str(caught.value.hint).startswith("replace these files")


def test_unusable_files_and_sizes_are_named_together(prepare: Prepare, source: Path) -> None:
    fill_pairs(source, "1", "2")
    save(source / "transmission" / "2.png", gradient(17, 12))
    (source / "blended" / "1.png").write_bytes(b"")
    with pytest.raises(BadInput) as caught:
        prepare("pairs")
    assert "1 file cannot be used" in caught.value.message
    assert "1 pair of different sizes" in caught.value.message


def test_files_that_are_no_pictures_are_passed_over_and_told_apart_from_the_dataset(
    prepare: Prepare, source: Path
) -> None:
    save(source / "a.png", gradient())
    (source / "notes.txt").write_text("read me")
    (source / "LICENSE").write_text("MIT")
    prepared = prepare("photos", pictures="*")
    assert [item["id"] for item in prepared.items] == ["a"]
    assert prepared.done.passed_over == ("2 files passed over, being no pictures: LICENSE, notes.txt",)
    assert prepared.document["warnings"] == []


def test_a_picture_without_an_end_to_its_name_is_taken(prepare: Prepare, source: Path) -> None:
    save(source / "a.png", gradient()).rename(source / "a")
    assert [item["origin"] for item in prepare("photos", pictures="*").items] == ["a"]


@pytest.mark.parametrize("kind", ["photos", "layers", "pairs"])
def test_an_empty_folder_is_refused(prepare: Prepare, kind: str) -> None:
    with pytest.raises(BadInput, match="folder is empty") as caught:
        prepare(kind)
    assert caught.value.hint


def test_a_folder_without_pictures_is_refused(prepare: Prepare, source: Path) -> None:
    for number in range(7):
        (source / f"{number}.txt").write_text("no picture")
    with pytest.raises(BadInput) as caught:
        prepare("photos")
    assert caught.value.message == (
        "none of the files of '*.*' is a picture: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more"
    )


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("*.jpg", "mind capital letters: there is A.JPG"),
        ("*.tif", "change the dataset's pattern, or name another folder"),
    ],
)
def test_a_pattern_that_fits_nothing_is_refused(prepare: Prepare, source: Path, pattern: str, hint: str) -> None:
    save(source / "A.JPG", gradient())
    save(source / "sub" / "b.png", gradient())
    with pytest.raises(BadInput) as caught:
        prepare("photos", pictures=pattern)
    assert f"fits {pattern!r}; the folder holds A.JPG, sub/" in caught.value.message
    assert caught.value.hint == hint


def test_a_missing_folder_is_refused(prepare: Prepare, source: Path) -> None:
    source.rmdir()
    with pytest.raises(BadInput, match="'postcard' has no folder"):
        prepare("photos")


@pytest.mark.parametrize("settings", [{"kind": "video"}, {"kind": "pairs", "blended": "{id}.png"}])
def test_settings_that_are_no_description_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"video|has no transmission, reflection"):
        dataset_description(settings)


def test_progress_is_told_per_picture(prepare: Prepare, source: Path) -> None:
    for number in range(3):
        save(source / f"{number}.png", gradient())
    told: list[tuple[int, int]] = []
    prepare("photos", step=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_what_an_interrupted_preparation_left_is_replaced(prepare: Prepare, source: Path, tmp_path: Path) -> None:
    save(source / "a.png", gradient())
    left = tmp_path / "output" / "blended"
    left.mkdir(parents=True)
    (left / "a.png").write_bytes(b"half of it")
    prepared = prepare("photos")
    assert np.array_equal(prepared.pixels("blended/a.png"), gradient())


NUMBERED = ["planar-1", "planar-2", "planar-08", "planar-16", "planar-16b", "planar-100", "solid-3"]


@pytest.mark.parametrize(
    ("kind", "patterns", "layers"),
    [
        ("photos", {}, [""]),
        ("photos", {"pictures": "*/{id}.png"}, ["x/"]),
        ("layers", {"pictures": "{id}.png"}, [""]),
        ("pairs", {}, ["blended/", "transmission/"]),
        ("pairs", {"blended": "{id}-m.png", "transmission": "**/{id}-g.png"}, ["{}-m", "deep/{}-g"]),
    ],
)
def test_pictures_are_in_the_order_in_which_people_count(
    prepare: Prepare, source: Path, kind: Any, patterns: dict[str, str], layers: list[str]
) -> None:
    for shift, name in enumerate(reversed(NUMBERED)):
        for layer in layers:
            path = layer.format(name) if "{}" in layer else f"{layer}{name}"
            save(source / f"{path}.png", gradient(shift=shift * 9 + (layer != layers[0]) * 4))
    assert [item["id"] for item in prepare(kind, **patterns).items] == NUMBERED

"""Folders of photographs: what the prepared pictures hold, beside what the other kinds of folders have in common."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from orchestrator.datasets.description import PhotosDescription, dataset_description
from orchestrator.datasets.preparation import Preparation
from orchestrator.photos.photo import ReadingLimits
from orchestrator.photos.photo_preparation import prepare_photos
from orchestrator.photos.xmp import without_attachments
from orchestrator.report.artifacts import read_dataset
from stagekit import BadInput
from tests.photos.photo_files import exif, png_chunks, png_profile, profile, read_png, values, write, write_png

Prepared = Callable[[], list[Mapping[str, Any]]]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "output").mkdir()
    return tmp_path / "output"


@pytest.fixture
def prepared(source: Path, output: Path, tmp_path: Path) -> Prepared:
    """Return a function that prepares the folder and returns the items."""

    def items() -> list[Mapping[str, Any]]:
        preparation = Preparation("mine", "Mine", PhotosDescription("*.*"), source, output)
        prepare_photos(preparation, ReadingLimits(tmp_path), lambda _done, _total: None)
        found: list[Mapping[str, Any]] = json.loads((output / "dataset.json").read_text())["items"]
        return found

    return items


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_colours_and_transparency_are_written_apart_bit_for_bit(
    prepared: Prepared, source: Path, output: Path, suffix: str, bits: int, orientation: int
) -> None:
    stored = values(bits, 4)
    write(source / f"a{suffix}", stored, orientation)
    (item,) = prepared()
    upright = np.rot90(stored, -1) if orientation == 6 else stored
    assert np.array_equal(read_png(output / item["blended"]), upright[..., :3])
    assert np.array_equal(read_png(output / item["alpha"]), upright[..., 3:])
    assert (item["height"], item["width"]) == upright.shape[:2]
    assert (item["bits"], item["kind"]) == (bits, "tiff" if suffix == ".tif" else "png")
    assert item["notes"][-1] == "transparency kept apart"
    assert read_dataset(output).items[0].notes == tuple(item["notes"])


def test_profile_exif_and_resolution_stay_and_the_orientation_is_upright(
    prepared: Prepared, source: Path, output: Path
) -> None:
    wide = profile("Wide gamut")
    density = (b"pHYs", (5906).to_bytes(4, "big") * 2 + b"\1")
    write_png(source / "a.png", values(16, 3), (b"eXIf", exif(8, "A maker of cameras")), density)
    write(source / "b.tif", values(16, 3), 1, wide)
    first, second = prepared()
    parts = png_chunks(output / first["blended"])
    assert parts[b"pHYs"] == density[1]
    with Image.open(io.BytesIO((output / first["blended"]).read_bytes())) as opened:
        kept = opened.getexif()
    assert (kept[0x0112], kept[0x010F]) == (1, "A maker of cameras")
    assert png_profile(output / second["blended"]) == wide


def test_the_thumbnail_of_a_photograph_is_left_out(prepared: Prepared, source: Path, output: Path) -> None:
    thumbnail = io.BytesIO()
    Image.fromarray(values(8, 3, 8, 8)).save(thumbnail, "JPEG")
    data = exif_with_thumbnail(b"A maker\0", thumbnail.getvalue())
    Image.fromarray(values(8, 3)).save(source / "a.jpg", exif=data)
    assert thumbnail.getvalue() in (source / "a.jpg").read_bytes()
    (item,) = prepared()
    content = (output / item["blended"]).read_bytes()
    assert b"A maker" in content
    assert thumbnail.getvalue()[:40] not in content


ULTRA_HDR = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" xmlns:Container="http://ns.google.com/photos/1.0/container/"
 xmlns:Item="http://ns.google.com/photos/1.0/container/item/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" dc:format="image/jpeg"
 hdrgm:Version="1.0"><Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item
 Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li><rdf:li rdf:parseType="Resource"><Container:Item
 Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="200"/></rdf:li></rdf:Seq></Container:Directory>
<dc:creator><rdf:Seq><rdf:li>A photographer</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF>
</x:xmpmeta><?xpacket end="w"?>"""
"""As phones write it, for a photograph with a gain map and a film."""


def test_a_result_does_not_say_that_it_holds_a_gain_map(prepared: Prepared, source: Path, output: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(values(8, 3)).save(stream, "JPEG", xmp=ULTRA_HDR)
    gain_map = io.BytesIO()
    Image.fromarray(values(8, 1)[..., 0]).save(gain_map, "JPEG")
    (source / "a.jpg").write_bytes(stream.getvalue() + gain_map.getvalue())
    (item,) = prepared()
    assert item["notes"] == ["HDR gain map left out: the SDR picture is taken"]
    with Image.open(output / item["blended"]) as opened:
        kept = str(opened.info["XML:com.adobe.xmp"])
    assert "A photographer" in kept
    assert 'dc:format="image/jpeg"' in kept
    assert not [word for word in ("hdrgm", "hdr-gain-map", "GainMap", "Container", "MotionPhoto") if word in kept]


@pytest.mark.parametrize(
    ("xmp", "kept"),
    [
        pytest.param(
            b"<a xmlns:dc='http://purl.org/dc/elements/1.1/' dc:title='as it is'/>", True, id="tells-of-nothing"
        ),
        pytest.param(b"<damaged", True, id="damaged"),
        pytest.param(b"<a xmlns:h='http://ns.adobe.com/hdr-gain-map/1.0/' h:Version='1.0'", False, id="cut-off"),
        pytest.param(b"<!DOCTYPE a []><a xmlns:h='http://ns.adobe.com/hdr-gain-map/1.0/'/>", False, id="doctype"),
        pytest.param(
            b"<a xmlns:h='http://ns.adobe.com/hdr-gain-map/1.0/'>" + b"<b>" * 5_000 + b"</b>" * 5_000 + b"</a>",
            False,
            id="nested",
        ),
    ],
)
def test_xmp_data_are_kept_as_they_are_or_left_out(xmp: bytes, *, kept: bool) -> None:
    assert without_attachments(xmp) == (xmp if kept else None)


def exif_with_thumbnail(maker: bytes, thumbnail: bytes) -> bytes:
    """Return EXIF data of two directories: the maker's name and an orientation, and a thumbnail."""
    one, two = 8 + 2 + 2 * 12 + 4 + len(maker), 2 + 3 * 12 + 4
    first = struct.pack("<HHHIIHHIHHI", 2, 0x010F, 2, len(maker), 38, 0x0112, 3, 1, 6, 0, one) + maker
    entries = [(0x0103, 3, 1, 6), (0x0201, 4, 1, one + two), (0x0202, 4, 1, len(thumbnail))]
    second = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + first + second + thumbnail


def test_what_has_no_transparency_says_so_by_leaving_it_out(prepared: Prepared, source: Path) -> None:
    write(source / "a.png", values(8, 3))
    (item,) = prepared()
    assert "alpha" not in item


def test_damage_that_shows_in_the_last_rows_leaves_no_picture(prepared: Prepared, source: Path, output: Path) -> None:
    content = write(source / "a.png", np.random.default_rng(0).integers(0, 2**16, (90, 80, 3), np.uint16)).read_bytes()
    (source / "a.png").write_bytes(content[: int(len(content) * 0.95)])
    with pytest.raises(BadInput, match=r"a\.png is damaged: "):
        prepared()
    assert not list(output.rglob("*.png*"))


def test_other_kinds_of_folders_are_prepared_elsewhere(source: Path, output: Path, tmp_path: Path) -> None:
    layers = dataset_description({"kind": "layers", "pictures": "*.*", "reflections": None})
    with pytest.raises(BadInput, match="'mine' is none of photos"):
        prepare_photos(
            Preparation("mine", "Mine", layers, source, output), ReadingLimits(tmp_path), lambda _a, _b: None
        )

"""HEIC and AVIF photographs of several encoders; the files, and what made them, lie in `heif/`."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from orchestrator.datasets.picture_reading import GAIN_MAP_LEFT_OUT, UnusablePicture, read_rgb
from orchestrator.datasets.stated_colours import StatedColours
from orchestrator.photos.heif import heif_colours
from orchestrator.photos.photo import ReadingLimits, opened_photo
from tests.photos.reading import read

FILES = Path(__file__).parent / "heif"
_ROWS, _COLUMNS = np.mgrid[0:46, 0:70]
PICTURE = np.stack([_ROWS * 5, _COLUMNS * 3, (_ROWS + _COLUMNS) * 2], -1).astype(np.uint8)
"""uint8, (46, 70, 3): what all of the files show."""
TURNED = np.rot90(PICTURE, -1)
"""As EXIF orientation 6 asks for."""
_TEN_BITS = "10 bits per value, spread over 16"


def far(found: np.ndarray, picture: np.ndarray) -> float:
    """Return the mean distance of colours from a picture, in values of 8 bits."""
    values = found[..., :3].astype(float) / (257 if found.dtype == np.uint16 else 1)
    return float(np.abs(values - picture).mean())


@pytest.mark.parametrize(
    ("name", "picture", "bits", "notes"),
    [
        pytest.param("plain.heic", PICTURE, 8, (), id="x265, 4:4:4"),
        pytest.param("enc.heic", PICTURE, 8, (), id="heif-enc, 4:2:0"),
        pytest.param("turned.heic", TURNED, 8, (), id="turned in the file"),
        pytest.param("two.heic", 255 - PICTURE, 8, ("first of 2 pictures",), id="the second is the first"),
        pytest.param("ten.heic", None, 16, (_TEN_BITS,), id="10 bits"),
        pytest.param("enc10.avif", PICTURE, 16, (_TEN_BITS,), id="avifenc, 10 bits"),
        pytest.param("irot.avif", np.rot90(PICTURE), 8, (), id="avifenc, turned"),
        pytest.param("turned.avif", TURNED, 8, (), id="Pillow, turned by EXIF"),
        pytest.param(
            "pq.avif", PICTURE, 8, ("nclx (BT.2020, PQ, an HDR curve) not followed",), id="avifenc, an HDR curve"
        ),
    ],
)
def test_a_photograph_is_upright_at_its_own_depth_and_says_what_was_done(name, picture, bits, notes):
    photo, pixels = read(FILES / name)
    assert (photo.bits, photo.notes, photo.kind, photo.has_alpha) == (bits, notes, "png", False)
    assert photo.size == pixels.shape[:2]
    if picture is not None:
        assert far(pixels, picture) < 2.5


def test_ten_bits_are_kept_and_reach_over_the_whole_range():
    _photo, pixels = read(FILES / "ten.heic")
    made = np.stack([_ROWS * 1400, _COLUMNS * 930, (_ROWS + _COLUMNS) * 560], -1)
    assert np.abs(pixels.astype(float) - made).mean() < 300
    assert len(np.unique(pixels)) > 600
    assert {int(value) for value in np.unique(pixels)} <= {(value * 65535 + 511) // 1023 for value in range(1024)}


def test_transparency_is_the_fourth_band():
    photo, pixels = read(FILES / "alpha.heic")
    assert photo.has_alpha
    assert far(pixels, PICTURE) < 2.5
    assert np.abs(pixels[..., 3].astype(int) - (255 - _COLUMNS * 3)).max() <= 4


def test_a_colour_profile_and_exif_data_travel_along():
    photo, pixels = read(FILES / "p3.heic")
    assert photo.notes == ("colour profile 'Display P3' kept: the network sees its values",)
    assert far(pixels, PICTURE) < 2.5
    profile = ImageCms.ImageCmsProfile(io.BytesIO(photo.beside.profile))
    assert ImageCms.getProfileDescription(profile).strip() == "Display P3"
    assert b"Maker" in read(FILES / "turned.heic")[0].beside.exif


def test_grey_is_repeated():
    photo, pixels = read(FILES / "grey.heic")
    assert "grey, repeated in three channels" in photo.notes or far(pixels, pixels[..., :1]) < 1
    assert pixels.shape == (46, 70, 3)


@pytest.mark.parametrize("name", ["plain.heic", "enc10.avif"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_file_that_is_cut_off_is_damaged(tmp_path, name, part):
    content = (FILES / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * part)])
    with pytest.raises(UnusablePicture, match=r"damaged|cannot be read"):
        read(tmp_path / name)


def test_a_file_with_the_head_of_one_alone_is_damaged(tmp_path):
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(UnusablePicture, match="damaged"):
        read(tmp_path / "phone.heic")


def test_the_kind_is_told_by_the_content(tmp_path):
    shutil.copy(FILES / "plain.heic", tmp_path / "sent.jpg")
    assert far(read(tmp_path / "sent.jpg")[1], PICTURE) < 2.5


def test_a_file_that_does_not_fit_into_memory_says_how_much_it_takes():
    with (
        pytest.raises(UnusablePicture, match="is HEIC, which is read whole"),
        opened_photo(FILES / "plain.heic", ReadingLimits(FILES, 1000)),
    ):
        pass


@pytest.mark.parametrize("name", ["plain.heic", "enc10.avif"])
def test_datasets_of_pairs_take_none_of_them(name):
    with pytest.raises(UnusablePicture):
        read_rgb(FILES / name)


def test_an_hdr_jpeg_and_a_stereo_one_are_their_first_pictures(tmp_path):
    first, second = Image.fromarray(PICTURE), Image.fromarray(255 - PICTURE)
    first.save(tmp_path / "stereo.jpg", "MPO", save_all=True, append_images=[second], quality=95)
    photo, pixels = read(tmp_path / "stereo.jpg")
    assert far(pixels, PICTURE) < 5
    assert photo.notes == ("first of 2 frames",)
    plain = io.BytesIO()
    first.save(plain, "JPEG", quality=95)
    said = b"http://ns.adobe.com/xap/1.0/\0<x xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/'/>"
    segment = b"\xff\xe1" + (len(said) + 2).to_bytes(2, "big") + said
    content = plain.getvalue()
    (tmp_path / "hdr.jpg").write_bytes(content[:2] + segment + content[2:])
    assert GAIN_MAP_LEFT_OUT in read(tmp_path / "hdr.jpg")[0].notes


def test_boxes_inside_boxes_without_end_are_given_up(tmp_path):
    nested = b""
    for _level in range(3000):
        nested = (12 + len(nested)).to_bytes(4, "big") + b"meta" + bytes(4) + nested
    (tmp_path / "deep.heic").write_bytes(nested)
    assert heif_colours(tmp_path / "deep.heic") == StatedColours()

"""Picture files of many kinds: what becomes of their pixels, what is noted, what is refused."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from orchestrator.datasets.picture_reading import UnusablePicture, read_rgb
from tests.datasets.conftest import gradient, save


def test_eight_bit_rgb_is_left_as_it_is(tmp_path: Path) -> None:
    picture = read_rgb(save(tmp_path / "a.png", gradient()))
    assert np.array_equal(picture.pixels, gradient())
    assert picture.pixels.dtype == np.uint8
    assert picture.notes == ()
    assert picture.size == (12, 17)


TURNS = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored.transpose(1, 0, 2), 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("orientation", TURNS)
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_rgb(save(tmp_path / "a.png", gradient(), exif=exif))
    assert np.array_equal(picture.pixels, TURNS[orientation](gradient()))
    expected = () if orientation == 1 else (f"turned upright (EXIF orientation {orientation})",)
    assert picture.notes == expected


def test_grey_is_repeated_in_three_channels(tmp_path: Path) -> None:
    grey = gradient()[..., 0]
    picture = read_rgb(save(tmp_path / "a.png", grey))
    assert np.array_equal(picture.pixels, np.stack([grey] * 3, axis=-1))
    assert picture.notes == ("grey, repeated in three channels",)


def test_bilevel_becomes_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(gradient()[..., 0] > 40).save(tmp_path / "a.png")
    picture = read_rgb(tmp_path / "a.png")
    assert set(np.unique(picture.pixels)) == {0, 255}
    assert picture.notes == ("grey, repeated in three channels",)


def test_palette_is_resolved(tmp_path: Path) -> None:
    indexed = Image.fromarray(gradient()).quantize(16)
    indexed.save(tmp_path / "a.png")
    picture = read_rgb(tmp_path / "a.png")
    assert np.array_equal(picture.pixels, np.array(indexed.convert("RGB")))
    assert picture.notes == ("palette, resolved to colours",)


def test_palette_with_a_transparent_colour_keeps_that_colour(tmp_path: Path) -> None:
    indexed = Image.fromarray(gradient()).quantize(16)
    indexed.save(tmp_path / "a.png", transparency=bytes([0, 128] + [255] * 14))
    picture = read_rgb(tmp_path / "a.png")
    assert np.array_equal(picture.pixels, np.array(indexed.convert("RGB")))
    assert picture.notes == ("palette, resolved to colours", "transparency dropped")


@pytest.mark.parametrize("alpha", [0, 100, 255])
def test_transparency_is_dropped_and_colours_stay(tmp_path: Path, alpha: int) -> None:
    pixels = np.dstack([gradient(), np.full((12, 17), alpha, np.uint8)])
    picture = read_rgb(save(tmp_path / "a.png", pixels))
    assert np.array_equal(picture.pixels, gradient())
    assert picture.notes == ("transparency dropped",)


def test_grey_with_transparency_is_grey(tmp_path: Path) -> None:
    Image.fromarray(gradient()).convert("LA").save(tmp_path / "a.png")
    picture = read_rgb(tmp_path / "a.png")
    assert np.array_equal(picture.pixels[..., 0], np.array(Image.fromarray(gradient()).convert("L")))
    assert picture.notes == ("grey, repeated in three channels", "transparency dropped")


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey_keeps_the_upper_eight(tmp_path: Path, suffix: str) -> None:
    values = (np.arange(204, dtype=np.uint16) * 321).reshape(12, 17)
    picture = read_rgb(save(tmp_path / f"a.{suffix}", values))
    assert np.array_equal(picture.pixels[..., 1], values >> 8)
    assert picture.notes == ("16 bits per value, reduced to 8", "grey, repeated in three channels")


def test_sixteen_bit_colour_is_reduced_and_noted(tmp_path: Path) -> None:
    values = gradient().astype(np.uint16) * 256 + 77
    (tmp_path / "a.png").write_bytes(sixteen_bit_png(values))
    picture = read_rgb(tmp_path / "a.png")
    assert np.array_equal(picture.pixels, gradient())
    assert picture.notes == ("16 bits per value, reduced to 8",)


def test_sixteen_bit_ppm_is_reduced_and_noted(tmp_path: Path) -> None:
    values = gradient().astype(">u2") * 257
    (tmp_path / "a.ppm").write_bytes(b"P6 17 12 65535\n" + values.astype(">u2").tobytes())
    picture = read_rgb(tmp_path / "a.ppm")
    assert np.array_equal(picture.pixels, gradient())
    assert picture.notes == ("16 bits per value, reduced to 8",)


def test_cmyk_without_profile_is_converted(tmp_path: Path) -> None:
    printed = Image.fromarray(gradient()).convert("CMYK")
    printed.save(tmp_path / "a.jpg", quality=100, subsampling=0)
    picture = read_rgb(tmp_path / "a.jpg")
    assert np.abs(picture.pixels.astype(int) - gradient()).mean() < 3
    assert picture.notes == ("CMYK, converted to RGB without a colour profile",)


def test_an_embedded_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read_rgb(save(tmp_path / "a.png", gradient(), icc_profile=profile))
    assert np.array_equal(picture.pixels, gradient())
    assert picture.notes == ()


def test_another_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    profile = profile_with_exchanged_red_and_green()
    picture = read_rgb(save(tmp_path / "a.png", np.full((4, 5, 3), (200, 30, 60), np.uint8), icc_profile=profile))
    assert np.abs(picture.pixels.astype(int) - (30, 200, 60)).max() <= 3
    assert picture.notes == ("colour profile 'exchanged', converted to sRGB",)


def test_a_damaged_profile_is_passed_over(tmp_path: Path) -> None:
    picture = read_rgb(save(tmp_path / "a.png", gradient(), icc_profile=b"no profile at all"))
    assert np.array_equal(picture.pixels, gradient())
    assert picture.notes == ("colour profile unusable, passed over",)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_damaged_exif_is_passed_over(tmp_path: Path, suffix: str) -> None:
    picture = read_rgb(save(tmp_path / f"a.{suffix}", gradient(), exif=b"Exif\0\0nonsense"))
    assert picture.size == (12, 17)
    assert set(picture.notes) <= {"EXIF data unreadable, taken as upright"}


def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path) -> None:
    frames = [Image.fromarray(gradient(shift=shift)).quantize(32) for shift in (0, 90)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    picture = read_rgb(tmp_path / "a.gif")
    assert np.array_equal(picture.pixels, np.array(frames[0].convert("RGB")))
    assert picture.notes[0] == "first of 2 frames"


@pytest.mark.parametrize("suffix", ["bmp", "ppm", "tga", "tif", "webp"])
def test_other_kinds_are_read(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    picture = read_rgb(save(tmp_path / f"a.{suffix}", gradient(), **options))
    assert np.array_equal(picture.pixels, gradient())


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp"])
def test_cut_off_files_are_refused(tmp_path: Path, suffix: str) -> None:
    whole = save(tmp_path / f"a.{suffix}", gradient(120, 170)).read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnusablePicture, match=r"is damaged|is not a picture of a known kind"):
        read_rgb(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "is not a picture of a known kind", id="empty"),
        pytest.param(b"<html>", "is not a picture of a known kind", id="web-page"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "known kind", id="postscript"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "known kind", id="signature-only"),
    ],
)
def test_files_that_are_no_pictures_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnusablePicture, match=reason):
        read_rgb(tmp_path / "a.png")


def test_floating_point_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusablePicture, match="floating-point values"):
        read_rgb(save(tmp_path / "a.tif", np.ones((4, 5), np.float32)))


def test_wide_integers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusablePicture, match="values with a sign, whose range is not known"):
        read_rgb(save(tmp_path / "a.tif", np.full((4, 5), 70000, np.int32)))


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnusablePicture, match="is too large"):
        read_rgb(tmp_path / "a.png")


def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(UnusablePicture, match="leads nowhere"):
        read_rgb(tmp_path / "a.png")


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(UnusablePicture, match="is no file"):
        read_rgb(tmp_path / "a.png")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def sixteen_bit_png(values: np.ndarray) -> bytes:
    """Return a PNG of 16-bit RGB, which Pillow reads and does not write."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def profile_with_exchanged_red_and_green() -> bytes:
    """Return an ICC profile like sRGB's, but that its first value means green and its second red."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    start = 132
    for index in range(struct.unpack(">I", content[128:132])[0]):
        place = start + 12 * index
        name = bytes(content[place : place + 4])
        if name in (b"rXYZ", b"gXYZ"):
            content[place : place + 4] = b"gXYZ" if name == b"rXYZ" else b"rXYZ"
        if name == b"desc":
            offset, size = struct.unpack(">II", content[place + 4 : place + 12])
            text = "sRGB built-in".encode("utf-16-be")
            found = content.find(text, offset, offset + size)
            content[found : found + len(text)] = "exchanged    ".encode("utf-16-be")
    return bytes(content)

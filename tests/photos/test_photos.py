"""A user's photographs: every kind of file, what is kept of it, what is noted, what is refused."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from orchestrator.datasets.colour_profiles import BT2020, SRGB_CURVE, rgb_profile
from orchestrator.datasets.picture_reading import read_rgb
from orchestrator.photos.orientation import upright, upright_strips
from orchestrator.photos.strips import strip_rows, strips_of
from tests.photos.photo_files import (
    HEIGHT,
    WIDTH,
    exif,
    profile,
    values,
    write,
    write_png,
    write_tiff,
)
from tests.photos.reading import read

TURNED = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: np.rot90(stored, 2),
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored.transpose(1, 0, 2), 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("bands", [3, 4, 1, 2], ids=["rgb", "rgba", "grey", "grey-alpha"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_values_come_upright_at_their_depth(
    tmp_path: Path, suffix: str, bits: int, bands: int, orientation: int
) -> None:
    stored = values(bits, bands)
    photo, pixels = read(write(tmp_path / f"a{suffix}", stored, orientation))
    colours = stored[..., :3] if bands > 2 else np.repeat(stored[..., :1], 3, axis=2)
    expected = np.concatenate([colours, stored[..., -1:]], axis=2) if bands in (2, 4) else colours
    assert np.array_equal(pixels, TURNED[orientation](expected))
    assert photo.size == pixels.shape[:2]
    assert (photo.bits, photo.has_alpha, photo.kind) == (
        bits,
        bands in (2, 4),
        suffix.strip(".").replace("tif", "tiff"),
    )
    notes = () if bands > 2 else ("grey, repeated in three channels",)
    notes += () if orientation == 1 else (f"turned upright (EXIF orientation {orientation})",)
    assert photo.notes == notes


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_palettes_are_resolved(tmp_path: Path, suffix: str) -> None:
    indexed = Image.fromarray(values(8, 3)).quantize(16)
    indexed.save(tmp_path / f"a{suffix}")
    photo, pixels = read(tmp_path / f"a{suffix}")
    assert np.array_equal(pixels, np.array(indexed.convert("RGB")))
    assert (photo.bits, photo.notes) == (8, ("palette, resolved to colours",))


def test_transparency_of_a_palette_is_kept(tmp_path: Path) -> None:
    indexed = Image.fromarray(values(8, 3)).quantize(16)
    indexed.save(tmp_path / "a.png", transparency=bytes([0, 128] + [255] * 14))
    photo, pixels = read(tmp_path / "a.png")
    assert photo.has_alpha
    assert np.array_equal(pixels, np.array(Image.open(tmp_path / "a.png").convert("RGBA")))


def test_a_transparent_colour_becomes_transparency(tmp_path: Path) -> None:
    stored = values(16, 3)
    key = struct.pack(">HHH", *(int(value) for value in stored[4, 5]))
    photo, pixels = read(write_png(tmp_path / "a.png", stored, (b"tRNS", key)))
    assert photo.has_alpha
    assert np.array_equal(pixels[..., :3], stored)
    assert np.array_equal(pixels[..., 3] == 0, (stored == stored[4, 5]).all(axis=2))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_bilevel_is_black_and_white(tmp_path: Path, suffix: str) -> None:
    dots = values(8, 1)[..., 0] > 99
    Image.fromarray(dots).save(tmp_path / f"a{suffix}")
    _, pixels = read(tmp_path / f"a{suffix}")
    assert np.array_equal(pixels, np.repeat((dots * 255).astype(np.uint8)[..., None], 3, axis=2))


PREVIEW = 0x010001
"""MPType of a large thumbnail."""


@pytest.mark.parametrize(
    ("count", "kind", "xmp", "notes"),
    [
        pytest.param(1, None, b"", (), id="one"),
        pytest.param(2, None, b"", ("first of 2 frames",), id="stereo"),
        pytest.param(3, None, b"", ("first of 3 frames",), id="three"),
        pytest.param(2, PREVIEW, b"", (), id="preview"),
        pytest.param(
            2,
            0,
            b"<a xmlns:h='http://ns.adobe.com/hdr-gain-map/1.0/'/>",
            ("HDR gain map left out: the SDR picture is taken",),
            id="gain-map",
        ),
    ],
)
@pytest.mark.parametrize("suffix", [".mpo", ".jpg"])
def test_further_pictures_of_a_jpeg_file_are_said(
    tmp_path: Path, suffix: str, count: int, kind: int | None, xmp: bytes, notes: tuple[str, ...]
) -> None:
    smooth = Image.fromarray(np.tile(np.arange(90, dtype=np.uint8), (60, 1))).convert("RGB")
    stream = io.BytesIO()
    smooth.save(stream, "MPO", save_all=True, append_images=[smooth] * (count - 1), xmp=xmp)
    content = bytearray(stream.getvalue())
    if kind is not None:
        first = _second_entry(content)
        content[first : first + 4] = struct.pack("<I", kind)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    assert read(path)[0].notes == notes
    assert read_rgb(path).notes == notes


def _second_entry(content: bytearray) -> int:
    """Return where the second entry of an MPO file's list of pictures begins, as Pillow writes it."""
    index = content.index(b"MPF\0II*\0") + 4
    number = struct.unpack_from("<H", content, index + 8)[0]
    tags = [struct.unpack_from("<HHII", content, index + 10 + 12 * place) for place in range(number)]
    return int(index + next(value for tag, _, _, value in tags if tag == 0xB002) + 16)


def test_a_jpeg_is_its_decoded_values(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    smooth = np.add.outer(np.arange(40) * 5, np.arange(50))[..., None] % 256 + np.array([0, 9, 30])
    Image.fromarray(smooth.clip(0, 255).astype(np.uint8)).save(path, quality=95, subsampling=0, exif=jpeg_exif(6))
    photo, pixels = read(path)
    decoded = np.array(ImageOps.exif_transpose(Image.open(path)))
    assert pixels.shape == decoded.shape == (50, 40, 3)
    assert np.abs(pixels.astype(int) - decoded).max() <= 1, "two decoders may round a step apart"
    assert (photo.kind, photo.bits, photo.notes) == ("png", 8, ("turned upright (EXIF orientation 6)",))


@pytest.mark.parametrize("suffix", [".webp", ".bmp", ".ppm", ".tga", ".gif"])
def test_other_kinds_are_read_whole(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(values(8, 3)).save(tmp_path / f"a{suffix}", **({"lossless": True} if suffix == ".webp" else {}))
    photo, pixels = read(tmp_path / f"a{suffix}")
    with Image.open(tmp_path / f"a{suffix}") as opened:
        assert np.array_equal(pixels, np.array(opened.convert("RGB")))
    assert (photo.kind, photo.bits, photo.has_alpha) == ("png", 8, False)


def test_transparency_of_other_kinds_is_kept(tmp_path: Path) -> None:
    Image.fromarray(values(8, 4)).save(tmp_path / "a.webp", lossless=True, exact=True)
    photo, pixels = read(tmp_path / "a.webp")
    assert photo.has_alpha
    assert np.array_equal(pixels, values(8, 4))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"tile": (16, 16)}, id="tiled"),
        pytest.param({"rowsperstrip": 3}, id="strips"),
        pytest.param({"compression": "deflate", "predictor": True}, id="deflate"),
        pytest.param({"bigtiff": True}, id="bigtiff"),
        pytest.param({"byteorder": ">"}, id="big-endian"),
    ],
)
def test_tiff_layouts_are_read(tmp_path: Path, options: dict[str, Any]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values(16, 3), photometric="rgb", **options)
    assert np.array_equal(read(tmp_path / "a.tif")[1], values(16, 3))


def test_a_tiff_in_planes_is_read(tmp_path: Path) -> None:
    planes = np.ascontiguousarray(values(16, 3).transpose(2, 0, 1))
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    assert np.array_equal(read(tmp_path / "a.tif")[1], values(16, 3))


def test_of_several_pages_the_first_is_taken(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as pages:
        pages.write(values(16, 3), photometric="rgb")
        pages.write(values(16, 3)[::-1], photometric="rgb")
    photo, pixels = read(tmp_path / "a.tif")
    assert np.array_equal(pixels, values(16, 3))
    assert photo.notes == ("first of 2 frames",)


@pytest.mark.parametrize("is_frame", [True, False])
def test_of_an_animated_png_the_picture_that_all_programs_show_is_taken(tmp_path: Path, *, is_frame: bool) -> None:
    frames = [Image.fromarray(values(8, 3, 20 + shift)[shift:]) for shift in (0, 3, 7)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], default_image=not is_frame)
    photo, pixels = read(tmp_path / "a.png")
    assert np.array_equal(pixels, np.asarray(frames[0]))
    assert photo.notes == read_rgb(tmp_path / "a.png").notes == ("first of 3 frames",)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_file_that_was_overwritten_is_read_as_it_is(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for pixels in (values(8, 3), 255 - values(8, 3), values(8, 3)):
        write(path, pixels)
        assert np.array_equal(read(path)[1], pixels)


def test_further_channels_are_dropped(tmp_path: Path) -> None:
    stored = values(16, 6)
    tifffile.imwrite(
        tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["unassalpha", "unspecified", "unspecified"]
    )
    photo, pixels = read(tmp_path / "a.tif")
    assert np.array_equal(pixels, stored[..., :4])
    assert photo.notes == ("2 further channels dropped",)


def test_premultiplied_colours_are_divided_and_noted(tmp_path: Path) -> None:
    stored = np.full((4, 5, 4), (1000, 2000, 3000, 32768), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
    photo, pixels = read(tmp_path / "a.tif")
    assert np.abs(pixels[..., :3].astype(int) - (2000, 4000, 6000)).max() <= 1
    assert (pixels[..., 3] == 32768).all()
    assert photo.notes == ("colours divided by the transparency that they were multiplied by",)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_profile_of_rgb_is_kept_and_values_are_left(tmp_path: Path, suffix: str) -> None:
    wide = rgb_profile("Wide gamut", BT2020, SRGB_CURVE)
    photo, pixels = read(write(tmp_path / f"a{suffix}", values(16, 4), 1, wide))
    assert np.array_equal(pixels, values(16, 4))
    assert photo.beside.profile == wide
    assert photo.notes == ("colour profile 'Wide gamut' kept: the network sees its values",)


def test_srgb_is_kept_without_a_word(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo, _ = read(write(tmp_path / "a.png", values(8, 3), 1, srgb))
    assert (photo.beside.profile, photo.notes) == (srgb, ())


@pytest.mark.parametrize(
    "unusable", [pytest.param(b"no profile at all" * 20, id="noise"), pytest.param(profile("a", b"CMYK"), id="CMYK")]
)
def test_a_profile_of_something_else_is_passed_over(tmp_path: Path, unusable: bytes) -> None:
    photo, pixels = read(write_tiff(tmp_path / "a.tif", values(8, 3), 1, unusable))
    assert np.array_equal(pixels, values(8, 3))
    assert photo.beside.profile is None
    assert photo.notes == ("colour profile unusable, passed over",)


def test_grey_through_its_profile_becomes_srgb(tmp_path: Path) -> None:
    grey = grey_profile(1.0)
    stored = values(8, 2).astype(np.uint16) * 257
    photo, pixels = read(write_tiff(tmp_path / "a.tif", stored, 1, grey))
    expected = ImageCms.profileToProfile(
        Image.fromarray(values(8, 2)[..., 0]),
        ImageCms.ImageCmsProfile(io.BytesIO(grey)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
    )
    assert np.abs(pixels[..., :3] / 257 - np.array(expected)).max() < 1
    assert not np.array_equal(pixels[..., 0], stored[..., 0])
    assert np.array_equal(pixels[..., 3], stored[..., 1])
    assert photo.notes == ("grey with a colour profile, converted to sRGB",)
    assert photo.beside.profile is not None
    assert photo.beside.profile[16:20] == b"RGB "


@pytest.mark.parametrize(("bits", "suffix"), [(8, "jpg"), (8, "tif"), (16, "tif")])
def test_cmyk_without_a_profile_is_converted(tmp_path: Path, bits: int, suffix: str) -> None:
    inks = values(bits, 4)
    if bits == 8:
        Image.fromarray(inks, "CMYK").save(tmp_path / f"a.{suffix}")
        inks = np.array(Image.open(tmp_path / f"a.{suffix}"))
    else:
        tifffile.imwrite(tmp_path / "a.tif", inks, photometric="separated")
    most = 2**bits - 1
    expected = (most - inks[..., :3].astype(float)) * (most - inks[..., 3:].astype(float)) / most
    photo, pixels = read(tmp_path / f"a.{suffix}")
    assert photo.bits == bits
    assert np.abs(pixels - expected).max() <= (0.501 if suffix == "tif" else 3)
    assert photo.notes == ("CMYK, converted to RGB without a colour profile",)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_damaged_exif_is_passed_over(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(values(8, 3)).save(tmp_path / f"a.{suffix}", exif=b"Exif\0\0nonsense")
    assert read(tmp_path / f"a.{suffix}")[0].size == (HEIGHT, WIDTH)


def test_an_orientation_that_is_none_is_upright(tmp_path: Path) -> None:
    photo, pixels = read(write_png(tmp_path / "a.png", values(8, 3), (b"eXIf", exif(77))))
    assert np.array_equal(pixels, values(8, 3))
    assert photo.notes == ()


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    orientation=st.integers(1, 8),
    rows=st.integers(1, 9),
    bits=st.sampled_from([8, 16]),
)
def test_strips_equal_the_whole(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, orientation: int, rows: int, bits: int
) -> None:
    stored = values(bits, 4, height, width)
    folder = tmp_path_factory.getbasetemp()
    parts = (stored[top : top + rows] for top in range(0, height, rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orchestrator.photos.strips._STRIP_BYTES", rows * 4 * bits // 8 * width)
        with upright_strips(lambda: iter(list(parts)), (height, width), orientation, folder) as source:
            for _ in range(2 if orientation > 1 else 1):
                assert np.array_equal(np.concatenate(list(source())), upright(stored, orientation))


def test_a_strip_has_at_least_a_row() -> None:
    assert strip_rows(10**7, 8) == 1
    assert len(next(strips_of(values(8, 3)))) == HEIGHT


def jpeg_exif(orientation: int) -> bytes:
    return b"Exif\0\0" + exif(orientation)


def grey_profile(gamma: float) -> bytes:
    """Return an ICC profile of grey with a gamma. Source: ICC.1, 8.3.4: monochrome input profiles."""
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"Grey\0" + bytes(80),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061),
        b"kTRC": b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)),
    }
    table, data, place = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", place + len(data), len(content))
        data += padded
    size = struct.pack(">I", place + len(data))
    head = size + bytes(4) + b"\x02\x40\0\0" + b"mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28)
    return head + struct.pack(">iii", 63190, 65536, 54061) + bytes(48) + table + data

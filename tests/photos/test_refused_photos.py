"""Photographs that are refused: cut off, of unknown range, too large for memory, or no pictures at all."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from orchestrator.datasets.picture_reading import UnusablePicture
from orchestrator.photos.photo import MOST_PIXELS
from tests.photos.photo_files import HEIGHT, WIDTH, chunk, interlaced_png, values, write_png
from tests.photos.reading import read


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_cut_off_files_are_refused(tmp_path: Path, suffix: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 170, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / f"a.{suffix}")
    whole = (tmp_path / f"a.{suffix}").read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UnusablePicture, match=r"is damaged: |cannot be read: "):
        read(tmp_path / f"a.{suffix}")


def test_a_damaged_row_is_refused(tmp_path: Path) -> None:
    path = write_png(tmp_path / "a.png", values(16, 3, 60, 70))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UnusablePicture, match=r"is damaged: |cannot be read: "):
        read(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "is not a picture of a known kind", id="empty"),
        pytest.param(b"<html>", "is not a picture of a known kind", id="web-page"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "known kind", id="postscript"),
        pytest.param(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "known kind", id="svg"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "cannot be read", id="png-signature-only"),
        pytest.param(b"II*\0\xff\xff\xff\xff", "cannot be read", id="tiff-that-leads-nowhere"),
        pytest.param(b"II*\0\x08\0\0\0\x01\0" + b"\0" * 12 + b"\x08\0\0\0", "cannot be read", id="tiff-round"),
        pytest.param(b"\xff\xd8\xff\xe0\0\x10JFIF", "cannot be read", id="jpeg-head-only"),
    ],
)
def test_files_that_are_no_pictures_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnusablePicture, match=reason):
        read(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("dtype", "reason"),
    [("f4", "floating-point values"), ("f8", "floating-point"), ("u4", "32-bit values"), ("i2", "values with a sign")],
)
def test_values_of_unknown_range_are_refused(tmp_path: Path, dtype: str, reason: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values(8, 3).astype(dtype), photometric="rgb")
    with pytest.raises(UnusablePicture, match=reason):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize(("height", "width"), [(60000, 60000), (MOST_PIXELS // 1000 + 1, 1000)])
def test_a_bomb_is_refused_by_its_head(tmp_path: Path, height: int, width: int) -> None:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    with pytest.raises(UnusablePicture, match=f"is too large: {height} x {width} pixels"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        pytest.param("a.jpg", {"progressive": True}, "is a progressive JPEG", id="progressive"),
        pytest.param("a.bmp", {}, "is of a kind", id="whole"),
    ],
)
def test_what_is_read_whole_must_fit_into_memory(tmp_path: Path, name: str, options: dict[str, Any], why: str) -> None:
    Image.fromarray(values(8, 3)).save(tmp_path / name, **options)
    assert read(tmp_path / name, 2**20)[0].size == (HEIGHT, WIDTH)
    with pytest.raises(UnusablePicture, match=f"{why}, which is read whole"):
        read(tmp_path / name, 1000)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"planarconfig": "separate"}, id="planes"),
        pytest.param({"compression": "deflate", "rowsperstrip": 60}, id="one-strip"),
        pytest.param({"tile": (64, 64)}, id="tiles"),
    ],
)
def test_a_tiff_in_large_pieces_must_fit_into_memory(tmp_path: Path, options: dict[str, Any]) -> None:
    pixels = np.random.default_rng(0).integers(0, 2**16, (60, 80, 3), np.uint16)
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)) if "planarconfig" in options else pixels
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", **options)
    assert np.array_equal(read(tmp_path / "a.tif", 2**20)[1], pixels)
    with pytest.raises(UnusablePicture, match="holds pixels in large pieces"):
        read(tmp_path / "a.tif", 10_000)


def test_an_interlaced_png_must_fit_into_memory_and_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(interlaced_png(values(16, 3)))
    assert np.array_equal(read(path)[1], values(16, 3))
    with pytest.raises(UnusablePicture, match="is interlaced, which is read whole"):
        read(path, 1000)


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(UnusablePicture, match="is no file"):
        read(tmp_path / "a.png")

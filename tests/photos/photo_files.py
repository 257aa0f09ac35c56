"""Photographs made here, by other programs than the one that reads them, and a reader of what is written."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageCms

HEIGHT, WIDTH = 13, 18
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
_BANDS = {colour: bands for bands, colour in _COLOURS.items()}


def values(bits: int, bands: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Return a picture whose every band and corner differ, with the whole range and odd low bytes: (H, W, bands)."""
    rows, columns, band = np.mgrid[0:height, 0:width, 0:bands]
    most = 2**bits - 1
    mixed = (rows * 2311 + columns * 4877 + band * 15731 + rows * columns * 37) % (most + 1)
    return mixed.astype(np.uint8 if bits == 8 else np.uint16)


def write_png(path: Path, pixels: np.ndarray, *chunks: tuple[bytes, bytes]) -> Path:
    """Write a PNG of 1 to 4 bands and 8 or 16 bits, with further chunks before its pixels."""
    height, width, bands = pixels.shape
    rows = b"".join(b"\0" + row.astype(pixels.dtype.newbyteorder(">")).tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, _COLOURS[bands], 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    path.write_bytes(_SIGNATURE + b"".join(chunk(*part) for part in parts))
    return path


def write_tiff(path: Path, pixels: np.ndarray, orientation: int = 1, profile: bytes | None = None) -> Path:
    """Write a TIFF of 1 to 4 bands and 8 or 16 bits."""
    bands = pixels.shape[2]
    options: dict[str, Any] = {"photometric": "rgb" if bands > 2 else "minisblack", "iccprofile": profile}
    if bands in (2, 4):
        options["extrasamples"] = ["unassalpha"]
    tag = (274, "H", 1, orientation, True)
    tifffile.imwrite(path, pixels if bands > 1 else pixels[..., 0], extratags=[tag], metadata=None, **options)
    return path


def write(path: Path, pixels: np.ndarray, orientation: int = 1, profile: bytes | None = None) -> Path:
    """Write a PNG or TIFF, as the end of its name says."""
    if path.suffix == ".tif":
        return write_tiff(path, pixels, orientation, profile)
    chunks = [(b"eXIf", exif(orientation))] if orientation != 1 else []
    if profile is not None:
        chunks.insert(0, (b"iCCP", b"profile\0\0" + zlib.compress(profile)))
    return write_png(path, pixels, *chunks)


def exif(orientation: int, maker: str = "A maker") -> bytes:
    """Return EXIF data as a PNG holds it."""
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010F] = maker
    return data.tobytes().removeprefix(b"Exif\0\0")


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a part of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def read_png(path: Path) -> np.ndarray:
    """Return the values of a PNG whose rows are not filtered, (H, W, bands); Pillow would cut 16 bits to 8."""
    parts = png_chunks(path)
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert interlaced == 0
    bands, itemsize = _BANDS[colour], bits // 8
    rows = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, 1 + width * bands * itemsize)
    assert not rows[:, 0].any(), "rows are filtered"
    plain = np.ascontiguousarray(rows[:, 1:])
    return plain.view(np.uint8 if bits == 8 else ">u2").reshape(height, width, bands).astype(f"u{itemsize}")


def png_chunks(path: Path) -> dict[bytes, bytes]:
    """Return the parts of a PNG file by name, those of one name joined."""
    content, place, parts = path.read_bytes(), len(_SIGNATURE), dict[bytes, bytes]()
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        kind = content[place + 4 : place + 8]
        parts[kind] = parts.get(kind, b"") + content[place + 8 : place + 8 + length]
        place += 12 + length
    return parts


def png_profile(path: Path) -> bytes | None:
    """Return a PNG's colour profile."""
    part = png_chunks(path).get(b"iCCP")
    return None if part is None else zlib.decompress(part[part.index(b"\0") + 2 :])


def profile(name: str, space: bytes = b"RGB ") -> bytes:
    """Return a colour profile that is sRGB's under another name, for a colour space."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    text = "sRGB built-in".encode("utf-16-be")
    content[content.index(text) : content.index(text) + len(text)] = f"{name:13.13}".encode("utf-16-be")
    content[16:20] = space
    return bytes(content)


def interlaced_png(pixels: np.ndarray) -> bytes:
    """Return a 16-bit PNG in the seven passes of Adam7. Source: PNG specification, 8.2."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = b""
    for top, left, down, right in passes:
        for row in pixels[top::down, left::right]:
            rows += b"\0" + row.astype(">u2").tobytes() if len(row) else b""
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, 2, 0, 0, 1)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)

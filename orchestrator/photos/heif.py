"""HEIC and AVIF photographs: their pixels at full depth, upright as their file says, and what lies beside them.

HEVC is decoded by libheif and libde265 (pi-heif), AV1 by libvips.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import pi_heif

from orchestrator.datasets.colour_profiles import BT709, BT2020, DISPLAY_P3, SRGB_CURVE, Primaries, rgb_profile
from orchestrator.datasets.picture_reading import GAIN_MAP_LEFT_OUT, UnusablePicture
from orchestrator.datasets.stated_colours import StatedColours
from orchestrator.photos import vips

Coding = Literal["heic", "avif"]

_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF = {b"avif", b"avis"}
"""Brands of the two codings. Source: ISO/IEC 23008-12, annex B; AV1 Image File Format, 6."""
_LARGEST_HEAD = 2**24
"""Bytes of the boxes that describe a file's pictures, before or after their data."""
_CONTAINERS: Mapping[bytes, int] = {b"meta": 4, b"iprp": 0, b"ipco": 0}
"""Boxes that hold boxes, and the bytes before these."""
_GAIN_MAPS = ("hdrgainmap", "tmap")

# Numbers of nclx. Source: ITU-T H.273, tables 2 and 3.
_PRIMARIES: Mapping[int, tuple[str, Primaries]] = {1: ("BT.709", BT709), 9: ("BT.2020", BT2020), 12: ("P3", DISPLAY_P3)}
_UNSAID = 2
_SRGB_CURVES = {1, _UNSAID, 6, 13}
"""Curves of sRGB, and those that cameras write for it."""
_HDR = {16: "PQ", 18: "HLG"}


@dataclass(frozen=True)
class HeifPicture:
    """The first picture of a file, upright.

    Attributes:
        pixels: uint8 or uint16, (H, W, bands): grey or RGB, with transparency behind it where it has one; values of 10
            and 12 bits spread over 16.
        notes: What was done to them, and what was left out.
    """

    pixels: np.ndarray
    beside: vips.Metadata
    stated: StatedColours
    notes: tuple[str, ...]


def heif_coding(path: Path) -> Coding | None:
    """Return how a file's pictures are coded, None where it is no file of either kind."""
    with path.open("rb") as stream:
        head = stream.read(8)
        if head[4:] != b"ftyp":
            return None
        brands = stream.read(min(struct.unpack(">I", head[:4])[0], 256) - 8 if head[:4] > b"\0\0\0\x08" else 0)
    named = {brands[start : start + 4] for start in range(0, len(brands), 4)}
    return "avif" if named & _AVIF else "heic" if named & _HEIC else None


def heif_size(path: Path, coding: Coding) -> tuple[int, int]:
    """Return the height and width of a file's first picture, without decoding it.

    Raises:
        UnusablePicture: Where it cannot be told.
    """
    if coding == "avif":
        image = vips.open_avif(path)
        return image.height, image.width
    first = _first(_opened(path))
    return first.size[1], first.size[0]


def read_heif(path: Path, coding: Coding) -> HeifPicture:
    """Return a file's first picture: the one that it names as such.

    Raises:
        UnusablePicture: Where the file is damaged, or of a kind that is not decoded.
    """
    stated = heif_colours(path)
    return _read_avif(path, stated) if coding == "avif" else _read_heic(path, stated)


def _read_avif(path: Path, stated: StatedColours) -> HeifPicture:
    image = vips.open_avif(path)
    pixels = np.concatenate(list(vips.image_strips(image)))
    bits = int(vips.field(image, "bits-per-sample") or 8)
    count = int(vips.field(image, "n-pages") or 1)
    return HeifPicture(_spread(pixels, bits), vips.metadata(image), stated, _notes(count, bits))


def _read_heic(path: Path, stated: StatedColours) -> HeifPicture:
    opened = _opened(path)
    first = _first(opened)
    try:
        pixels = np.array(first)
    except (ValueError, RuntimeError, OSError, EOFError, MemoryError, SyntaxError) as error:
        raise UnusablePicture(f"is damaged: {_reason(error)}") from error
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    facts: Mapping[str, Any] = first.info
    bits = int(facts.get("bit_depth") or 8)
    notes = list(_notes(len(opened), bits))
    if first.premultiplied_alpha and pixels.shape[-1] in {2, 4}:
        pixels = _divided(pixels)
        notes.append("colours divided by the transparency that they were multiplied by")
    if any(sign in name.lower() for name in facts.get("aux") or {} for sign in _GAIN_MAPS):
        notes.append(GAIN_MAP_LEFT_OUT)
    beside = vips.Metadata(facts.get("icc_profile") or None, facts.get("exif") or None, facts.get("xmp") or None)
    return HeifPicture(_spread(pixels, bits), beside, stated, tuple(notes))


def _opened(path: Path) -> Any:
    try:
        return pi_heif.open_heif(path.read_bytes(), convert_hdr_to_8bit=False)
    except (ValueError, RuntimeError, OSError, EOFError, MemoryError, SyntaxError) as error:
        raise UnusablePicture(f"is damaged: {_reason(error)}") from error


def _first(opened: Any) -> Any:
    """Return the picture that a file names as its first, whatever their order."""
    if not len(opened):
        raise UnusablePicture("holds no picture")
    return opened[opened.primary_index]


def _notes(count: int, bits: int) -> tuple[str, ...]:
    pictures = (f"first of {count} pictures",) if count > 1 else ()
    return (*pictures, f"{bits} bits per value, spread over 16") if bits > 8 else pictures


def _spread(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Return values of more than 8 bits over the whole range of 16; decoders leave the lower bits empty."""
    if pixels.dtype == np.uint8:
        return pixels
    most = 2**bits - 1
    values = (pixels >> (16 - bits)).astype(np.uint32)
    spread: np.ndarray = ((values * 65535 + most // 2) // most).astype(np.uint16)
    return spread


def _divided(pixels: np.ndarray) -> np.ndarray:
    """Return colours that were multiplied by their transparency without it."""
    most = np.iinfo(pixels.dtype).max
    alpha = pixels[..., -1:].astype(np.float64)
    plain = np.where(alpha > 0, pixels[..., :-1] * (most / np.maximum(alpha, 1)), 0)
    return np.concatenate([np.minimum(plain.round(), most).astype(pixels.dtype), pixels[..., -1:]], axis=-1)


def heif_colours(path: Path) -> StatedColours:
    """Return what a file states by numbers (nclx) in place of a colour profile; nothing where its pictures differ."""
    with path.open("rb") as stream:
        found = set(_nclx(stream, path.stat().st_size, len(_CONTAINERS)))
    if len(found) != 1:
        return StatedColours()
    primaries, curve = found.pop()
    named = _PRIMARIES.get(primaries, ("", BT709))[0] or f"primaries {primaries}"
    if curve in _SRGB_CURVES and primaries in {1, _UNSAID}:
        return StatedColours()
    if curve in _SRGB_CURVES and primaries in _PRIMARIES:
        words = f"nclx {named} with sRGB's curve"
        return StatedColours(rgb_profile(words, _PRIMARIES[primaries][1], SRGB_CURVE), words)
    words = f"{_HDR[curve]}, an HDR curve" if curve in _HDR else f"curve {curve}"
    return StatedColours(notes=(f"nclx ({named}, {words}) not followed",))


def _nclx(stream: BinaryIO, end: int, levels: int) -> Iterator[tuple[int, int]]:
    """Yield primaries and curve of each colour box up to a place of a file. Source: ISO/IEC 14496-12, 12.1.5.

    Args:
        levels: Of boxes inside boxes that are looked into.
    """
    while stream.tell() + 8 <= end:
        start = stream.tell()
        size, kind = struct.unpack(">I4s", stream.read(8))
        if size == 1:
            size = struct.unpack(">Q", stream.read(8).rjust(8, b"\0"))[0]
        last = end if size == 0 else start + size
        if last <= stream.tell() or last > end:
            return
        if kind in _CONTAINERS and levels and last - start <= _LARGEST_HEAD:
            stream.seek(_CONTAINERS[kind], 1)
            yield from _nclx(stream, last, levels - 1)
        elif kind == b"colr":
            content = stream.read(8)
            if content[:4] == b"nclx" and len(content) == 8:
                yield struct.unpack(">HH", content[4:])
        stream.seek(last)


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines and lines[0] else type(error).__name__

"""What a file states beside a colour profile: PNG's cICP and gAMA, EXIF's Adobe RGB, gain maps, further pictures."""

import struct
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image

from orchestrator.datasets import png_chunks
from orchestrator.datasets.colour_profiles import (
    ADOBE_CURVE,
    ADOBE_RGB,
    BT709,
    BT2020,
    DISPLAY_P3,
    SRGB_CURVE,
    Curve,
    Primaries,
    rgb_profile,
)

JPEG_HEAD = b"\xff\xd8\xff"

# PNG's chunks. Source: Portable Network Graphics (Third Edition), 11.3.2 and, of which counts before which, 4.3.
_FIXED = 100_000
_GAMMA_OF_SRGB = (0.4499, 0.4600)
"""Values of gAMA that encoders write for sRGB, whose curve is no power."""
_NEAR_PRIMARIES = 0.002

# Numbers of cICP. Source: ITU-T H.273, tables 2 to 4.
_PRIMARIES: Mapping[int, tuple[str, Primaries]] = {1: ("BT.709", BT709), 9: ("BT.2020", BT2020), 12: ("P3", DISPLAY_P3)}
_CURVES: Mapping[int, tuple[str, Curve]] = {
    4: ("gamma 2.2", (2.2,)),
    5: ("gamma 2.8", (2.8,)),
    8: ("linear", (1.0,)),
    13: ("sRGB's curve", SRGB_CURVE),
}
_UNCERTAIN = {1: "BT.709", 6: "BT.601", 14: "BT.2020", 15: "BT.2020", 16: "PQ, an HDR curve", 18: "HLG, an HDR curve"}
_SRGB_CICP = (1, 13)
_RGB_FULL_RANGE = (0, 1)

# EXIF. Source: CIPA DC-008 (EXIF 2.3), tag ColorSpace; DCF 2.0, 3.2 on its optional colour space.
_UNCALIBRATED, _ADOBE_OF_SOME = 0xFFFF, 2
_INTEROPERABILITY_INDEX, _ADOBE_INDEX = 1, "R03"
_GAIN_MAP_SIGNS = (b"http://ns.adobe.com/hdr-gain-map/", b"urn:iso:std:iso:ts:21496")
_MP_ENTRIES = 0xB002
"""Tag of the list of pictures. Source: CIPA DC-007 (MPF), 5.2.3."""
_DAMAGE = (OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError, OverflowError, EOFError, struct.error)


@dataclass(frozen=True)
class StatedColours:
    """What a file says in other words than a colour profile.

    Attributes:
        profile: That means the same; None where nothing else than sRGB is said, or nothing certain.
        words: What says so.
        notes: On what is said and is not followed.
        is_first: Whether it counts before an embedded colour profile.
        has_gain_map: Whether the file holds a second picture that makes an HDR one of its first.
        pictures: How many a JPEG file holds by its index (MPO), without gain maps and previews of the first.
    """

    profile: bytes | None = None
    words: str = ""
    notes: tuple[str, ...] = ()
    is_first: bool = False
    has_gain_map: bool = False
    pictures: int = 1


def stated_colours(path: Path) -> StatedColours:
    """Return what a PNG or JPEG file states; of damaged files and other kinds, nothing."""
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
            if head == png_chunks.HEAD:
                return _of_png(png_chunks.chunks(stream))
            return _of_jpeg(stream, path) if head.startswith(JPEG_HEAD) else StatedColours()
    except _DAMAGE:
        return StatedColours()


def _of_png(chunks: Mapping[bytes, bytes]) -> StatedColours:
    if b"cICP" in chunks:
        return _of_cicp(chunks[b"cICP"])
    if b"iCCP" in chunks or b"sRGB" in chunks or b"gAMA" not in chunks:
        return StatedColours()
    gamma = struct.unpack(">I", chunks[b"gAMA"])[0] / _FIXED
    if gamma <= 0:
        return StatedColours(notes=("PNG gAMA of 0, passed over",))
    primaries, more = BT709, ""
    if b"cHRM" in chunks:
        numbers = [number / _FIXED for number in struct.unpack(">8I", chunks[b"cHRM"])]
        white, red, green, blue = zip(numbers[::2], numbers[1::2], strict=True)
        stated = Primaries(red, green, blue, white)
        if min(numbers[1::2]) <= 0:
            return StatedColours(notes=("PNG gAMA and cHRM of no colours, passed over",))
        primaries, more = (BT709, "") if _near(stated, BT709) else (stated, " and cHRM")
    is_usual = _GAMMA_OF_SRGB[0] <= gamma <= _GAMMA_OF_SRGB[1]
    if is_usual and primaries is BT709:
        return StatedColours()
    curve = SRGB_CURVE if is_usual else (1 / gamma,)
    words = f"PNG gAMA {gamma:.5g}{more}"
    return StatedColours(rgb_profile(words, primaries, curve), words)


def _near(first: Primaries, second: Primaries) -> bool:
    pairs = (
        (first.red, second.red),
        (first.green, second.green),
        (first.blue, second.blue),
        (first.white, second.white),
    )
    return all(abs(a - b) <= _NEAR_PRIMARIES for one, other in pairs for a, b in zip(one, other, strict=True))


def _of_cicp(content: bytes) -> StatedColours:
    primaries, curve, *form = content[:4]
    if tuple(form) == _RGB_FULL_RANGE and (primaries, curve) == _SRGB_CICP:
        return StatedColours(is_first=True)
    if tuple(form) == _RGB_FULL_RANGE and primaries in _PRIMARIES and curve in _CURVES:
        words = f"PNG cICP {_PRIMARIES[primaries][0]} with {_CURVES[curve][0]}"
        return StatedColours(rgb_profile(words, _PRIMARIES[primaries][1], _CURVES[curve][1]), words, is_first=True)
    curve_words = _CURVES[curve][0] if curve in _CURVES else _UNCERTAIN.get(curve, f"curve {curve}")
    primaries_words = _PRIMARIES[primaries][0] if primaries in _PRIMARIES else f"primaries {primaries}"
    narrow = "" if tuple(form) == _RGB_FULL_RANGE else ", not of full range"
    return StatedColours(notes=(f"PNG cICP ({primaries_words}, {curve_words}{narrow}) not followed",))


def _of_jpeg(stream: BinaryIO, path: Path) -> StatedColours:
    stream.seek(2)
    has_gain_map = any(sign in segment for segment in _segments(stream) for sign in _GAIN_MAP_SIGNS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=("JPEG",)) as opened:
            found = _of_exif(opened)
            pictures = _pictures(opened) - has_gain_map
    return replace(found, has_gain_map=has_gain_map, pictures=max(1, pictures))


def _of_exif(opened: Image.Image) -> StatedColours:
    space, index = _exif_colours(opened)
    if opened.info.get("icc_profile") or space not in (_UNCALIBRATED, _ADOBE_OF_SOME):
        return StatedColours()
    if index == _ADOBE_INDEX or space == _ADOBE_OF_SOME:
        profile = rgb_profile("Adobe RGB (1998), by EXIF", ADOBE_RGB, ADOBE_CURVE)
        return StatedColours(profile, "Adobe RGB by its EXIF data")
    return StatedColours(notes=("EXIF says that its colours are uncalibrated, taken as sRGB",))


def _pictures(opened: Image.Image) -> int:
    """Return how many pictures a JPEG file's index (MPO) has, previews apart, which cameras add to what they take."""
    index = getattr(opened, "mpinfo", None) or {}
    kinds = [str(entry["Attribute"]["MPType"]) for entry in index.get(_MP_ENTRIES, ())]
    return sum(not kind.startswith("Large Thumbnail") for kind in kinds)


def _exif_colours(opened: Image.Image) -> tuple[int | None, str]:
    try:
        exif = opened.getexif()
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
    except _DAMAGE:
        return None, ""
    try:
        index = exif.get_ifd(ExifTags.IFD.Interop).get(_INTEROPERABILITY_INDEX, "")
    except _DAMAGE:  # where it has none, for some versions of Pillow
        return space, ""
    return space, str(index).strip("\0 ")


def _segments(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a JPEG's segments that programs add, before its pixels."""
    while len(head := stream.read(4)) == 4:
        marker, length = struct.unpack(">2sH", head)
        if marker[0] != 0xFF or marker == b"\xff\xda" or length < 2:
            return
        content = stream.read(length - 2)
        if 0xE0 <= marker[1] <= 0xEF:
            yield content

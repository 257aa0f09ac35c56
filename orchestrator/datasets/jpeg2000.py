"""JPEG 2000 files: their depth and colour profile, which Pillow does not tell, and files that it reads without it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEAD = b"\0\0\0\x0cjP  \r\n\x87\n"

# Boxes. Source: ISO/IEC 15444-1, annex I; the description of sizes: A.4.1 and A.5.1.
_HEADER, _COLOUR = b"jp2h", b"colr"
_BY_PROFILE = 2
_NUMBERS = {b"RGB ": 16, b"GRAY": 17, b"CMYK": 12}
"""Of colour spaces that a file names in place of a profile."""
_SPACE_AT = 16
_SIZES = b"\xff\x4f\xff\x51"
_DEPTHS_AT, _HEAD_BYTES = 42, 2**16


@dataclass(frozen=True)
class _Box:
    """A part of a file.

    Attributes:
        start: Of the box, with its head.
        content: Where what it holds begins.
    """

    kind: bytes
    start: int
    content: int
    end: int


def bits(path: Path) -> int:
    """Return the bits per value of a file's first channel, 8 where they are not found."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    place = head.find(_SIZES)
    depth = head[place + _DEPTHS_AT : place + _DEPTHS_AT + 1] if place >= 0 else b""
    return (depth[0] & 0x7F) + 1 if depth else 8


def without_profile(content: bytes) -> tuple[bytes, bytes | None]:
    """Return a file that names its colour space in place of a profile, and the profile; None where it has none.

    Some versions of Pillow call files with a profile damaged, and others pass it over.
    """
    outer = next((box for box in _boxes(content, 0, len(content)) if box.kind == _HEADER), None)
    inner = (
        None
        if outer is None
        else next((box for box in _boxes(content, outer.content, outer.end) if box.kind == _COLOUR), None)
    )
    if outer is None or inner is None or content[inner.content : inner.content + 1] != bytes([_BY_PROFILE]):
        return content, None
    profile = content[inner.content + 3 : inner.end]
    number = _NUMBERS.get(profile[_SPACE_AT : _SPACE_AT + 4])
    if number is None or outer.content - outer.start != 8:
        return content, None
    named = struct.pack(">I4sBBBI", 15, _COLOUR, 1, 0, 0, number)
    length = outer.end - outer.start - (inner.end - inner.start) + len(named)
    head = content[: outer.start] + struct.pack(">I4s", length, _HEADER)
    return head + content[outer.content : inner.start] + named + content[inner.end :], profile


def _boxes(content: bytes, start: int, end: int) -> Iterator[_Box]:
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", content, start)
        place = start + 8
        if length == 1 and start + 16 <= end:
            (length,) = struct.unpack_from(">Q", content, place)
            place += 8
        stop = end if length == 0 else start + length
        if stop < place or stop > end:
            return
        yield _Box(kind, start, place, stop)
        start = stop

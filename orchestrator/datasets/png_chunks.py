"""A PNG file's chunks before its pixels, of which some tell what its readers do not."""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

HEAD = b"\x89PNG\r\n\x1a\n"

_LARGEST = 2**24
_ANIMATION, _FRAME = b"acTL", b"fcTL"


def chunks(stream: BinaryIO) -> Mapping[bytes, bytes]:
    """Return the chunks between a file's head, which was read, and its pixels, by name; the last of each."""
    return dict(_each(stream))


def frames(path: Path) -> int:
    """Return how many pictures a PNG file holds: one, but where it is animated (APNG); of damaged files, one.

    Source: Portable Network Graphics (Third Edition), 11.3.6: a first picture without fcTL is no frame.
    """
    with path.open("rb") as stream:
        found = chunks(stream) if stream.read(len(HEAD)) == HEAD else {}
    if len(found.get(_ANIMATION, b"")) != 8:
        return 1
    (count,) = struct.unpack(">I", found[_ANIMATION][:4])
    return int(count) + (_FRAME not in found)


def _each(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT" or length > _LARGEST:
            return
        yield kind, stream.read(length)
        stream.read(4)

"""What a TIFF file's tags tell and its readers do not: how its values lie in it, and who can unpack them."""

import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from PIL.TiffImagePlugin import ImageFileDirectory_v2

HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How TIFF files begin: those with 32-bit places, and with 64-bit ones (BigTIFF), in either order of bytes."""

BIG_ENDIAN_BIGTIFF = HEADS[3]

_BIG = b"+"
"""In the head of a TIFF file whose places are 64-bit numbers."""
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    OverflowError,
    IndexError,
    Warning,
    struct.error,
)

# Tags and values. Source: TIFF 6.0, appendix A.
_WIDTH, _HEIGHT, _BITS, _SAMPLES = 256, 257, 258, 277
_COMPRESSION, _PLAIN = 259, 1
_PHOTOMETRIC, _PALETTE = 262, 3
_ROWS_PER_STRIP, _STRIP_BYTES = 278, 279
_PLANES, _APART = 284, 2
_WEBP = 50001

_READ = {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946}
"""Compressions that are read everywhere: none, CCITT, LZW, JPEG, deflate, PackBits."""

_COMPRESSIONS = {
    _WEBP: "WebP",
    32766: "NeXT",
    32809: "ThunderScan",
    32909: "PixarLog",
    34661: "JBIG",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG of DNG",
    34925: "LZMA",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    50000: "Zstandard",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
"""Names of others. Source: libtiff, tiff.h."""
_TILE_HEIGHT, _TILE_BYTES = 323, 325
_EXTRA_SAMPLES, _ASSOCIATED = 338, 1


@dataclass(frozen=True)
class TiffFacts:
    """Of a TIFF file's first page.

    Attributes:
        is_associated: Whether its colours were multiplied by its transparency.
        piece_bytes: Of the largest piece that is decoded or unpacked at once: a row of tiles, or a strip.
        bits: Per value, the most that one of its channels has.
        in_planes: Whether each channel lies apart.
        in_tiles: Whether it is stored in tiles.
        compression: By TIFF's number.
    """

    has_palette: bool = False
    is_associated: bool = False
    piece_bytes: int = 0
    bits: int = 8
    in_planes: bool = False
    in_tiles: bool = False
    compression: int = _PLAIN

    def unread_compression(self, *, webp: bool = False) -> str | None:
        """Return the name of the compression where it is not read, None where it is.

        Args:
            webp: Whether WebP is, which libvips reads and Pillow does not.
        """
        if self.compression in _READ or (webp and self.compression == _WEBP):
            return None
        return _COMPRESSIONS.get(self.compression, f"number {self.compression}")


def is_tiff(path: Path) -> bool:
    """Return whether a file begins as TIFF files do."""
    with path.open("rb") as stream:
        return stream.read(4) in HEADS


def tiff_facts(path: Path) -> TiffFacts:
    """Return the facts of a file; of a damaged one, none are told."""
    with path.open("rb") as stream:
        return stream_facts(stream)


def stream_facts(stream: BinaryIO) -> TiffFacts:
    """Return the facts of a file that is open; of a damaged one, none are told."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tags that are damaged are not there
            head = stream.read(8)
            tags = ImageFileDirectory_v2(head + stream.read(8) if _BIG in head else head)
            stream.seek(tags.next)
            tags.load(stream)
            return TiffFacts(
                has_palette=tags.get(_PHOTOMETRIC) == _PALETTE,
                is_associated=_ASSOCIATED in tags.get(_EXTRA_SAMPLES, ()),
                piece_bytes=_piece_bytes(tags),
                bits=max(_numbers(tags.get(_BITS, 1))),
                in_planes=tags.get(_PLANES) == _APART and int(tags.get(_SAMPLES, 1)) > 1,
                in_tiles=_TILE_HEIGHT in tags,
                compression=int(tags.get(_COMPRESSION, _PLAIN)),
            )
    except _DAMAGE:
        return TiffFacts()


def _piece_bytes(tags: Mapping[int, Any]) -> int:
    bits = tags.get(_BITS, (8,))
    row_bytes = int(tags[_WIDTH]) * max(int(tags.get(_SAMPLES, 1)), len(bits)) * int(max(bits)) // 8
    if _TILE_HEIGHT in tags:
        return int(tags[_TILE_HEIGHT]) * row_bytes + max(_numbers(tags[_TILE_BYTES]))
    if tags.get(_PLANES) == _APART:
        return min(int(tags.get(_ROWS_PER_STRIP, tags[_HEIGHT])), int(tags[_HEIGHT])) * row_bytes
    if tags.get(_COMPRESSION, _PLAIN) == _PLAIN:
        return 0
    return max(_numbers(tags[_STRIP_BYTES]))


def _numbers(values: Any) -> tuple[int, ...]:
    return tuple(map(int, values)) if isinstance(values, tuple) else (int(values),)

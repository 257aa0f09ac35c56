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
_PHOTOMETRIC = 262
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 1, 3, 5, 6, 8
_ORIENTATION, _UPRIGHT = 274, 1
_SAMPLE_FORMAT = 339
_ROWS_PER_STRIP, _STRIP_BYTES = 278, 279
_PLANES, _APART = 284, 2
_WEBP = 50001

_JPEGS = {6, 7}
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

_COLOURS_READ = {_WHITE_IS_ZERO, _BLACK_IS_ZERO, 2, _PALETTE, _CMYK, _YCBCR, _LAB}
_COLOURS = {
    4: "a mask",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32803: "raw values of a camera's filters",
    32844: "LogL",
    32845: "LogLuv",
    34892: "raw values of a camera",
}
"""Names of kinds of colours that are not read. Source: libtiff, tiff.h."""

_RANGES = {
    2: "values with a sign, whose range is not known",
    3: "floating-point values, whose range is not known",
    5: "values with a sign, whose range is not known",
    6: "floating-point values, whose range is not known",
}
"""Of formats of samples that are not read, complex ones among them."""
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
        compression: By TIFF's number, as are the colours.
        orientation: As EXIF has it.
    """

    has_palette: bool = False
    is_associated: bool = False
    piece_bytes: int = 0
    bits: int = 8
    in_planes: bool = False
    in_tiles: bool = False
    compression: int = _PLAIN
    colours: int = 2
    channels: int = 3
    sample_format: int = 1
    orientation: int = _UPRIGHT

    @property
    def white_is_zero(self) -> bool:
        """Return whether small values mean light."""
        return self.colours == _WHITE_IS_ZERO

    @property
    def is_for_pillow(self) -> bool:
        """Return whether Pillow reads what libvips does not, or takes for RGB, which it is not."""
        has_other_colours = self.colours == _LAB or (self.colours == _YCBCR and self.compression not in _JPEGS)
        return has_other_colours or (self.in_planes and self.in_tiles)

    @property
    def unread_values(self) -> str | None:
        """Return what the file holds that no reader takes as what it is, None where it is read.

        Pillow and libvips give other values for some of these without a word.
        """
        if self.sample_format in _RANGES:
            return _RANGES[self.sample_format]
        if self.bits > 16:
            return f"{self.bits}-bit values, whose range is not known"
        if self.colours not in _COLOURS_READ:
            return f"colours of a kind that is not read ({_COLOURS.get(self.colours, f'number {self.colours}')})"
        if self.colours == _YCBCR and self.compression == _PLAIN:
            return "YCbCr colours without compression, which are not read; save it as RGB"
        if self.colours in {_WHITE_IS_ZERO, _BLACK_IS_ZERO} and self.in_planes:
            return "grey and transparency in separate planes, which are not read; save it with channels side by side"
        return None

    @property
    def unread_by_pillow(self) -> str | None:
        """Return what the file holds that Pillow alone does not take as what it is."""
        if self.colours == _CMYK and self.in_planes and self.bits == 16 and self.compression == _PLAIN:
            return "16-bit CMYK colours in separate planes, which are not read; save it with channels side by side"
        return None

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
                colours=int(tags.get(_PHOTOMETRIC, 2)),
                channels=int(tags.get(_SAMPLES, 1)),
                sample_format=max(_numbers(tags.get(_SAMPLE_FORMAT, 1))),
                orientation=int(tags.get(_ORIENTATION, _UPRIGHT)),
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

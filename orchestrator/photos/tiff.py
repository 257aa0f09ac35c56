"""What a TIFF file's tags tell and libvips does not."""

import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2

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
_TILE_HEIGHT, _TILE_BYTES = 323, 325
_EXTRA_SAMPLES, _ASSOCIATED = 338, 1


@dataclass(frozen=True)
class TiffFacts:
    """Of a TIFF file's first page.

    Attributes:
        is_associated: Whether its colours were multiplied by its transparency.
        piece_bytes: Of the largest piece that is decoded or unpacked at once: a row of tiles, or a strip.
    """

    has_palette: bool = False
    is_associated: bool = False
    piece_bytes: int = 0


def tiff_facts(path: Path) -> TiffFacts:
    """Return the facts of a file; of a damaged one, none are told."""
    try:
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tags that are damaged are not there
            head = stream.read(8)
            tags = ImageFileDirectory_v2(head + stream.read(8) if _BIG in head else head)
            stream.seek(tags.next)
            tags.load(stream)
            return TiffFacts(
                tags.get(_PHOTOMETRIC) == _PALETTE, _ASSOCIATED in tags.get(_EXTRA_SAMPLES, ()), _piece_bytes(tags)
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

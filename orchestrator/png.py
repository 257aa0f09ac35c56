"""PNG pictures as arrays, at 8 and at 16 bits, of which Pillow alone reads and writes 8."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LOW = "RGB;16L"
"""Of values of two bytes the first is the high one, which Pillow keeps; told this order, it keeps the other."""


def read_png(content: bytes) -> np.ndarray:
    """Return the pixels of a PNG file: uint8 or uint16, (H, W, 3), RGB.

    Raises:
        ValueError: Where it is none of RGB, or damaged.
    """
    high = _decoded(content)
    if content[24:25] != b"\x10":
        return high
    return np.asarray(high.astype(np.uint16) << 8 | _decoded(content, _LOW))


def _decoded(content: bytes, order: str | None = None) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.mode != "RGB":
                raise ValueError(f"its pixels are of mode {picture.mode}, not RGB")
            if order is not None:
                picture.tile = [tile._replace(args=order) for tile in picture.tile]
            return np.array(picture, np.uint8)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error


def write_png(pixels: np.ndarray) -> bytes:
    """Return a PNG file of some pixels.

    Args:
        pixels: uint8 or uint16, (H, W, 3), RGB.
    """
    height, width, _ = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, 2, 0, 0, 0)
    content = pixels.astype(pixels.dtype.newbyteorder(">"))
    lines = b"".join(b"\0" + row.tobytes() for row in content)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 1)), (b"IEND", b""))
    return _SIGNATURE + b"".join(map(_chunk, chunks))


def _chunk(chunk: tuple[bytes, bytes]) -> bytes:
    kind, body = chunk
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

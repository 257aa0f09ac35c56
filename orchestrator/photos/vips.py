"""libvips, kept to four kinds of files and to little memory; nothing else here imports it."""

import contextlib
import errno
import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyvips

from orchestrator.photos.exif import without_thumbnail
from orchestrator.photos.strips import Strips, strip_rows
from orchestrator.photos.xmp import without_attachments

Kind = Literal["png", "jpeg", "tiff"]

SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
)
"""How files begin that libvips reads here: by rows, and at full depth."""

_FAST = 1
"""Compression level: three times as fast as the usual one, files a tenth larger."""
_PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
_TYPES: Mapping[str, np.dtype[Any]] = {"uchar": np.dtype(np.uint8), "ushort": np.dtype(np.uint16)}
_WORKERS = 2
_FULL = "No space left"

# Readers that were not asked for stay shut, whatever a file claims to be. Nothing is worth keeping: each picture is
# read once, and what each worker holds of it is memory of the stage.
pyvips.operation_block_set("VipsForeignLoad", True)
for _reader in ("Png", "Jpeg", "Tiff", "Heif"):
    pyvips.operation_block_set(f"VipsForeignLoad{_reader}", False)
pyvips.cache_set_max(0)
pyvips.cache_set_max_mem(0)
pyvips.concurrency_set(_WORKERS)

PictureError = pyvips.Error
"""What libvips raises; `reason` words it."""


@dataclass(frozen=True)
class Metadata:
    """What travels with pixels: colour profile, EXIF and XMP data, pixels per millimetre along columns and rows."""

    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    resolution: tuple[float, float] | None = None


def kind_of(path: Path) -> Kind | None:
    """Return which of the kinds a file begins as, if one."""
    with path.open("rb") as stream:
        begin = stream.read(8)
    return next((kind for signature, kind in SIGNATURES if begin.startswith(signature)), None)


def open_image(path: Path, kind: Kind, *, large: bool = False) -> Any:
    """Return a libvips image of a file, whose rows come once, from top to bottom.

    Args:
        large: Take a TIFF file whose pieces are larger than libvips allows an unknown file.

    Raises:
        PictureError: Where the file's head cannot be read; so does reading rows of a damaged one.
    """
    # Without revalidation a file that was overwritten since it was read comes as it was before.
    options: dict[str, Any] = {"access": "sequential", "fail_on": "error", "revalidate": True}
    if large:
        options["unlimited"] = True
    with path.open("rb") as stream:  # by descriptor, which libvips doubles: names may be bytes that are no text
        source = pyvips.Source.new_from_descriptor(stream.fileno())
    return getattr(pyvips.Image, f"{kind}load_source")(source, **options)


def open_avif(path: Path) -> Any:
    """Return a libvips image of an AVIF file's first picture, upright; it is decoded as a whole.

    Raises:
        PictureError: As `open_image`.
    """
    with path.open("rb") as stream:
        source = pyvips.Source.new_from_descriptor(stream.fileno())
    return pyvips.Image.heifload_source(source, fail_on="error")


def image_of(pixels: np.ndarray) -> Any:
    """Return a libvips image of pixels, uint8 or uint16, (H, W, bands): grey or RGB, with transparency or without."""
    height, width, bands = pixels.shape
    form, names = ("uchar", ("b-w", "srgb")) if pixels.dtype == np.uint8 else ("ushort", ("grey16", "rgb16"))
    image = pyvips.Image.new_from_memory(np.ascontiguousarray(pixels).tobytes(), width, height, bands, form)
    return image.copy(interpretation=names[bands > 2])


def field(image: Any, name: str) -> Any:
    """Return one of an image's facts, None where it has none of that name."""
    return image.get(name) if image.get_typeof(name) else None


def metadata(image: Any) -> Metadata:
    """Return what an image's file holds beside pixels."""
    has_resolution = field(image, "resolution-unit") is not None or (image.xres, image.yres) != (1.0, 1.0)
    return Metadata(
        field(image, "icc-profile-data"),
        field(image, "exif-data"),
        field(image, "xmp-data"),
        (image.xres, image.yres) if has_resolution else None,
    )


def image_strips(image: Any) -> Strips:
    """Yield an image's strips.

    Raises:
        PictureError: Where the file is damaged.
    """
    dtype = _TYPES[image.format]
    region = pyvips.Region.new(image)
    count = strip_rows(image.width, image.bands * dtype.itemsize)
    for top in range(0, image.height, count):
        rows = min(count, image.height - top)
        content = region.fetch(0, top, image.width, rows)
        yield np.frombuffer(content, dtype).reshape(rows, image.width, image.bands)


def reason(error: Exception) -> str:
    """Return libvips' reason for an error, in a line."""
    lines = [line for line in str(error).splitlines() if line.strip() and "bad seek" not in line]
    return lines[1].strip() if len(lines) > 1 else lines[0] if lines else type(error).__name__


@contextlib.contextmanager
def assembled(content: Strips, size: tuple[int, int], bands: int, dtype: np.dtype[Any]) -> Iterator[Any]:
    """Give a libvips image whose rows are those of strips.

    libvips reads what others make only as a file, so they come to it as an uncompressed PNG.

    Also raises what the strips raised.

    Args:
        size: Height and width in pixels.

    Raises:
        OSError: On leaving, where what became of the image could not be written.
    """
    feed = _Feed(_stored_png(content, size, bands, dtype))
    source = pyvips.SourceCustom()
    source.on_read(feed.read)
    try:
        yield pyvips.Image.pngload_source(source, access="sequential", fail_on="error")
    except pyvips.Error as error:
        if feed.error is not None:
            raise feed.error from None
        raise OSError(errno.ENOSPC if _FULL in str(error) else errno.EIO, reason(error)) from error


def save(image: Any, path: str, kind: Literal["png", "tiff"], beside: Metadata) -> None:
    """Write an image with what travels beside its pixels, as upright."""
    image = image.copy()
    for name, value in (
        ("icc-profile-data", beside.profile),
        ("exif-data", beside.exif and without_thumbnail(beside.exif)),
        ("xmp-data", beside.xmp and without_attachments(beside.xmp)),
    ):
        if value is not None:
            image.set_type(pyvips.GValue.blob_type, name, value)
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    if beside.resolution is not None:
        image = image.copy(xres=beside.resolution[0], yres=beside.resolution[1])
    if kind == "png":
        image.pngsave(path, compression=_FAST)
    else:
        image.tiffsave(path, compression="deflate", level=_FAST, predictor="horizontal")


class _Feed:
    """Bytes for libvips to read, which asks in threads of its own, where nobody would hear an exception."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._left = parts, io.BytesIO()
        self.error: BaseException | None = None

    def read(self, count: int) -> bytes:
        found = self._left.read(count)
        while not found:
            try:
                part = next(self._parts, None)
            except BaseException as error:  # raised again where the image is used
                self.error = error
                return b""
            if part is None:
                return b""
            self._left = io.BytesIO(part)
            found = self._left.read(count)
        return found


def _stored_png(content: Strips, size: tuple[int, int], bands: int, dtype: np.dtype[Any]) -> Iterator[bytes]:
    height, width = size
    row_bytes = width * bands * dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, 8 * dtype.itemsize, _PNG_COLOURS[bands], 0, 0, 0)
    yield SIGNATURES[0][0] + _chunk(b"IHDR", header)
    stored = zlib.compressobj(0)
    for strip in content:
        rows = np.zeros((len(strip), 1 + row_bytes), np.uint8)
        rows[:, 1:] = np.ascontiguousarray(strip, dtype.newbyteorder(">")).view(np.uint8).reshape(len(strip), -1)
        yield _chunk(b"IDAT", stored.compress(rows.tobytes()))
    yield _chunk(b"IDAT", stored.flush()) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join(
        (struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))),
    )

"""One photograph of a user: what its file holds, upright, at its own depth, in its own encoding."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from orchestrator.datasets.picture_reading import (
    GAIN_MAP_LEFT_OUT,
    UnusablePicture,
    read_rgb,
    refuse_others_than_files,
    refuse_unread_tiff,
    stated_size,
)
from orchestrator.datasets.png_chunks import frames
from orchestrator.datasets.stated_colours import stated_colours
from orchestrator.datasets.tiff import TiffFacts, tiff_facts
from orchestrator.photos import vips
from orchestrator.photos.colours import in_rgb
from orchestrator.photos.heif import Coding, heif_coding, heif_size, read_heif
from orchestrator.photos.orientation import ORIENTATIONS, UPRIGHT, upright_size, upright_strips
from orchestrator.photos.strips import Source, Strips, strips_of

MOST_PIXELS = 2**29
"""A file that says that it has more is refused: it was made to fill memory or disk."""

_HEIF_BYTES = 32
"""Of a pixel of an HEIC or AVIF file: its planes, and 16-bit pixels as decoded, spread and converted."""

_WHOLE_BYTES = 12
"""Of a pixel that is read whole: as Pillow decodes it, converted, and as an array."""

ResultKind = Literal["png", "tiff"]

_LARGE_PIECE = 32 * 2**20
"""Bytes of a TIFF file's piece that libvips takes without being told to."""
_PIECES = 3
"""How often a piece is in memory: as the file has it, unpacked, and as pixels."""


@dataclass(frozen=True)
class Photo:
    """A photograph, upright.

    Attributes:
        size: Height and width.
        source: Its strips, uint8 or uint16, RGB with transparency as the fourth band where it has one.
        kind: Of the file that its results become.
        notes: What was done to the file's pixels, a phrase for each step.
    """

    size: tuple[int, int]
    bits: Literal[8, 16]
    has_alpha: bool
    kind: ResultKind
    beside: vips.Metadata
    notes: tuple[str, ...]
    source: Source


@dataclass(frozen=True)
class ReadingLimits:
    """What reading a photograph may take.

    Attributes:
        folder: For pixels on their way.
        memory_bytes: None for no limit.
    """

    folder: Path
    memory_bytes: int | None = None


@contextmanager
def opened_photo(path: Path, limits: ReadingLimits) -> Iterator[Photo]:
    """Give a photograph.

    PNG, JPEG and TIFF files are read in strips, at their depth; HEIC and AVIF whole, at their depth; others whole, at 8
    bits. Of several pages, frames or pictures the first is taken.

    Raises:
        UnusablePicture: Where the file is missing, damaged, cut off, no picture, too large, or of a kind whose values
            have no known range; on leaving as well, for damage shows when the strips are read.
    """
    refuse_others_than_files(path)
    try:
        coding = heif_coding(path)
        if coding is not None:
            yield _heif(path, coding, limits)
            return
        kind = vips.kind_of(path)
        facts = tiff_facts(path) if kind == "tiff" else TiffFacts()
        refuse_unread_tiff(facts, webp=True)
        if kind is None or facts.is_for_pillow:
            yield _whole(path, limits)
            return
        with _in_strips(path, kind, facts, limits) as photo:
            yield photo
    except vips.PictureError as error:
        raise UnusablePicture(f"is damaged: {vips.reason(error)}") from error
    except PermissionError as error:
        raise UnusablePicture("may not be read (permission denied)") from error


@contextmanager
def _in_strips(path: Path, kind: vips.Kind, facts: TiffFacts, limits: ReadingLimits) -> Iterator[Photo]:
    stated = stated_colours(path)
    in_pieces = facts.piece_bytes > _LARGE_PIECE
    _refuse_short_memory(_PIECES * facts.piece_bytes, limits, "holds pixels in large pieces, the largest of")

    def source() -> Strips:
        found = vips.open_image(path, kind, large=in_pieces)
        return vips.image_strips(in_rgb(found, vips.metadata(found), stated).image)

    try:
        first = vips.open_image(path, kind, large=in_pieces)
    except vips.PictureError as error:
        raise UnusablePicture(f"cannot be read: {vips.reason(error)}") from error
    _refuse_too_large(first, limits)
    coloured = in_rgb(first, vips.metadata(first), stated)
    notes = list(coloured.notes)
    if stated.has_gain_map:
        notes.append(GAIN_MAP_LEFT_OUT)
    pages = frames(path) if kind == "png" else vips.field(first, "n-pages") or stated.pictures
    if pages > 1:
        notes.insert(0, f"first of {pages} frames")
    notes.extend(_tiff_notes(facts, has_alpha=coloured.image.bands == 4))
    orientation = vips.field(first, "orientation") or UPRIGHT
    if orientation not in ORIENTATIONS:
        orientation = UPRIGHT
    if orientation != UPRIGHT:
        notes.append(f"turned upright (EXIF orientation {orientation})")
    stored = (first.height, first.width)
    with upright_strips(source, stored, orientation, limits.folder) as turned:
        yield Photo(
            upright_size(*stored, orientation),
            16 if coloured.image.format == "ushort" else 8,
            coloured.image.bands == 4,
            "tiff" if kind == "tiff" else "png",
            coloured.beside,
            tuple(notes),
            turned,
        )


def _tiff_notes(facts: TiffFacts, *, has_alpha: bool) -> Iterator[str]:
    if facts.has_palette:
        yield "palette, resolved to colours"
    if facts.is_associated and has_alpha:
        yield "colours divided by the transparency that they were multiplied by"


def _refuse_too_large(image: Any, limits: ReadingLimits) -> None:
    """Refuse bombs, and files that cannot be read in strips where they do not fit into memory.

    An interlaced PNG gives its first row when all of it is read; a progressive JPEG when all coefficients are.
    """
    _refuse_many_pixels(image.height, image.width)
    if not vips.field(image, "interlaced"):
        return
    progressive = vips.field(image, "jpeg-multiscan") is not None
    value_bytes = 2 if progressive or image.format == "ushort" else 1
    _refuse_short_memory(
        image.width * image.height * image.bands * value_bytes,
        limits,
        "is a progressive JPEG," if progressive else "is interlaced,",
    )


def _refuse_many_pixels(height: int, width: int) -> None:
    if width * height > MOST_PIXELS:
        raise UnusablePicture(
            f"is too large: {height} x {width} pixels, and {MOST_PIXELS / 1e6:.0f} million are the most"
        )


def _refuse_short_memory(needed: int, limits: ReadingLimits, why: str) -> None:
    if limits.memory_bytes is not None and needed > limits.memory_bytes:
        raise UnusablePicture(
            f"{why} which is read whole and takes {needed / 2**20:.0f} MiB of memory, and there are "
            f"{limits.memory_bytes / 2**20:.0f} MiB for it; save it as plain PNG, or raise the memory"
        )


def _heif(path: Path, coding: Coding, limits: ReadingLimits) -> Photo:
    size = heif_size(path, coding)
    _refuse_many_pixels(*size)
    _refuse_short_memory(size[0] * size[1] * _HEIF_BYTES, limits, f"is {coding.upper()},")
    found = read_heif(path, coding)
    coloured = in_rgb(vips.image_of(found.pixels), found.beside, found.stated)
    return Photo(
        found.pixels.shape[:2],
        16 if coloured.image.format == "ushort" else 8,
        coloured.image.bands == 4,
        "png",
        coloured.beside,
        (*found.notes, *coloured.notes),
        lambda: vips.image_strips(coloured.image),
    )


def _whole(path: Path, limits: ReadingLimits) -> Photo:
    size = stated_size(path)
    if size is not None:
        _refuse_short_memory(size[0] * size[1] * _WHOLE_BYTES, limits, "is of a kind,")
    picture = read_rgb(path, keep_alpha=True)
    pixels = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    has_alpha = picture.alpha is not None
    return Photo(picture.size, 8, has_alpha, "png", vips.Metadata(), picture.notes, lambda: strips_of(pixels))

"""Picture files of any kind as 8-bit RGB, with a note of everything that was done to them."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from orchestrator.datasets import jpeg2000
from orchestrator.datasets.colour_profiles import in_srgb, means_srgb
from orchestrator.datasets.stated_colours import StatedColours, stated_colours
from orchestrator.datasets.tiff import BIG_ENDIAN_BIGTIFF, TiffFacts, is_tiff, stream_facts

FORMATS = ("PNG", "JPEG", "JPEG2000", "TIFF", "WEBP", "BMP", "DIB", "GIF", "PPM", "TGA")
"""Pillow's readers that are used; that of JPEG reads MPO, too.

The others read rarities, or start other programs, as that of EPS does.
"""

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jp2", ".j2k", ".jpx", ".tif", ".tiff", ".webp"}
    | {".bmp", ".dib", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"}
)
"""Ends of names, in small letters, by which a file is taken for a picture."""

PHOTO_SUFFIXES = frozenset({".heic", ".heif", ".hif", ".avif"})
"""Ends of names of pictures that are read as photographs alone; datasets of pairs and layers take none of them."""

FOREIGN_SUFFIXES = frozenset(
    {".jxl", ".psd", ".exr", ".hdr", ".svg"}
    | PHOTO_SUFFIXES
    | {".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"}
)
"""Ends of names of pictures that nothing here reads: they are refused, never passed over."""

_GREY_MODES = {"1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N", "I"}
_ALPHA_MODES = {"LA", "La", "PA", "RGBA", "RGBa"}
_WIDE_MODES = {"I;16", "I;16L", "I;16B", "I;16N"}
GAIN_MAP_LEFT_OUT = "HDR gain map left out: the SDR picture is taken"

_NARROWED = "16 bits per value, reduced to 8"
_UPRIGHT, _TURNED = 1, range(2, 9)


@dataclass(frozen=True)
class RgbPicture:
    """A picture as it is prepared.

    Attributes:
        pixels: uint8, (H, W, 3), RGB (sRGB).
        notes: What was done to the file's pixels, a phrase for each step.
        alpha: uint8, (H, W), its transparency where it has one and it was asked for.
    """

    pixels: np.ndarray
    notes: tuple[str, ...] = ()
    alpha: np.ndarray | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width)."""
        return self.pixels.shape[0], self.pixels.shape[1]


class UnusablePicture(Exception):
    """A file cannot be taken as a picture; the text is the reason, without the file's name."""


def read_rgb(path: Path, *, keep_alpha: bool = False) -> RgbPicture:
    """Return a picture file as 8-bit RGB, upright, in sRGB.

    Of several frames or pages the first is taken. Transparency is dropped, or kept apart: the stored colours count.

    Raises:
        UnusablePicture: Where the file is missing, damaged, cut off, no picture, or of a kind whose range of values is
            not known (floating point, 32-bit integers).
    """
    refuse_others_than_files(path)
    facts = None
    try:
        facts = _tiff_facts(path)
        with warnings.catch_warnings():
            # Pillow warns of large pictures and of odd metadata; the first are wanted, the second do no harm.
            warnings.simplefilter("ignore")
            file, profile = _readable(path)
            with Image.open(file, formats=FORMATS) as picture:
                profile = profile or picture.info.get("icc_profile")
                return _as_rgb(picture, path, profile, facts or TiffFacts(), keep_alpha=keep_alpha)
    except UnusablePicture:
        raise
    except UnidentifiedImageError as error:
        raise UnusablePicture(_unknown_kind(facts)) from error
    except Image.DecompressionBombError as error:
        raise UnusablePicture(f"is too large: {error}") from error
    except PermissionError as error:
        raise UnusablePicture("may not be read (permission denied)") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError) as error:
        # Pillow's readers raise all of these on damaged files.
        raise UnusablePicture(f"is damaged: {_reason(error)}") from error


def identified(path: Path) -> bool:
    """Return whether the beginning of a file is that of a picture that can be read."""
    return path.is_file() and stated_size(path) is not None


def stated_size(path: Path) -> tuple[int, int] | None:
    """Return the height and width that a picture's file says it has, None where it says none that can be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as picture:
                return picture.height, picture.width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def refuse_others_than_files(path: Path) -> None:
    """Raise UnusablePicture where a path leads to no file: opening a pipe would wait for ever."""
    if path.is_symlink() and not path.exists():
        raise UnusablePicture("is a link that leads nowhere")
    if not path.is_file():
        raise UnusablePicture("is no file" if path.exists() else "is not there")


def refuse_unread_tiff(facts: TiffFacts, *, webp: bool = False) -> None:
    """Raise UnusablePicture where a TIFF file's compression or values are not read.

    Args:
        webp: Whether WebP is.
    """
    compression = facts.unread_compression(webp=webp)
    if compression is not None:
        raise UnusablePicture(
            f"is a TIFF file whose compression, {compression}, is not read; save it with deflate, LZW or none"
        )
    if facts.unread_values is not None:
        raise UnusablePicture(f"holds {facts.unread_values}")


def _unknown_kind(facts: TiffFacts | None) -> str:
    if facts is None or facts == TiffFacts():
        return "is not a picture of a known kind"
    return f"is a TIFF file of a kind that is not read ({facts.channels} channels of {facts.bits} bits each)"


def _tiff_facts(path: Path) -> TiffFacts | None:
    """Return the facts of a file that begins as a TIFF, None of another.

    Raises:
        UnusablePicture: Where it is of a kind that Pillow does not read, which would call it damaged or unknown.
    """
    if not is_tiff(path):
        return None
    with path.open("rb") as stream:
        if stream.read(4) == BIG_ENDIAN_BIGTIFF:
            raise UnusablePicture("is a BigTIFF file in big-endian order, which is not read; save it as a plain TIFF")
        stream.seek(0)
        facts = stream_facts(stream)
    refuse_unread_tiff(facts)
    if facts.unread_by_pillow is not None:
        raise UnusablePicture(f"holds {facts.unread_by_pillow}")
    return facts


def _readable(path: Path) -> tuple[Path | io.BytesIO, bytes | None]:
    """Return a file that Pillow reads, and the colour profile that it would not tell."""
    with path.open("rb") as stream:
        head = stream.read(len(jpeg2000.HEAD))
        if head != jpeg2000.HEAD:
            return path, None
        content, profile = jpeg2000.without_profile(head + stream.read())
    return io.BytesIO(content), profile


def _as_rgb(opened: Image.Image, path: Path, profile: Any, facts: TiffFacts, *, keep_alpha: bool) -> RgbPicture:
    notes: list[str] = []
    stated = stated_colours(path)
    wide = _is_narrowed(opened, facts, path)
    frames = stated.pictures if opened.format in {"JPEG", "MPO"} else getattr(opened, "n_frames", 1)
    if frames > 1:
        notes.append(f"first of {frames} frames")
    if stated.has_gain_map:
        notes.append(GAIN_MAP_LEFT_OUT)
    _mend_planes(opened, facts)
    opened.load()
    picture = _upright(opened, notes)
    if opened.format == "TIFF" and facts.orientation in _TURNED:  # which Pillow has done while it decoded
        notes.append(f"turned upright (EXIF orientation {facts.orientation})")
    if wide:
        notes.append(_NARROWED)
    picture = _in_eight_bits(picture, notes, inverted=facts.white_is_zero)
    transparent = picture.mode in _ALPHA_MODES or "transparency" in picture.info
    alpha = np.array(picture.convert("RGBA").getchannel("A")) if keep_alpha and transparent else None
    picture = _without_alpha(picture, notes)
    if transparent and alpha is None:
        notes.append("transparency dropped")
    picture = _with_meaning(picture, profile, stated, notes)
    return RgbPicture(np.array(picture, np.uint8), tuple(notes), alpha)


def _is_narrowed(opened: Image.Image, facts: TiffFacts, path: Path) -> bool:
    """Whether Pillow cuts this file's 16-bit values to 8 while it decodes, which its mode does not tell."""
    if opened.mode == "I" or opened.mode in _WIDE_MODES:
        return False
    if opened.format == "TIFF":
        return facts.bits > 8
    if opened.format == "JPEG2000":
        return jpeg2000.bits(path) > 8
    tiles: Any = getattr(opened, "tile", ())
    return any(_sixteen_bits(tile[-1]) for tile in tiles)


def _sixteen_bits(settings: Any) -> bool:
    """Whether a decoder's settings say so: a raw mode such as 'RGB;16B', or, of PPM, a largest value above 255."""
    if isinstance(settings, tuple) and len(settings) == 2 and isinstance(settings[-1], int):
        return isinstance(settings[0], str) and settings[-1] > 255
    return ";16" in str(settings)


def _mend_planes(opened: Image.Image, facts: TiffFacts) -> None:
    """Have Pillow unpack planes of uncompressed 16-bit TIFF files as what they are: it takes them for 8-bit ones."""
    if opened.format != "TIFF" or not facts.in_planes or facts.bits != 16:
        return
    file: Any = opened
    order = "B" if file.tag_v2.prefix.startswith(b"MM") else "L"
    file.tile = [_sixteen_bit_plane(tile, order) if tile[0] == "raw" else tile for tile in file.tile]


def _sixteen_bit_plane(tile: Any, order: str) -> Any:
    """Return Pillow's order to decode a piece of a plane, a tuple with names in some versions, for 16-bit values."""
    decoder, box, offset, (band, *more) = tile
    mended = (decoder, box, offset, (f"{band};16{order}", *more))
    return type(tile)._make(mended) if hasattr(tile, "_make") else mended


def _upright(picture: Image.Image, notes: list[str]) -> Image.Image:
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation, _UPRIGHT)
        if orientation == _UPRIGHT:
            return picture
        turned = ImageOps.exif_transpose(picture)
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError, OverflowError):
        notes.append("EXIF data unreadable, taken as upright")
        return picture
    if orientation in _TURNED:
        notes.append(f"turned upright (EXIF orientation {orientation})")
    return turned if turned is not None else picture


def _in_eight_bits(picture: Image.Image, notes: list[str], *, inverted: bool) -> Image.Image:
    """Return the picture with 8 bits per value: 16-bit grey keeps its upper 8.

    Args:
        inverted: Whether small values mean light, which Pillow heeds at 8 bits and not at 16.
    """
    if picture.mode == "F":
        raise UnusablePicture("holds floating-point values, whose range is not known")
    if picture.mode in _WIDE_MODES or picture.mode == "I":
        values = np.asarray(picture)
        if values.min() < 0 or values.max() > 65535:
            raise UnusablePicture("holds 32-bit values, whose range is not known")
        notes.append(_NARROWED)
        upper = (values.astype(np.int64) >> 8).astype(np.uint8)
        picture = Image.fromarray(255 - upper if inverted else upper)
        notes.append("grey, repeated in three channels")
    elif picture.mode in _GREY_MODES:
        notes.append("grey, repeated in three channels")
    return picture


def _without_alpha(picture: Image.Image, notes: list[str]) -> Image.Image:
    """Return the picture in mode L, RGB, CMYK or another of opaque colours."""
    if picture.mode in {"P", "PA"}:
        notes.append("palette, resolved to colours")
        picture = picture.convert("RGBA")
    if picture.mode == "RGBa":
        picture = picture.convert("RGBA")
    if picture.mode == "La":
        picture = picture.convert("LA")
    target = {"LA": "L", "1": "L", "RGBA": "RGB", "RGBX": "RGB"}.get(picture.mode)
    return picture.convert(target) if target else picture


def _with_meaning(picture: Image.Image, embedded: Any, stated: StatedColours, notes: list[str]) -> Image.Image:
    """Return the picture in mode RGB, by what its file says that its colours mean where that is another than sRGB."""
    profile = embedded if isinstance(embedded, bytes) and embedded else None
    if stated.is_first or (profile is None and stated.profile is not None):
        coloured = picture.convert("RGB") if picture.mode == "L" else picture
        converted = None
        if stated.profile is not None and coloured.mode == "RGB":
            converted = in_srgb(coloured, ImageCms.ImageCmsProfile(io.BytesIO(stated.profile)))
            notes.append(f"{stated.words}, converted to sRGB")
    else:
        converted = _through_profile(picture, profile, notes) if profile is not None else None
    notes.extend(stated.notes)
    if converted is not None:
        return converted
    if picture.mode not in {"RGB", "L"}:
        notes.append(f"{picture.mode}, converted to RGB without a colour profile")
    return picture.convert("RGB")


def _through_profile(picture: Image.Image, profile: bytes, notes: list[str]) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(source).strip() or "without a name"
        if picture.mode == "RGB" and means_srgb(source):
            return None
        converted = in_srgb(picture, source)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("colour profile unusable, passed over")
        return None
    kind = f"{picture.mode} with colour profile" if picture.mode == "CMYK" else "colour profile"
    notes.append(f"{kind} '{name}', converted to sRGB")
    return converted


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines and lines[0] else type(error).__name__

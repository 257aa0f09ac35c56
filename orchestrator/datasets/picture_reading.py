"""Picture files of any kind as 8-bit RGB, with a note of everything that was done to them."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "JPEG2000", "TIFF", "WEBP", "BMP", "DIB", "GIF", "PPM", "TGA")
"""Pillow's readers that are used; that of JPEG reads MPO, too.

The others read rarities, or start other programs, as that of EPS does.
"""

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jp2", ".j2k", ".jpx", ".tif", ".tiff", ".webp"}
    | {".bmp", ".dib", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"}
)
"""Ends of names, in small letters, by which a file is taken for a picture."""

FOREIGN_SUFFIXES = frozenset(
    {".heic", ".heif", ".avif", ".jxl", ".psd", ".exr", ".hdr", ".svg"}
    | {".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"}
)
"""Ends of names of pictures that nothing here reads: they are refused, never passed over."""

_GREY_MODES = {"1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N", "I"}
_ALPHA_MODES = {"LA", "La", "PA", "RGBA", "RGBa"}
_WIDE_MODES = {"I;16", "I;16L", "I;16B", "I;16N"}
_SRGB_NAMES = {"c2"}
_NARROWED = "16 bits per value, reduced to 8"
_UPRIGHT = 1


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
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and of odd metadata; the first are wanted, the second do no harm.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as picture:
                return _as_rgb(picture, keep_alpha=keep_alpha)
    except UnusablePicture:
        raise
    except UnidentifiedImageError as error:
        raise UnusablePicture("is not a picture of a known kind") from error
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


def _as_rgb(opened: Image.Image, *, keep_alpha: bool) -> RgbPicture:
    notes: list[str] = []
    profile = opened.info.get("icc_profile")
    wide = _is_wide(opened)
    if opened.format != "MPO" and getattr(opened, "n_frames", 1) > 1:
        notes.append(f"first of {getattr(opened, 'n_frames', 1)} frames")
    opened.load()
    picture = _upright(opened, notes)
    if wide:
        notes.append(_NARROWED)
    picture = _in_eight_bits(picture, notes)
    transparent = picture.mode in _ALPHA_MODES or "transparency" in picture.info
    alpha = np.array(picture.convert("RGBA").getchannel("A")) if keep_alpha and transparent else None
    picture = _without_alpha(picture, notes)
    if transparent and alpha is None:
        notes.append("transparency dropped")
    picture = _in_srgb(picture, profile, notes)
    return RgbPicture(np.array(picture, np.uint8), tuple(notes), alpha)


def _is_wide(opened: Image.Image) -> bool:
    """Whether Pillow cuts this file's 16-bit values to 8 while it decodes; only the decoder's settings tell."""
    tiles: Any = getattr(opened, "tile", ())
    narrowed = opened.mode != "I" and opened.mode not in _WIDE_MODES
    return narrowed and any(_sixteen_bits(tile[-1]) for tile in tiles)


def _sixteen_bits(settings: Any) -> bool:
    """Whether a decoder's settings say so: a raw mode such as 'RGB;16B', or, of PPM, a largest value above 255."""
    if isinstance(settings, tuple) and settings and isinstance(settings[-1], int):
        return isinstance(settings[0], str) and settings[-1] > 255
    return ";16" in str(settings)


def _upright(picture: Image.Image, notes: list[str]) -> Image.Image:
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation, _UPRIGHT)
        if orientation == _UPRIGHT:
            return picture
        turned = ImageOps.exif_transpose(picture)
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError, OverflowError):
        notes.append("EXIF data unreadable, taken as upright")
        return picture
    if orientation in range(2, 9):
        notes.append(f"turned upright (EXIF orientation {orientation})")
    return turned if turned is not None else picture


def _in_eight_bits(picture: Image.Image, notes: list[str]) -> Image.Image:
    """Return the picture with 8 bits per value: 16-bit grey keeps its upper 8."""
    if picture.mode == "F":
        raise UnusablePicture("holds floating-point values, whose range is not known")
    if picture.mode in _WIDE_MODES or picture.mode == "I":
        values = np.asarray(picture)
        if values.min() < 0 or values.max() > 65535:
            raise UnusablePicture("holds 32-bit values, whose range is not known")
        notes.append(_NARROWED)
        picture = Image.fromarray((values.astype(np.int64) >> 8).astype(np.uint8))
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


def is_srgb(profile_name: str) -> bool:
    """Return whether a colour profile of this name is sRGB's, in any of the words that are used for it."""
    return "srgb" in profile_name.lower() or profile_name in _SRGB_NAMES


def _in_srgb(picture: Image.Image, profile: Any, notes: list[str]) -> Image.Image:
    """Return the picture in mode RGB, through its embedded colour profile where that is another than sRGB."""
    converted = _through_profile(picture, profile, notes) if isinstance(profile, bytes) and profile else None
    if converted is not None:
        return converted
    if picture.mode not in {"RGB", "L"}:
        notes.append(f"{picture.mode}, converted to RGB without a colour profile")
    return picture.convert("RGB")


def _through_profile(picture: Image.Image, profile: bytes, notes: list[str]) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(source).strip() or "without a name"
        if picture.mode != "CMYK" and is_srgb(name):
            return None
        converted = ImageCms.profileToProfile(
            picture,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("colour profile unusable, passed over")
        return None
    kind = f"{picture.mode} with colour profile" if picture.mode == "CMYK" else "colour profile"
    notes.append(f"{kind} '{name}', converted to sRGB")
    return converted


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines and lines[0] else type(error).__name__

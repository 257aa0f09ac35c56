"""Picture files of a published set as 8-bit RGB without changing a pixel: what cannot be taken so is refused."""

import io
import warnings
from pathlib import PurePosixPath

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from orchestrator.datasets.picture_reading import FORMATS, RgbPicture, UnusablePicture, refuse_unread_tiff
from orchestrator.datasets.tiff import HEADS, TiffFacts, stream_facts

_SUFFIXES = {
    "PNG": {".png"},
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "MPO": {".jpg", ".jpeg", ".mpo"},
    "BMP": {".bmp", ".dib"},
    "TIFF": {".tif", ".tiff"},
    "WEBP": {".webp"},
}
_UPRIGHT = 1
_DEEPER = "holds more than 8 bits a value, which would have to be changed"


def stored_picture(content: bytes, name: PurePosixPath) -> RgbPicture:
    """Return a file's pixels as they are stored: decoded, never turned, never taken through a colour profile.

    Every published program reads the sets in this way. Grey and palette pictures become RGB of the same colours.

    Raises:
        UnusablePicture: Where the file is damaged or cut off, holds several frames, real transparency, or more than 8
            bits a value.
    """
    facts = stream_facts(io.BytesIO(content)) if content.startswith(HEADS) else TiffFacts()
    refuse_unread_tiff(facts)
    if facts.bits > 8:
        raise UnusablePicture(_DEEPER)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
                return _as_stored(opened, name)
    except UnusablePicture:
        raise
    except UnidentifiedImageError as error:
        raise UnusablePicture("is no picture of a known kind") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise UnusablePicture(f"is damaged: {lines[0]}") from error
    except Image.DecompressionBombError as error:
        raise UnusablePicture(f"is too large: {error}") from error


def _as_stored(opened: Image.Image, name: PurePosixPath) -> RgbPicture:
    notes = []
    kind = opened.format or "picture"
    if kind in _SUFFIXES and name.suffix.lower() not in _SUFFIXES[kind]:
        notes.append(f"a {kind} file that is called {name.suffix}")
    if kind != "MPO" and getattr(opened, "n_frames", 1) > 1:
        raise UnusablePicture(f"holds {getattr(opened, 'n_frames', 1)} frames")
    # Only the decoder's settings tell that Pillow would cut 16 bits to 8.
    if opened.mode in {"I", "F"} or opened.mode.startswith("I;") or ";16" in str(getattr(opened, "tile", "")):
        raise UnusablePicture(_DEEPER)
    opened.load()
    if _orientation(opened) != _UPRIGHT:
        notes.append(f"EXIF orientation {_orientation(opened)} not followed: the pixels are as stored")
    return RgbPicture(np.asarray(_rgb(opened, notes), np.uint8), tuple(notes))


def _rgb(picture: Image.Image, notes: list[str]) -> Image.Image:
    if picture.mode == "RGB" and "transparency" not in picture.info:
        return picture
    if picture.mode in {"L", "1"} and "transparency" not in picture.info:
        notes.append("grey, repeated in three channels")
        return picture.convert("RGB")
    if picture.mode in {"P", "PA", "RGBA", "LA", "RGB", "L"}:
        whole = picture.convert("RGBA")
        low, _ = whole.getchannel("A").getextrema()
        if low != 255:
            raise UnusablePicture("is transparent in places: what lies below is not known")
        notes.append("palette, resolved to colours" if picture.mode == "P" else "opaque alpha channel dropped")
        return whole.convert("RGB")
    raise UnusablePicture(f"is of mode {picture.mode}, whose conversion to RGB would change it")


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, _UPRIGHT))
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError, OverflowError):
        return _UPRIGHT

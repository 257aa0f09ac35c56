"""What colours a photograph's file holds, and the way from them to RGB, with or without transparency."""

import io
from dataclasses import dataclass, replace
from typing import Any

from PIL import ImageCms

from orchestrator.datasets.colour_profiles import means_srgb
from orchestrator.datasets.picture_reading import UnusablePicture
from orchestrator.datasets.stated_colours import StatedColours
from orchestrator.photos.vips import Metadata, field

_FLOATS = {"float", "double", "complex", "dpcomplex"}
_COLOURS = {"b-w": 1, "grey16": 1, "srgb": 3, "rgb": 3, "rgb16": 3, "cmyk": 4}
"""Bands of colour by libvips' name of a colour space; more are transparency and what else a program kept."""
_SPACES = {1: b"GRAY", 3: b"RGB ", 4: b"CMYK"}
_SPACE_AT, _SIGN_AT, _SIGN = 16, 36, b"acsp"
"""Where an ICC profile names its colour space, and itself a profile. Source: ICC.1, 7.2, profile header."""


@dataclass(frozen=True)
class Coloured:
    """An RGB or RGBA picture of 8 or 16 bits, lazily.

    Attributes:
        notes: What was done to its values.
    """

    image: Any
    beside: Metadata
    notes: tuple[str, ...]


def in_rgb(image: Any, beside: Metadata, stated: StatedColours) -> Coloured:
    """Return a picture as RGB, in the encoding of its file wherever that is RGB; transparency is kept.

    What the file states in other words than a profile becomes one, so that its results mean what it means.

    Raises:
        UnusablePicture: Where its values have no known range, or its colours are of an unknown kind.
    """
    _refuse_unknown_ranges(image)
    space = str(image.interpretation)
    count = _COLOURS.get(space, 3 if space == "multiband" and image.bands in (3, 4) else 0)
    if count == 0 or image.bands < count:
        raise UnusablePicture(f"holds colours of a kind that is not read ({space}, {image.bands} bands)")
    notes: list[str] = []
    if image.bands > count + 1:
        notes.append(f"{image.bands - count - 1} further channels dropped")
        image = image[: count + 1]
    is_stated = count != 4 and (stated.is_first or (not beside.profile and stated.profile is not None))
    profile, words = (None, ()) if is_stated else _usable_profile(beside.profile, count)
    if field(image, "palette"):
        notes.append("palette, resolved to colours")
    if count != 3:
        image, profile, more = _from_grey(image, profile) if count == 1 else _from_cmyk(image, profile)
        notes.extend(more)
    notes.extend((*words, *stated.notes))
    if is_stated and stated.profile is not None:
        profile = stated.profile
        notes.append(f"{stated.words}, kept as a colour profile: the network sees its values")
    return Coloured(image, replace(beside, profile=profile), tuple(notes))


def _refuse_unknown_ranges(image: Any) -> None:
    if image.format in _FLOATS:
        raise UnusablePicture("holds floating-point values, whose range is not known")
    if image.format in {"uint", "int"}:
        raise UnusablePicture("holds 32-bit values, whose range is not known")
    if image.format not in {"uchar", "ushort"}:
        raise UnusablePicture("holds values with a sign, whose range is not known")


def _usable_profile(profile: bytes | None, colour_bands: int) -> tuple[bytes | None, tuple[str, ...]]:
    """Return a profile that says what these bands mean, with words on it; sRGB is what is meant without one."""
    if not profile:
        return None, ()
    usable = profile[_SIGN_AT : _SIGN_AT + 4] == _SIGN
    if not usable or profile[_SPACE_AT : _SPACE_AT + 4] != _SPACES[colour_bands]:
        return None, ("colour profile unusable, passed over",)
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(opened).strip()
        if colour_bands != 3 or means_srgb(opened):
            return profile, ()
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None, ("colour profile unusable, passed over",)
    return profile, (f"colour profile '{name or 'without a name'}' kept: the network sees its values",)


def _from_grey(image: Any, profile: bytes | None) -> tuple[Any, bytes | None, tuple[str, ...]]:
    if profile is not None:
        return _through_profile(image, 1, "grey with a colour profile, converted to sRGB")
    grey, alpha = image[0], [image[1]] if image.bands == 2 else []
    joined = grey.bandjoin([grey, grey, *alpha])
    return _named(joined), None, ("grey, repeated in three channels",)


def _from_cmyk(image: Any, profile: bytes | None) -> tuple[Any, bytes | None, tuple[str, ...]]:
    if profile is not None:
        return _through_profile(image, 4, "CMYK with a colour profile, converted to sRGB")
    most = _most(image)
    light = (most - image[0:3]) * (most - image[3]) / most
    rgb = light.rint().cast(image.format)
    joined = rgb.bandjoin(image[4]) if image.bands == 5 else rgb
    return _named(joined), None, ("CMYK, converted to RGB without a colour profile",)


def _through_profile(image: Any, count: int, note: str) -> tuple[Any, bytes | None, tuple[str, ...]]:
    """Return a picture through its embedded profile, with sRGB's in its place; transparency goes around it."""
    depth = 16 if image.format == "ushort" else 8
    alpha = image[count] if image.bands > count else None
    rgb = image[:count].icc_transform("srgb", embedded=True, intent="relative", depth=depth)
    joined = rgb if alpha is None else rgb.bandjoin(alpha)
    return _named(joined), bytes(rgb.get("icc-profile-data")), (note,)


def _most(image: Any) -> int:
    return 65535 if image.format == "ushort" else 255


def _named(image: Any) -> Any:
    return image.copy(interpretation="rgb16" if image.format == "ushort" else "srgb")

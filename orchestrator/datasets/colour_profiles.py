"""Colour profiles (ICC): whether one means what sRGB means, and profiles for colours that files tell in other words."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

_NEAR = 2
"""Levels of 255 by which a profile's colours may lie off those of sRGB and count as the same."""
_PROBES = 16
"""Levels of each channel that are compared."""

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])
D65 = (0.3127, 0.3290)

Curve = tuple[float, ...]
"""From stored values to light, as ICC.1's parametric curves have it: g, or g, a, b, c, d."""

SRGB_CURVE: Curve = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


@dataclass(frozen=True)
class Primaries:
    """Chromaticities x, y of red, green, blue, and of white."""

    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]
    white: tuple[float, float] = D65


BT709 = Primaries((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
"""Those of sRGB, too."""
BT2020 = Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
DISPLAY_P3 = Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = Primaries((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_CURVE: Curve = (563 / 256,)


def means_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Return whether colours through a profile of RGB come out as sRGB has them, whatever its name says.

    Raises:
        ImageCms.PyCMSError: Where it cannot be used for RGB.
    """
    levels = np.linspace(0, 255, _PROBES).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(_PROBES, -1, 3)
    seen = np.asarray(in_srgb(Image.fromarray(colours), profile))
    return bool(np.abs(seen.astype(np.int16) - colours).max() <= _NEAR)


def in_srgb(picture: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """Return a picture through its profile, in mode RGB.

    Raises:
        ImageCms.PyCMSError: Where the profile does not fit the picture's mode.
    """
    converted = ImageCms.profileToProfile(
        picture,
        profile,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
    )
    assert converted is not None  # only where it converts in place
    return converted


def rgb_profile(name: str, primaries: Primaries, curve: Curve) -> bytes:
    """Return an ICC profile of RGB colours.

    Source: ICC.1:2010 (version 4.3), 8.3 and 9; the adaptation to D50 is Bradford's.

    Args:
        name: Of letters that are ASCII; programs show it.
    """
    adapted, adaptation = _in_d50(primaries)
    text = _multilingual(name)
    function = {1: 0, 5: 3}[len(curve)]
    light = b"para\0\0\0\0" + struct.pack(">HH", function, 0) + _numbers(curve)
    tags = {
        b"desc": text,
        b"cprt": _multilingual("No copyright"),
        b"wtpt": b"XYZ \0\0\0\0" + _numbers(_D50),
        b"chad": b"sf32\0\0\0\0" + _numbers(adaptation.ravel()),
        **{
            place: b"XYZ \0\0\0\0" + _numbers(adapted[:, band])
            for band, place in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))
        },
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), light),
    }
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for tag, value in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _numbers(_D50) + bytes(48)
    return head + table + body


def _in_d50(primaries: Primaries) -> tuple[np.ndarray, np.ndarray]:
    """Return the XYZ values of red, green and blue, a column each, and the matrix that brought white to D50."""
    columns = np.array([_xyz(xy) for xy in (primaries.red, primaries.green, primaries.blue)]).T
    white = _xyz(primaries.white)
    rgb_to_xyz = columns * np.linalg.solve(columns, white)
    cones = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    adaptation = np.linalg.solve(_BRADFORD, cones @ _BRADFORD)
    return adaptation @ rgb_to_xyz, adaptation


def _xyz(chromaticity: tuple[float, float]) -> np.ndarray:
    x, y = chromaticity
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _numbers(values: Sequence[float] | np.ndarray) -> bytes:
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def _multilingual(text: str) -> bytes:
    content = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(content), 28) + content

"""Picture files of every kind, all of which mean one and the same picture, made without the readers under test.

Kinds are made of what they consist of: format, depth, order of bytes, layout, compression, and how they tell colours.
"""

from __future__ import annotations

import io
import itertools
import math
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageCms

from orchestrator.datasets.colour_profiles import (
    ADOBE_CURVE,
    ADOBE_RGB,
    BT709,
    DISPLAY_P3,
    SRGB_CURVE,
    Curve,
    Primaries,
    rgb_profile,
)
from tests.photos.photo_files import write_png

NARROWED = "16 bits per value, reduced to 8"
_ROWS, _COLUMNS, _BAND = np.mgrid[0:50, 0:70, 0:3]
PICTURE = (20 + (_ROWS * 7 + _COLUMNS * 3 + _BAND * 67 + _ROWS * _COLUMNS // 9) % 216).astype(np.uint8)
"""uint8, (50, 70, 3): no multiple of a tile, and no channel, row or column like another."""

# Source: IEC 61966-2-1; Adobe RGB (1998) 4.3.6; SMPTE EG 432-1.
_XYZ_OF_SRGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_ADOBE_OF_XYZ = np.array([[2.04159, -0.56501, -0.34473], [-0.96924, 1.87597, 0.04156], [0.01344, -0.11836, 1.01517]])
_P3_OF_XYZ = np.array([[2.49350, -0.93138, -0.40271], [-0.82949, 1.76266, 0.02362], [0.03585, -0.07617, 0.95688]])


@dataclass(frozen=True)
class PictureKind:
    """A kind of file.

    Attributes:
        write: Writes `PICTURE` to a path.
        prepared: Notes of a dataset's picture; None where it is refused.
        kept: Notes of a photograph; None where it is refused.
        refusal: What is said of it where it is refused.
        least_db: What a reader's picture may lie off `PICTURE`; inf for not at all.
    """

    name: str
    write: Callable[[Path], object]
    prepared: tuple[str, ...] | None = ()
    kept: tuple[str, ...] | None = ()
    least_db: float = math.inf
    refusal: str = ""


def picture_kinds() -> list[PictureKind]:
    """Return all of them."""
    return [
        *_tiffs(),
        *_packed_tiffs(),
        *_odd_tiffs(),
        *_profiles(),
        *_png_statements(),
        *_exif_statements(),
        *_others(),
    ]


def _tiffs() -> Iterator[PictureKind]:
    """TIFF files by order, depth, planes, layout, compression, places and channels."""
    sorts = itertools.product(
        "<>", (8, 16), ("contig", "separate"), (None, (16, 32)), (None, "zlib"), (False, True), (1, 3, 4)
    )
    for order, bits, planes, tile, compression, big, bands in sorts:
        if (planes == "separate" and bands == 1) or (big and (tile or compression or bands != 3)):
            continue
        words = (
            "le" if order == "<" else "be",
            str(bits),
            planes,
            "tiles" if tile else "strips",
            compression or "plain",
        )
        name = "-".join(("big" if big else "classic", *words, f"{bands}.tif"))
        notes = [NARROWED] * (bits == 16) + ["transparency dropped"] * (bands == 4)
        narrowed = bits == 16 and tile is not None and planes == "separate"
        yield PictureKind(
            name,
            _tiff_writer(bits, bands, planes, byteorder=order, bigtiff=big, tile=tile, compression=compression),
            None if big and order == ">" else (*notes, *["grey, repeated in three channels"] * (bands == 1)),
            (NARROWED,) if narrowed else ("grey, repeated in three channels",) * (bands == 1),
            refusal="is a BigTIFF file in big-endian order",
        )


def _tiff_writer(bits: int, bands: int, planes: str, **options: Any) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        pixels = PICTURE if bits == 8 else PICTURE.astype(np.uint16) * 257
        if bands == 4:
            pixels = np.dstack([pixels, np.full(pixels.shape[:2], np.iinfo(pixels.dtype).max, pixels.dtype)])
            options["extrasamples"] = ["unassalpha"]
        if bands == 1:
            pixels = pixels[..., 0]
        if bands > 1:
            options["planarconfig"] = planes
        if planes == "separate":
            pixels = np.moveaxis(pixels, -1, 0)
        rows = {} if options["tile"] else {"rowsperstrip": 7}
        photometric = "rgb" if bands > 1 else "minisblack"
        tifffile.imwrite(path, pixels, photometric=photometric, metadata=None, **rows, **options)

    return write


def _packed_tiffs() -> Iterator[PictureKind]:
    for name, compression, refused in (
        ("lzw", "tiff_lzw", False),
        ("deflate", "tiff_adobe_deflate", False),
        ("packbits", "packbits", False),
        ("zstandard", "zstd", True),
        ("lzma", "lzma", True),
    ):
        notes = None if refused else ()
        refusal = "is a TIFF file whose compression, (Zstandard|LZMA), is not read"
        yield PictureKind(f"{name}.tif", _saver(compression=compression), notes, notes, refusal=refusal)
    yield PictureKind("jpeg.tif", _saver(compression="jpeg", quality=100), least_db=35)


def _odd_tiffs() -> Iterator[PictureKind]:
    """TIFF files that readers take for another picture without a word, or call damaged."""
    grey, deep = ("grey, repeated in three channels",), PICTURE.astype(np.uint16) * 257
    for bits, narrowed in ((8, ()), (16, (NARROWED,))):
        inverted = ~(PICTURE if bits == 8 else deep)[..., 0]
        write = _writer(inverted, photometric="miniswhite")
        yield PictureKind(f"white-is-zero-{bits}.tif", write, (*narrowed, *grey), grey)
    for orientation, stored in ((3, np.rot90(deep, 2)), (6, np.rot90(deep)), (8, np.rot90(deep, -1))):
        turned = (f"turned upright (EXIF orientation {orientation})",)
        for compression in (None, "zlib"):
            tag = (274, "H", 1, orientation, True)
            write = _writer(stored, photometric="rgb", extratags=[tag], compression=compression)
            name = f"orientation-{orientation}-{compression or 'plain'}.tif"
            yield PictureKind(name, write, (*turned, NARROWED), turned)
    lab = np.asarray(
        ImageCms.profileToProfile(
            Image.fromarray(PICTURE), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
    )
    converted = ("LAB, converted to RGB without a colour profile",)
    yield PictureKind("lab.tif", _writer(lab, photometric="cielab"), converted, converted, 40)
    printed = np.asarray(Image.fromarray(PICTURE).convert("CMYK"))
    words = ("CMYK, converted to RGB without a colour profile",)
    for bits, narrowed in ((8, ()), (16, (NARROWED,))):
        values = printed if bits == 8 else printed.astype(np.uint16) * 257
        options: dict[str, Any] = {"photometric": "separated", "extrasamples": []}
        yield PictureKind(f"cmyk-{bits}.tif", _writer(values, **options), (*narrowed, *words), words)
        planes = _writer(np.moveaxis(values, -1, 0), planarconfig="separate", **options)
        refusal = "holds 16-bit CMYK colours in separate planes"
        yield PictureKind(f"cmyk-planes-{bits}.tif", planes, words if bits == 8 else None, words, refusal=refusal)
    ycbcr = np.asarray(Image.fromarray(PICTURE).convert("YCbCr"))
    packed = _writer(ycbcr, photometric="ycbcr", compression="zlib", subsampling=(1, 1))
    yield PictureKind("ycbcr-packed.tif", packed, least_db=40)
    yield from _refused_tiffs(deep, ycbcr)


def _refused_tiffs(deep: np.ndarray, ycbcr: np.ndarray) -> Iterator[PictureKind]:
    grey_alpha = np.stack([PICTURE[..., 0], np.full(PICTURE.shape[:2], 128, np.uint8)])
    pairs = {"planarconfig": "separate", "extrasamples": ["unassalpha"]}
    for name, pixels, colours, options, refusal in (
        ("signed-8", (PICTURE // 2).astype(np.int8)[..., 0], "minisblack", {}, "values with a sign"),
        ("signed-16", (deep // 2).astype(np.int16), "rgb", {}, "values with a sign"),
        ("grey-32", deep.astype(np.uint32)[..., 0], "minisblack", {}, "32-bit values"),
        ("rgb-32", deep.astype(np.uint32), "rgb", {}, "32-bit values"),
        ("rgb-64", deep.astype(np.uint64), "rgb", {}, "64-bit values"),
        ("float-16", (PICTURE / 255).astype(np.float16), "rgb", {}, "floating-point values"),
        ("float-64", PICTURE[..., 0] / 255, "minisblack", {}, "floating-point values"),
        ("icc-lab", PICTURE, "icclab", {}, r"colours of a kind that is not read \(ICC L\*a\*b\*\)"),
        ("filters", PICTURE[..., 0], "cfa", {}, "colours of a kind that is not read .raw values of a camera's filters"),
        ("ycbcr", ycbcr, "ycbcr", {"subsampling": (1, 1)}, "YCbCr colours without compression"),
        ("grey-alpha-planes", grey_alpha, "minisblack", pairs, "grey and transparency in separate planes"),
    ):
        write = _writer(pixels, photometric=colours, **options)
        yield PictureKind(f"{name}.tif", write, None, None, refusal=f"holds {refusal}")
    five = np.dstack([deep, deep[..., :2]])
    kept = ("1 further channels dropped",)
    write = _writer(five, photometric="rgb", extrasamples=["unassalpha", "unspecified"])
    refusal = r"is a TIFF file of a kind that is not read \(5 channels of 16 bits each\)"
    yield PictureKind("five-channels.tif", write, None, kept, refusal=refusal)


def _writer(pixels: np.ndarray, **options: Any) -> Callable[[Path], object]:
    return lambda path: tifffile.imwrite(path, pixels, metadata=None, **options)


def _saver(**options: Any) -> Callable[[Path], object]:
    return lambda path: Image.fromarray(PICTURE).save(path, **options)


def _profiles() -> Iterator[PictureKind]:
    """PNG and TIFF files whose profile's name and meaning differ in every way."""
    for name in ("sRGB-elle-V2-g10", "GIMP built-in Linear sRGB", "linear Rec709"):
        yield _with_profile(name, BT709, (1.0,), 30)
    yield _with_profile("sRGB of gamma 2.2", BT709, (2.2,), 44)
    yield _with_profile("Display P3", DISPLAY_P3, SRGB_CURVE, 44)
    yield _with_profile("Adobe RGB (1998)", ADOBE_RGB, ADOBE_CURVE, 44)
    same = rgb_profile("A monitor", BT709, SRGB_CURVE)
    yield PictureKind("same-as-srgb.png", _saver(icc_profile=same))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield PictureKind("srgb.tif", _saver(icc_profile=srgb))


def _with_profile(name: str, primaries: Primaries, curve: Curve, least_db: float) -> PictureKind:
    content = rgb_profile(name, primaries, curve)
    return PictureKind(
        f"profile-{name}.png",
        lambda path: Image.fromarray(encoded(primaries, curve)).save(path, icc_profile=content),
        (f"colour profile '{name}', converted to sRGB",),
        (f"colour profile '{name}' kept: the network sees its values",),
        least_db,
    )


def encoded(primaries: Primaries, curve: Curve) -> np.ndarray:
    """Return `PICTURE` in another encoding of colours, at 8 bits."""
    stored = PICTURE / 255
    light = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    if primaries is not BT709:
        light = light @ (({ADOBE_RGB: _ADOBE_OF_XYZ, DISPLAY_P3: _P3_OF_XYZ}[primaries]) @ _XYZ_OF_SRGB).T
    light = light.clip(0, 1)
    if curve == SRGB_CURVE:
        values = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    else:
        values = light ** (1 / curve[0])
    return np.rint(values * 255).astype(np.uint8)


def _png_statements() -> Iterator[PictureKind]:
    """PNG files that tell their colours in chunks of their own."""
    linear, plain = encoded(BT709, (1.0,)), PICTURE
    srgb = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    adobe = struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
    gamma = {value: struct.pack(">I", value) for value in (45455, 100000)}
    p3_cicp, srgb_cicp = bytes((12, 13, 0, 1)), bytes((1, 13, 0, 1))
    display_p3 = b"p3\0\0" + zlib.compress(rgb_profile("Display P3", DISPLAY_P3, SRGB_CURVE))
    yield _stated("gama-linear", linear, [(b"gAMA", gamma[100000])], "PNG gAMA 1", 30)
    yield _stated("gama-chrm-linear", linear, [(b"cHRM", srgb), (b"gAMA", gamma[100000])], "PNG gAMA 1", 30)
    yield _stated("gama-usual", plain, [(b"gAMA", gamma[45455])])
    yield _stated("gama-chrm-usual", plain, [(b"gAMA", gamma[45455]), (b"cHRM", srgb)])
    yield _stated("srgb-before-gama", plain, [(b"sRGB", b"\0"), (b"gAMA", gamma[100000])])
    gamma_22 = (b"gAMA", struct.pack(">I", round(100000 * 256 / 563)))
    adobe_name = f"PNG gAMA {256 / 563:.5g} and cHRM"
    adobe_pixels = encoded(ADOBE_RGB, SRGB_CURVE)  # gAMA of about 1/2.2 means sRGB's curve
    yield _stated("chrm-adobe", adobe_pixels, [gamma_22, (b"cHRM", adobe)], adobe_name, 40)
    yield _stated("cicp-srgb", plain, [(b"cICP", srgb_cicp)])
    yield _stated("cicp-srgb-before-a-profile", plain, [(b"cICP", srgb_cicp), (b"iCCP", display_p3)])
    p3_words = "PNG cICP P3 with sRGB's curve"
    yield _stated("cicp-p3", encoded(DISPLAY_P3, SRGB_CURVE), [(b"cICP", p3_cicp)], p3_words, 44)
    yield _stated("cicp-linear", linear, [(b"cICP", bytes((1, 8, 0, 1)))], "PNG cICP BT.709 with linear", 30)
    for curve, words in ((16, "BT.2020, PQ, an HDR curve"), (18, "BT.2020, HLG, an HDR curve")):
        notes = (f"PNG cICP ({words}) not followed",)
        chunk = (b"cICP", bytes((9, curve, 0, 1)))
        yield PictureKind(f"cicp-{curve}.png", _png_writer(plain, [chunk]), notes, notes)


def _stated(
    name: str, pixels: np.ndarray, chunks: list[tuple[bytes, bytes]], words: str = "", least_db: float = math.inf
) -> PictureKind:
    return PictureKind(
        f"{name}.png",
        _png_writer(pixels, chunks),
        (f"{words}, converted to sRGB",) if words else (),
        (f"{words}, kept as a colour profile: the network sees its values",) if words else (),
        least_db,
    )


def _png_writer(pixels: np.ndarray, chunks: list[tuple[bytes, bytes]]) -> Callable[[Path], object]:
    return lambda path: write_png(path, pixels, *chunks)


def _exif_statements() -> Iterator[PictureKind]:
    """JPEG files whose EXIF data tell their colours, as cameras that were set to Adobe RGB write them."""
    adobe = encoded(ADOBE_RGB, ADOBE_CURVE)
    words = "Adobe RGB by its EXIF data"
    converted, kept = (
        (f"{words}, converted to sRGB",),
        (f"{words}, kept as a colour profile: the network sees its values",),
    )
    yield PictureKind("exif-adobe.jpg", _jpeg_writer(adobe, 0xFFFF, "R03"), converted, kept, 34)
    yield PictureKind("exif-adobe-of-some.jpg", _jpeg_writer(adobe, 2, None), converted, kept, 34)
    yield PictureKind("exif-srgb.jpg", _jpeg_writer(PICTURE, 1, "R98"), (), (), 35)
    note = ("EXIF says that its colours are uncalibrated, taken as sRGB",)
    yield PictureKind("exif-uncalibrated.jpg", _jpeg_writer(PICTURE, 0xFFFF, None), note, note, 35)


def _jpeg_writer(pixels: np.ndarray, space: int, index: str | None) -> Callable[[Path], object]:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = space
    if index is not None:
        exif.get_ifd(0x8769)[0xA005] = {1: index, 2: b"0100"}
    return lambda path: Image.fromarray(pixels).save(path, quality=100, subsampling=0, exif=exif)


def _others() -> Iterator[PictureKind]:
    """Kinds that both sides read by the same program, at 8 bits."""
    for suffix, options in (("webp", {"lossless": True}), ("bmp", {}), ("ppm", {}), ("tga", {})):
        yield PictureKind(f"plain.{suffix}", _saver(**options))
    deep = PICTURE.astype(">u2") * 257
    head = f"P6 {PICTURE.shape[1]} {PICTURE.shape[0]} 65535\n".encode()
    yield PictureKind("deep.ppm", lambda path: path.write_bytes(head + deep.tobytes()), (NARROWED,), (NARROWED,))
    yield PictureKind("deep.png", lambda path: write_png(path, PICTURE.astype(np.uint16) * 257), (NARROWED,))
    yield PictureKind("plain.png", _saver())
    yield PictureKind("plain.jpg", _saver(quality=100, subsampling=0), least_db=35)


def _jpeg2000() -> Iterator[PictureKind]:
    """JPEG 2000 files of both depths, with a profile and with the name of a colour space."""
    p3 = rgb_profile("Display P3", DISPLAY_P3, SRGB_CURVE)
    converted = ("colour profile 'Display P3', converted to sRGB",)
    for suffix in ("jp2", "j2k"):
        yield PictureKind(f"plain.{suffix}", _saver())
    yield PictureKind("p3.jp2", _jpeg2000_writer(encoded(DISPLAY_P3, SRGB_CURVE), p3), converted, converted, 44)
    yield PictureKind("srgb.jp2", _jpeg2000_writer(PICTURE, rgb_profile("A name", BT709, SRGB_CURVE)))


def _jpeg2000_writer(pixels: np.ndarray, profile: bytes) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG2000")
        content = stream.getvalue()
        outer, inner = content.index(b"jp2h") - 4, content.index(b"colr") - 4
        (outer_length,), (length,) = (struct.unpack_from(">I", content, place) for place in (outer, inner))
        box = struct.pack(">I4s3B", 11 + len(profile), b"colr", 2, 0, 0) + profile
        head = content[:outer] + struct.pack(">I", outer_length - length + len(box)) + content[outer + 4 : inner]
        path.write_bytes(head + box + content[inner + length :])

    return write


def level_db(pixels: np.ndarray) -> float:
    """Return the PSNR of a reader's picture, uint8, (50, 70, 3), against `PICTURE`; inf where they are equal."""
    error = np.mean((pixels.astype(np.float64) - PICTURE) ** 2)
    return math.inf if error == 0 else float(10 * np.log10(255**2 / error))


def as_seen(pixels: np.ndarray, profile: bytes | None) -> np.ndarray:
    """Return pixels of 8 or 16 bits as a program shows them that follows their profile: uint8, (H, W, 3), sRGB."""
    eight = (pixels[..., :3] >> 8 if pixels.dtype == np.uint16 else pixels[..., :3]).astype(np.uint8)
    if profile is None:
        return eight
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    shown = ImageCms.profileToProfile(
        Image.fromarray(eight),
        source,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    return np.asarray(shown)

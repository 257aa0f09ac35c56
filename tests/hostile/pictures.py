"""Prepared datasets and photographs that lie, lead elsewhere or are something else, through stages that read them."""

import io
import os
import pickle
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from stagekit import ExitCode
from tests.hostile.guarded import Place
from tests.hostile.indexes import ODD_IDS, ODD_PATHS
from tests.hostile.networks import simple
from tests.hostile.prepared import write_prepared
from tests.hostile.stage_row import Inputs, StageRow
from tests.networks.adopting_cases import Hostile
from tests.photos.photo_files import chunk, exif, profile, values, write_png, write_tiff

_INFER = {"model": "small", "inference": {"mode": "exact"}}
_PHOTOS = {"name": "mine", "title": "Mine", "dataset": {"kind": "photos", "pictures": "*.*"}}
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def inferred(change: Callable[[Any], object], place: Place) -> Inputs:
    """Change the document of a dataset, and give it to a network."""
    (place.given / "network.onnx").write_bytes(simple())
    return {"network": place.given / "network.onnx", "dataset": write_prepared(place, change)}


def replaced(name: str, make: Callable[[Path], object], place: Place) -> Inputs:
    """Put something else in the place of a dataset's file."""
    found = inferred(lambda _document: None, place)
    path = found["dataset"] / name
    path.unlink()
    make(path)
    return found


def array(content: bytes, place: Place) -> Inputs:
    """Give a network a picture that is an array of floats."""

    def change(document: Any) -> None:
        document["items"][0]["blended"] = "blended/a.npy"

    found = inferred(change, place)
    (found["dataset"] / "blended" / "a.npy").write_bytes(content)
    return found


def photographed(name: str, make: Callable[[Path], object], place: Place) -> Inputs:
    """Put something among a user's photographs, beside a good one."""
    folder = place.given / "photos"
    folder.mkdir()
    write_png(folder / "good.png", values(8, 3))
    make(folder / name)
    return {"source": folder}


def png(height: int, width: int, *chunks: tuple[bytes, bytes], rows: bytes = b"") -> bytes:
    """Return a PNG that says to be of a size, with other chunks and compressed rows."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(chunk(*part) for part in parts)


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def chunked(*chunks: tuple[bytes, bytes]) -> Callable[[Path], object]:
    """Return what writes a good PNG with further chunks."""
    return lambda path: write_png(path, values(8, 3), *chunks)


def leading_out(path: Path) -> None:
    path.symlink_to("../../../../../decoys/decoy.png")


THINGS: Mapping[str, tuple[str, Callable[[Path], object]]] = {
    "pipe": ("a pipe that nobody writes to", os.mkfifo),
    "device": ("a device that never ends", lambda path: path.symlink_to("/dev/zero")),
    "folder": ("a folder", Path.mkdir),
    "loop": ("a link to itself", lambda path: path.symlink_to(path)),
}
CONTENTS: Mapping[str, tuple[str, bytes]] = {
    "empty": ("empty", b""),
    "page": ("a web page", b"<!DOCTYPE html><html>please log in</html>"),
    "postscript": ("a program in PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"),
    "drawing": (
        "a drawing that names another file",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="../../decoys/decoy.png"/></svg>',
    ),
    "archive": ("an archive", b"PK\3\4" + bytes(60)),
    "cut": ("the beginning of a picture", _SIGNATURE),
    "nowhere": ("a TIFF file that leads nowhere", b"II*\0\xff\xff\xff\xff"),
    "round": ("a TIFF file that leads back to itself", b"II*\0\x08\0\0\0\x01\0" + b"\0" * 12 + b"\x08\0\0\0"),
    "jpeg": ("the beginning of a JPEG file", b"\xff\xd8\xff\xe0\0\x10JFIF"),
    "bomb": ("a picture of 3,600 million pixels by its head", png(60000, 60000, rows=bytes(1000))),
    "no-rows": ("a picture without its rows", png(60, 70)),
    "no-size": ("a picture of no rows", png(0, 70)),
    "text": ("a text that names another file", b"../../decoys/decoy.png\n"),
}


def rows() -> Iterator[StageRow]:
    """Yield what may stand in the place of prepared pictures and of photographs."""
    yield from (*_documents(), *_prepared(), *_arrays(), *_photographs(), *_odd_photographs(), *_names())


def _infer(word: str, tried: str, make: Callable[[Place], Inputs], said: str) -> StageRow:
    return StageRow(f"prepared-{word}", tried, "inference", "infer", _INFER, make, said)


def _documents() -> Iterator[StageRow]:
    def setter(field: str, value: object, document: Any) -> None:
        document["items"][0][field] = value

    def twice(document: Any) -> None:
        document["items"] *= 2

    def none(document: Any) -> None:
        document["items"] = []

    for word, value in ODD_IDS.items():
        make = partial(inferred, partial(setter, "id", value))
        yield _infer(
            f"id-{word}", f"name a picture in a way that leads elsewhere ({word})", make, r"items(\.0|\[0\])\.id"
        )
    for word, value in ODD_PATHS.items():
        make = partial(inferred, partial(setter, "blended", value))
        yield _infer(f"path-{word}", f"take another path for a picture ({word})", make, "blended")
    for value in (-1, 0, "7", 1.5, 2**40):
        make = partial(inferred, partial(setter, "height", value))
        yield _infer(f"height-{value}", f"say that a picture has {value} rows", make, "")
    yield _infer("twice", "name two pictures alike", partial(inferred, twice), "twice")
    yield _infer("no-pictures", "hold no pictures", partial(inferred, none), "no pictures|items")
    contents = {"empty": b"", "zeros": bytes(100), "deep": b"[" * 100_000, "list": b"[]", "no-text": b"\xff" * 50}
    for word, content in contents.items():
        make = partial(replaced, "dataset.json", written(content))
        yield _infer(f"document-{word}", f"be {word} in place of a dataset's list", make, r"dataset\.json")
    for word, (tried, thing) in THINGS.items():
        make = partial(replaced, "dataset.json", thing)
        yield _infer(f"document-{word}", f"be {tried} in place of a dataset's list", make, r"dataset\.json")


def _prepared() -> Iterator[StageRow]:
    for word, (tried, content) in CONTENTS.items():
        make = partial(replaced, "blended/a.png", written(content))
        yield _infer(f"picture-{word}", f"be {tried} in place of a prepared picture", make, r"a\.png")
    things = {**THINGS, "secret": ("a link to a file of others", leading_out)}
    for word, (tried, thing) in things.items():
        make = partial(replaced, "blended/a.png", thing)
        yield _infer(f"picture-{word}", f"be {tried} in place of a prepared picture", make, r"a\.png")
    odd: Mapping[str, tuple[str, Callable[[Path], object]]] = {
        "tiff": ("a TIFF file", lambda path: write_tiff(path, values(8, 3))),
        "grey": ("grey", lambda path: write_png(path, values(8, 1))),
        "clear": ("transparent", lambda path: write_png(path, values(8, 4))),
        "larger": ("larger than the list says", lambda path: write_png(path, values(8, 3, 400, 300))),
    }
    for word, (tried, write) in odd.items():
        make = partial(replaced, "blended/a.png", write)
        yield _infer(f"picture-{word}", f"be {tried} where a prepared picture is none", make, "a")


def _arrays() -> Iterator[StageRow]:
    def head(text: str) -> bytes:
        return b"\x93NUMPY\1\0" + struct.pack("<H", len(text) + 1) + text.encode() + b"\n"

    def saved(value: np.ndarray) -> bytes:
        stream = io.BytesIO()
        np.save(stream, value)
        return stream.getvalue()

    shape = "'descr': '<f4', 'fortran_order': False, 'shape'"
    contents: Mapping[str, tuple[str, bytes]] = {
        "pickle": ("make an object", pickle.dumps(Hostile("../../../../../decoys/made"), protocol=2)),
        "objects": ("hold objects", head("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + b"N."),
        "absurd": ("say to hold 2^50 numbers", head(f"{{{shape}: ({2**50}, 1, 3)}}")),
        "negative": ("say to hold fewer than no numbers", head(f"{{{shape}: (-5, 4, 3)}}")),
        "program": ("compute its shape", head(f"{{{shape}: __import__('os').sys.exit()}}")),
        "deep": ("have a head of brackets alone", head("[" * 9000)),
        "cut": ("end in the middle", saved(np.zeros((9, 9, 3), np.float32))[:200]),
        "flat": ("have one axis", saved(np.zeros(9, np.float32))),
        "whole-numbers": ("hold whole numbers", saved(np.zeros((9, 9, 3), np.int64))),
        "not-finite": ("hold what is no number", saved(np.full((9, 9, 3), np.nan, np.float32))),
        "empty": ("be empty", b""),
    }
    for word, (tried, content) in contents.items():
        yield _infer(f"array-{word}", f"{tried}, as an array of floats", partial(array, content), r"a\.npy")


def _photo(
    word: str,
    tried: str,
    make: Callable[[Path], object],
    said: str,
    code: ExitCode = ExitCode.BAD_INPUT,
    name: str = "odd.png",
) -> StageRow:
    write = partial(photographed, name, make)
    return StageRow(f"photo-{word}", tried, "inference", "prepare", _PHOTOS, write, said, code)


def _photographs() -> Iterator[StageRow]:
    for word, (tried, content) in CONTENTS.items():
        yield _photo(word, f"be {tried} among photographs", written(content), r"odd\.png")
    for word, (tried, thing) in THINGS.items():
        code = ExitCode.DONE if word == "folder" else ExitCode.BAD_INPUT
        yield _photo(word, f"be {tried} among photographs", thing, "" if word == "folder" else r"odd\.png", code)


def _odd_photographs() -> Iterator[StageRow]:
    """Photographs that hold more than a picture, and are taken for what they show, or refused."""
    padded = b"profile\0\0" + zlib.compress(profile("A profile") + bytes(2**26))
    entities = b"<!DOCTYPE x [<!ENTITY a 'b'>" + b"<!ENTITY c '&a;&a;'>" * 9 + b"]><x>&c;</x>"
    outside = b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/hostname'>]><x>&a;</x>"
    xmp = b"XML:com.adobe.xmp\0\0\0\0\0"
    chunks: Mapping[str, tuple[str, tuple[bytes, bytes]]] = {
        "text": ("speak to the terminal by a comment", (b"tEXt", b"Comment\0\x1b[2J\x1b]0;title\x07")),
        "long-text": (
            "hold a comment that unfolds to 64 MiB",
            (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**26))),
        ),
        "profile": ("hold a profile that unfolds to 64 MiB", (b"iCCP", padded)),
        "no-profile": ("hold a profile that is none", (b"iCCP", b"profile\0\0" + zlib.compress(b"none" * 50))),
        "orientation": ("be turned in a way that there is not", (b"eXIf", exif(99))),
        "exif": ("hold EXIF data that lead nowhere", (b"eXIf", b"II*\0\xff\xff\xff\xff")),
        "maker": ("speak to the terminal by its maker", (b"eXIf", exif(1, "\x1b[2J<script>../../decoys"))),
        "entities": ("hold XMP of entities in entities", (b"iTXt", xmp + entities)),
        "outside": ("hold XMP that names a file of the machine", (b"iTXt", xmp + outside)),
        "deep-xmp": ("hold XMP of ten thousand levels", (b"iTXt", xmp + b"<a>" * 10_000)),
        "gamma": ("have a gamma of nothing", (b"gAMA", bytes(4))),
        "frames": ("say to have 4,000 million frames", (b"acTL", struct.pack(">II", 2**32 - 1, 0))),
    }
    for word, (tried, part) in chunks.items():
        yield _photo(f"with-{word}", tried, chunked(part), "", ExitCode.DONE)


def _names() -> Iterator[StageRow]:
    """Names of photographs that are no names of results."""
    names = {
        "escape": ("speak to the terminal by its name", "a\x1b[2J.png"),
        "line-end": ("have a name of two lines", "a\nerror[x]: b.png"),
        "right-to-left": ("turn its name around", "a\u202egnp.png"),
        "option": ("be named as an option", "-rf.png"),
        "hidden": ("be hidden", ".a.png"),
        "markup": ("speak to a page by its name", "<script>x<.png"),
        "glob": ("be named as a pattern", "*[a]?.png"),
        "long": ("be named by 250 letters", "a" * 246 + ".png"),
        "no-text": ("have a name that is no text", "a\udcff\udcfe.png"),
        "home": ("be named as a home folder", "~root.png"),
    }
    for word, (tried, name) in names.items():
        yield _photo(f"name-{word}", tried, chunked(), "", ExitCode.DONE, name)

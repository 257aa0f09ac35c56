"""Checkpoints that run, lie, lead elsewhere or never end, adopted by the programs of PyTorch's networks."""

import gzip
import io
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.hostile.archives import encrypted, million_members
from tests.hostile.guarded import Place
from tests.hostile.stage_row import Inputs, StageRow
from tests.netkit.torch_like import Lying, legacy, pickled, zipped
from tests.networks.adopting_cases import Hostile

GRADIENT = np.arange(24, dtype=np.float32).reshape(4, 6)
Write = Callable[[Path], object]

DECOYS = "../../../../../decoys"
"""From the folder that a stage works in."""


class Called:
    """Is pickled as a call."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call


class Ours:
    """Stands for a class of the program that wrote a checkpoint."""


def doubled(levels: int) -> list[Any]:
    """Return a list that holds itself 2 ** levels times over, in a few bytes of a pickle."""
    found: list[Any] = [1]
    for _ in range(levels):
        found = [found, found]
    return found


def raw_zip(content: bytes, *others: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a file of PyTorch with a pickle of one's own."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("archive/data.pkl", content)
        for name, part in others:
            archive.writestr(name, part)
    return stream.getvalue()


def lying_length(content: bytes) -> bytes:
    """Return a zip file whose table says that a pickle has ten bytes."""
    found = bytearray(raw_zip(content, compression=zipfile.ZIP_DEFLATED))
    place = found.index(b"PK\1\2")
    struct.pack_into("<I", found, place + 24, 10)
    return bytes(found)


def tarred(name: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return stream.getvalue()


def adopted(write: Write, place: Place) -> Inputs:
    """Write a checkpoint, and adopt it."""
    write(place.given / "checkpoint.pt")
    return {"checkpoint": place.given / "checkpoint.pt"}


def in_both_files(write: Write, place: Place) -> Inputs:
    """Write both checkpoints of a network that has two, and adopt their folder."""
    folder = place.given / "checkpoint"
    folder.mkdir()
    for part in ("G_T", "G_R"):
        write(folder / f"final_net_{part}.pth")
    return {"checkpoint": folder}


def written(content: bytes) -> Write:
    return lambda path: path.write_bytes(content)


def rows() -> Iterator[StageRow]:
    """Yield checkpoints for each network of PyTorch."""
    networks: Mapping[str, Mapping[str, object]] = {
        "errnet2019": {"model": "errnet2019"},
        "ibcln2020": {"model": "ibcln2020", "cascade": 3},
    }
    for image, settings in networks.items():
        for case in (*_calls(), *_lies(), *_pickles(), *_containers(), *_others()):
            make = partial(adopted if image == "errnet2019" else in_both_files, case.write)
            yield StageRow(f"{image}-{case.word}", case.tried, image, "adopt", settings, make, case.said)
        for case in _things():
            make = partial(adopted, case.write)
            yield StageRow(f"{image}-{case.word}", case.tried, image, "adopt", settings, make, case.said)


@dataclass(frozen=True)
class _Case:
    """A checkpoint that every network gets; fields as a row's."""

    word: str
    tried: str
    write: Write
    said: str


def _calls() -> Iterator[_Case]:
    """Pickles that call something; each call would only leave an empty file or folder."""
    calls: Mapping[str, tuple[str, object]] = {
        "open": ("open a file to write", Hostile(f"{DECOYS}/made")),
        "folder-made": ("make a folder", Called(os.mkdir, f"{DECOYS}/made")),
        "eval": ("evaluate a text", Called(eval, "1")),
        "import": ("import a module", Called(__import__, "json")),
        "exit": ("end the program", Called(os._exit, 0)),
        "attribute": ("take an attribute by its name", Called(getattr, 1, "real")),
        "own-class": ("hold an object of somebody's class", Ours()),
    }
    writers: Mapping[str, Callable[[Path, Any], object]] = {"zip": zipped, "legacy": legacy}
    for form, writer in writers.items():
        for word, (tried, value) in calls.items():
            yield _Case(f"{word}-{form}", f"{tried} ({form})", _of(writer, {"icnn": value}), "wants to call|holds an")
    yield _Case(
        "pickle-alone",
        "open a file to write, as a pickle alone",
        written(pickle.dumps(Hostile(f"{DECOYS}/made"), protocol=2)),
        "wants to call|does not begin|holds an",
    )


def _of(writer: Callable[[Path, Any], object], content: object) -> Write:
    return lambda path: writer(path, content)


def _lies() -> Iterator[_Case]:
    lies: Mapping[str, tuple[str, dict[str, Any], str]] = {
        "offset": ("begin beyond its storage", {"offset": 1}, "reaches to element"),
        "offset-negative": ("begin before its storage", {"offset": -1}, "offset of"),
        "strides": ("step beyond its storage", {"strides": (7, 1)}, "reaches to element"),
        "strides-negative": ("step backwards out of its storage", {"strides": (-6, 1)}, "step or offset"),
        "axes": ("have more axes than steps", {"strides": (1,)}, "axes and"),
        "size": ("have 2^60 rows", {"shape": (2**60, 6)}, "size, step or offset"),
        "repeated": ("repeat one number 2^40 times", {"shape": (2**40, 1), "strides": (0, 1)}, "repeats its storage"),
        "count": ("say that its storage has more than it has", {"count": 2**40}, "storage"),
        "shape-of-lists": ("have a shape of lists in lists without end", {"shape": (doubled(60), 1)}, "a list"),
    }
    writers: Mapping[str, Callable[[Path, Any], object]] = {"zip": zipped, "legacy": legacy}
    for form, writer in writers.items():
        for word, (tried, lie, said) in lies.items():
            content = {"icnn": {"a": Lying("0", GRADIENT, **lie)}}
            if word == "shape-of-lists":
                if form == "zip":
                    yield _Case(f"lie-{word}-{form}", f"{tried} ({form})", _repickled(content), said)
                continue
            yield _Case(f"lie-{word}-{form}", f"{tried} ({form})", _of(writer, content), said)
    key = {"icnn": {"a": Lying(f"../../{DECOYS}/decoy.txt", GRADIENT)}}
    yield _Case("key-outside", "take its numbers from a file elsewhere", _repickled(key), "has no part|storage")
    content = {"icnn": {"module.a\x1b[2J\u202e<script>": Lying("0", GRADIENT)}}
    yield _Case("name-escape", "speak to the terminal by a tensor's name", _of(zipped, content), "none of")
    content = {"icnn": {f"a{number}": Lying(f"{number}", GRADIENT[:1]) for number in range(3000)}}
    yield _Case("many", "hold 3,000 tensors of another network", _of(zipped, content), "none of")


def _repickled(content: object) -> Write:
    """Return what writes a file whose pickle is that of `content`, and whose storage has another name."""
    raw, _tensors = pickled(content)
    return written(raw_zip(raw, ("archive/data/0", GRADIENT.tobytes())))


def _pickles() -> Iterator[_Case]:
    pickles: Mapping[str, tuple[str, bytes, str]] = {
        "deep": ("be lists in lists, 100,000 deep", b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".", "holds"),
        "doubled": ("hold itself 2^60 times over", pickle.dumps({"icnn": doubled(60)}, 2), "holds|maps"),
        "no-end": ("never end", b"\x80\x02" + b"N0" * 50_000, "ends in the middle"),
        "loops": ("be six million operations", b"\x80\x02" + b"N0" * 3_000_000 + b"N.", "operations"),
        "long-text": (
            "say to hold a text of 2^60 letters",
            b"\x80\x02\x8d" + struct.pack("<Q", 2**60),
            "in the middle",
        ),
        "long-number": ("hold a number of a million digits", b"\x80\x02I" + b"9" * 60_000 + b"\n.", "too long"),
        "nothing-there": ("take what it has not put there", b"\x80\x020000.", "not put"),
        "no-operation": ("hold what is no operation", b"\x80\x02\xff.", "no operation"),
        "persistent": ("point to what is no storage", b"\x80\x02U\x01aQ.", "no storage"),
        "recalled": ("recall what it has not kept", b"\x80\x02h\x05.", "not kept"),
        "empty": ("be empty", b"", "in the middle"),
        "key-of-lists": ("have a list for a name", b"\x80\x02}]Ns.", "neither text nor number"),
        "extension": ("name a class by a number", b"\x80\x02\x82\x01.", "no operation"),
    }
    for word, (tried, raw, said) in pickles.items():
        yield _Case(f"pickle-{word}", f"{tried}, in its pickle", written(raw_zip(raw)), said)
    copies = {"icnn": [Called(set, [True] * 100_000) for _ in range(200)]}
    yield _Case(
        "pickle-copies", "copy one long list again and again, in its pickle", _copied(copies), "copies far more"
    )


def _copied(content: dict[str, list[Called]]) -> Write:
    long = [True] * 100_000
    return _of(zipped, {name: [Called(set, long) for _ in calls * 25] for name, calls in content.items()})


def _containers() -> Iterator[_Case]:
    good = pickle.dumps({"icnn": {}}, 2)
    contents: Mapping[str, tuple[str, Callable[[], bytes], str]] = {
        "bomb": (
            "unfold to 512 MiB",
            lambda: raw_zip(bytes(2**29), compression=zipfile.ZIP_DEFLATED),
            "its pickle has|bytes",
        ),
        "lying-length": ("unfold to more than it says", lambda: lying_length(b"\x80\x02" + b"N0" * 10**5), "."),
        "encrypted": ("be encrypted", lambda: _renamed(encrypted()), "encrypted|zip"),
        "members": ("have a table of a million parts", million_members, "entries|zip"),
        "two": ("hold two pickles", lambda: raw_zip(good, ("other/data.pkl", good)), "several|zip archive"),
        "code": (
            "hold a program",
            lambda: raw_zip(good, ("archive/code/a.py", b"1"), ("archive/constants.pkl", good)),
            ".",
        ),
        "order": (
            "be in an order of bytes that there is not",
            lambda: raw_zip(good, ("archive/byteorder", b"\x1b[2J")),
            "order",
        ),
        "outside": ("hold a part that leads out", lambda: raw_zip(good, (f"../../{DECOYS}/made", b"x")), "."),
        "cut": ("end in the middle", lambda: raw_zip(good)[:60], "cut short"),
        "wrapped": ("be an archive around a checkpoint", lambda: _around("a.pt", raw_zip(good)), "zip archive around"),
    }
    for word, (tried, content, said) in contents.items():
        yield _Case(f"zip-{word}", f"{tried}, as a zip file", lambda path, c=content: path.write_bytes(c()), said)


def _renamed(content: bytes) -> bytes:
    return content.replace(b"a.png", b"a.pkl")


def _around(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def _others() -> Iterator[_Case]:
    page = b"<!DOCTYPE html><html><head><title>Quota \x1b[31mexceeded</title></head></html>"
    contents: Mapping[str, tuple[str, bytes, str]] = {
        "no-content": ("be empty", b"", "empty"),
        "zeros": ("be zeros", bytes(5000), "zeros"),
        "page": ("be a web page whose title speaks to the terminal", page, "web page"),
        "pointer": ("be a text that stands for a file", b"version https://git-lfs.github.com/spec/v1\nsize 9\n", "LFS"),
        "gzip": ("be a gzip archive", gzip.compress(bytes(2**20)), "gzip"),
        "tar": ("be a tar archive that leads out", tarred(f"../../{DECOYS}/made"), "tar archive"),
        "old-tar": ("be in the tar format of 2016", tarred("pickle"), "tar format"),
        "safetensors": ("be a file of another library", struct.pack("<Q", 2) + b"{}" + bytes(99), "safetensors"),
        "program": ("be a program", b"\x7fELF" + bytes(999), "program"),
        "noise": ("be noise", np.random.default_rng(0).bytes(5000), "checkpoint|tensors|begin"),
    }
    for word, (tried, content, said) in contents.items():
        yield _Case(word, f"{tried} in place of a checkpoint", written(content), said)


def _things() -> Iterator[_Case]:
    things: Mapping[str, tuple[str, Write, str]] = {
        "pipe": ("be a pipe that nobody writes to", os.mkfifo, "a pipe"),
        "device": ("be a device that never ends", lambda path: path.symlink_to("/dev/zero"), "a device"),
        "folder": ("be an empty folder", Path.mkdir, "folder"),
        "loop": ("be a link to itself", lambda path: path.symlink_to(path), "cannot be read|links"),
        "nothing": ("not be there", lambda _path: None, "cannot be read|No such"),
    }
    for word, (tried, write, said) in things.items():
        yield _Case(word, f"{tried}, in place of a checkpoint", write, said)

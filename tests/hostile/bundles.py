"""Checkpoints of TensorFlow, arrays of NumPy and MATLAB's files that lie, through the program of Zhang's network."""

import io
import json
import os
import pickle
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.hostile.guarded import Place
from tests.hostile.stage_row import Inputs, StageRow
from tests.hostile.torch_files import DECOYS, written
from tests.netkit.bundle_like import SNAPPY, bundle, entry, field, header, table, varint
from tests.netkit.test_matlab_file import NUMBERS, array, element
from tests.netkit.test_matlab_file import header as matlab_header
from tests.networks.adopting_cases import Hostile
from tests.photos.photo_files import HEIGHT, WIDTH, values, write_png

GRADIENT = np.arange(24, dtype=np.float32).reshape(4, 6)
INDEX, DATA = "model.ckpt.index", "model.ckpt.data-00000-of-00001"
Write = Callable[[Path], object]

_ADOPT = {"model": "zhang2018"}
_TRAIN = {
    "model": "zhang2018",
    "features": "pretrained",
    "recipe": {"family": "zhang2018", "batch": 1, "width": [40, 48]},
}


def bundled(write: Write, place: Place) -> Inputs:
    """Write the files of a checkpoint into a folder, and adopt it."""
    folder = place.given / "checkpoint"
    folder.mkdir()
    write(folder)
    return {"checkpoint": folder}


def one_file(write: Write, place: Place) -> Inputs:
    """Write a file in the place of a checkpoint, and adopt it."""
    write(place.given / "weights.npz")
    return {"checkpoint": place.given / "weights.npz"}


def featured(write: Write, place: Place) -> Inputs:
    """Write a file in the place of the features, and train with it."""
    folder = place.given / "layers"
    folder.mkdir()
    items = []
    for name in ("a", "b"):
        write_png(folder / f"{name}.png", values(8, 3))
        layers = {"transmission": f"{name}.png", "reflection": f"{name}.png"}
        items.append({"id": name, **layers, "height": HEIGHT, "width": WIDTH})
    (folder / "dataset.json").write_text(json.dumps({"name": "layers", "role": "layers", "items": items}))
    write(place.given / "features.mat")
    return {"synthetic": folder, "features": place.given / "features.mat"}


def rows() -> Iterator[StageRow]:
    """Yield checkpoints, arrays and features."""
    for word, (tried, write, said) in {**_lies(), **_indexes(), **_folders()}.items():
        make = partial(bundled, write)
        yield StageRow(f"zhang2018-{word}", tried, "zhang2018", "adopt", _ADOPT, make, said)
    for word, (tried, write, said) in _arrays().items():
        make = partial(one_file, write)
        yield StageRow(f"zhang2018-{word}", tried, "zhang2018", "adopt", _ADOPT, make, said)
    for word, (tried, write, said) in _features().items():
        make = partial(featured, write)
        yield StageRow(f"zhang2018-{word}", tried, "zhang2018", "train", _TRAIN, make, said)


_Cases = Mapping[str, tuple[str, Write, str]]


def _lies() -> _Cases:
    lies: Mapping[str, tuple[str, dict[str, Any], str]] = {
        "offset": ("begin beyond its file", {"offset": 1}, "outside its files"),
        "offset-negative": ("begin before its file", {"offset": 2**63}, "outside its files"),
        "shard": ("lie in a file that there is not", {"shard": 1}, "outside its files"),
        "size": ("have fewer bytes than numbers", {"size": 92}, "bytes and should have"),
        "shape": ("have more numbers than bytes", {"shape": (5, 6)}, "bytes and should have"),
        "absurd": ("have 2^47 rows", {"shape": (2**47, 6)}, "bytes and should have"),
        "negative": ("have fewer than no rows", {"shape": (2**64 - 4, 6)}, "shape that none"),
        "axes": ("have forty axes", {"shape": (1,) * 40}, "shape that none"),
        "checksum": ("have another checksum", {"checksum": bytes(4)}, "checksum"),
        "texts": ("be of texts", {"kind": 7}, "as no numbers"),
        "slices": ("lie in slices", {"slices": True}, "in slices"),
    }
    name, kernel = "g_conv0/weights", np.zeros((1, 1, 1475, 64), np.float32)
    found: dict[str, tuple[str, Write, str]] = {}
    for word, (tried, lie, said) in lies.items():
        right = word in {"checksum", "texts", "slices"}  # seen only where a tensor of the network is read
        content = {name: kernel} if right else {"a": GRADIENT}
        key = name if right else "a"
        found[f"tensor-{word}"] = (f"hold a tensor that would {tried}", _bundle(content, {key: lie}), f"{said}|fit")
    return found


def _bundle(content: Mapping[str, np.ndarray], lies: Mapping[str, Any] | None = None, way: int = 0) -> Write:
    return lambda folder: bundle(folder, content, lies=lies, way=way)


def _index(content: Callable[[], bytes]) -> Write:
    """Return what writes a good checkpoint with an index of one's own."""

    def write(folder: Path) -> None:
        bundle(folder, {"a": GRADIENT})
        (folder / INDEX).write_bytes(content())

    return write


def _indexes() -> _Cases:
    def headed(head: bytes) -> Write:
        return _index(lambda: table([(b"", head), (b"a", entry(GRADIENT, 0))]))

    def keyed(*keys: bytes) -> Write:
        return _index(lambda: table([(b"", header()), *((key, entry(GRADIENT, 0)) for key in keys)]))

    def unfolding() -> bytes:
        return table([(b"", header()), (b"a", bytes(2**20))], SNAPPY)

    escape = b"module.\x1b[2J\xe2\x80\xae<script>"
    return {
        "index-empty": ("have an empty index", _index(bytes), "does not end as a table"),
        "index-zeros": ("have an index of zeros", _index(lambda: bytes(5000)), "does not end as a table"),
        "index-cut": (
            "have an index without its beginning",
            _index(lambda: table([(b"", header()), (b"a", entry(GRADIENT, 0))])[40:]),
            "readable",
        ),
        "index-large": ("have an index of 65 MiB", _index(lambda: bytes(65 * 2**20)), "more than"),
        "index-handle": (
            "have an index that points beyond its end",
            _index(lambda: (varint(2**60) * 2 + varint(2**62) * 2).ljust(40, b"\0") + table([(b"", header())])[-8:]),
            "beyond its end|has no end",
        ),
        "index-shards": ("say to lie in 1,000 million files", headed(header(shards=10**9)), "how many files"),
        "index-two-shards": ("say to lie in two files", headed(header(shards=2)), "no file data-00000"),
        "index-order": ("be in another order of bytes", headed(header(order=1)), "order of bytes"),
        "index-version": ("be of a version of the future", headed(header(needed=2)), "newer version"),
        "index-number": ("hold a number without an end", headed(field(3, b"\xff" * 11)), "has no end"),
        "index-unsorted": ("name its tensors out of order", keyed(b"b", b"a"), "not in order"),
        "index-twice": ("name a tensor twice", keyed(b"a", b"a"), "not in order"),
        "index-long": ("name a tensor by 2,000 letters", keyed(b"a" * 2000), "too long a key"),
        "index-no-text": ("name a tensor by what is no text", keyed(b"\xff\xfe"), "readable"),
        "index-escape": ("speak to the terminal by a tensor's name", keyed(escape), "none of"),
        "index-unfolding": ("have an index that unfolds", _index(unfolding), "readable|fit"),
    }


def _folders() -> _Cases:
    def beside(name: str, content: bytes) -> Write:
        def write(folder: Path) -> None:
            bundle(folder, {"a": GRADIENT})
            bundle(folder, {"a": GRADIENT}, name="model.ckpt-7")
            (folder / name).write_bytes(content)

        return write

    def instead(name: str, make: Write) -> Write:
        def write(folder: Path) -> None:
            bundle(folder, {"a": GRADIENT})
            (folder / name).unlink()
            make(folder / name)

        return write

    elsewhere = f'model_checkpoint_path: "{DECOYS}/decoy"\n'.encode()
    return {
        "newest-elsewhere": (
            "name a checkpoint elsewhere as the newest",
            beside("checkpoint", elsewhere),
            "several checkpoints",
        ),
        "newest-zeros": ("name its newest checkpoint by zeros", beside("checkpoint", bytes(2**21)), "several"),
        "graph": ("bring a graph and no tensors", lambda folder: (folder / "a.meta").write_bytes(b"x"), "incomplete"),
        "no-data": ("lack its tensors", instead(DATA, lambda _path: None), "no file"),
        "data-pipe": ("be a pipe in place of its tensors", instead(DATA, os.mkfifo), "no file|pipe"),
        "data-device": (
            "be a device in place of its tensors",
            instead(DATA, lambda path: path.symlink_to("/dev/zero")),
            "no file|device",
        ),
        "data-cut": ("lack half of its tensors", instead(DATA, lambda path: path.write_bytes(b"ab")), "outside"),
        "index-pipe": ("be a pipe in place of its index", instead(INDEX, os.mkfifo), "no checkpoint|no file"),
        "nothing": ("be an empty folder", lambda _folder: None, "no checkpoint"),
        "deep-folders": ("be folders in folders", _deep_folders, "no checkpoint"),
    }


def _deep_folders(folder: Path) -> None:
    Path(folder, *["a"] * 200).mkdir(parents=True)
    (folder / "round").symlink_to(folder)


def _arrays() -> _Cases:
    def archive(*members: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> Write:
        def write(path: Path) -> None:
            with zipfile.ZipFile(path, "w", compression) as found:
                for name, content in members:
                    found.writestr(name, content)

        return write

    def head(shape: tuple[int, ...], kind: str = "<f4") -> bytes:
        stream = io.BytesIO()
        described = {"descr": kind, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, described)
        return stream.getvalue()

    objects = head((1,), "|O") + pickle.dumps([Hostile(f"{DECOYS}/made")], protocol=2)
    return {
        "array-objects": ("make an object out of an array", archive(("a.npy", objects)), "readable"),
        "array-absurd": ("hold an array of 2^50 numbers", archive(("a.npy", head((2**50,)))), "memory|readable"),
        "array-negative": ("hold an array of fewer than no numbers", archive(("a.npy", head((-5,)))), "."),
        "array-cut": ("hold an array that ends in the middle", archive(("a.npy", head((99,)))), "readable"),
        "array-outside": ("name an array elsewhere", archive((f"{DECOYS}/made.npy", head((0,)))), "fit"),
        "array-page": ("hold a page in place of an array", archive(("a.npy", b"<html>")), "."),
        "torch": ("be a file of PyTorch", archive(("archive/data.pkl", b"N.")), "data.pkl"),
        "zip-empty": ("be an archive of nothing", archive(), "."),
        "file-pipe": ("be a pipe that nobody writes to", os.mkfifo, "pipe"),
        "file-device": ("be a device that never ends", lambda path: path.symlink_to("/dev/zero"), "device"),
        "file-page": ("be a web page", written(b"<!DOCTYPE html><html>log in</html>"), "web page"),
        "file-pickle": ("be a pickle", written(pickle.dumps(Hostile(f"{DECOYS}/made"), protocol=2)), "no checkpoint"),
        "file-empty": ("be empty", written(b""), "empty"),
    }


def _features() -> _Cases:
    inner = array(7, (2, 3), NUMBERS, name=b"")
    for _ in range(40):
        inner = array(1, (1, 1), inner, name=b"")
    contents: Mapping[str, tuple[str, bytes]] = {
        "empty": ("be empty", b""),
        "text": ("be a text", b"not a MATLAB file" * 100),
        "pickle": ("be a pickle", pickle.dumps(Hostile(f"{DECOYS}/made"), protocol=2)),
        "nothing": ("hold nothing", matlab_header()),
        "larger": ("have more numbers than bytes", matlab_header() + array(7, (2, 4), NUMBERS)),
        "absurd": ("have 2^124 numbers", matlab_header() + array(7, (2**31 - 1,) * 4, NUMBERS)),
        "negative": ("have fewer than no numbers", matlab_header() + array(7, (2, -3), NUMBERS)),
        "axes": ("have 33 axes", matlab_header() + array(7, (1,) * 33, NUMBERS)),
        "type": ("be of a type that there is not", matlab_header() + array(7, (2, 3), element(99, bytes(24)))),
        "cells": ("say to hold 2^50 arrays", matlab_header() + array(1, (1 << 30, 1 << 20), b"")),
        "deep": ("hold arrays in arrays, forty deep", matlab_header() + array(1, (1, 1), inner)),
        "longer": (
            "unfold to more than it says",
            matlab_header() + element(15, zlib.compress(array(7, (2, 3), NUMBERS) + bytes(1 << 24))),
        ),
        "other": ("hold layers of another network", matlab_header() + array(7, (2, 3), NUMBERS)),
    }
    found: dict[str, tuple[str, Write, str]] = {
        f"features-{word}": (f"{tried}, as features", written(content), "VGG-19|no layer|features")
        for word, (tried, content) in contents.items()
    }
    found["features-pipe"] = ("be a pipe that nobody writes to, as features", os.mkfifo, "pipe")
    found["features-device"] = (
        "be a device that never ends, as features",
        lambda path: path.symlink_to("/dev/zero"),
        "device",
    )
    return found

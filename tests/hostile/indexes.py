"""Prepared datasets whose index leads elsewhere, or whose pictures are something else."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.hostile.guarded import Place
from tests.hostile.row import Arguments, Row

ODD_IDS = {
    "parent": "../../decoys/decoy",
    "absolute": "/etc/hostname",
    "folders": "a/b",
    "escape": "a\x1b[2J",
    "line-end": "a\nb",
    "hidden": ".a",
    "option": "-rf",
    "long": "a" * 129,
    "empty": "",
    "number": 7,
}
ODD_PATHS = {
    "parent": "../../../../decoys/decoy.png",
    "absolute": "/etc/hostname",
    "down-and-out": "blended/../../../../../decoys/decoy.png",
    "nul": "a\0b",
    "itself": ".",
    "number": 7,
}


def spoilt(change: Callable[[Any], None], place: Place) -> Arguments:
    """Spoil the index of a dataset, and check it."""
    path = place.copy("data") / "prepared" / "own" / "index.json"
    index = json.loads(path.read_text())
    change(index)
    path.write_text(json.dumps(index))
    return ["data", "check", "own"]


def replaced(name: str, make: Callable[[Path], object], place: Place) -> Arguments:
    """Put something else in the place of a file of a dataset, and check it."""
    path = place.copy("data") / "prepared" / "own" / name
    path.unlink()
    make(path)
    return ["data", "check", "own"]


def set_id(value: object, index: Any) -> None:
    index["items"][1]["id"] = value


def set_file(value: object, index: Any) -> None:
    index["items"][1]["layers"]["blended"]["file"] = value


def set_height(value: object, index: Any) -> None:
    index["items"][1]["height"] = value


def rows() -> Iterator[Row]:
    """Yield what an index and the files beside it may be."""
    for word, value in ODD_IDS.items():
        yield Row(
            f"index-id-{word}",
            f"name a picture in a way that leads elsewhere ({word})",
            "data check",
            partial(spoilt, partial(set_id, value)),
            "items.1.id",
        )
    for word, value in ODD_PATHS.items():
        make = partial(spoilt, partial(set_file, value))
        yield Row(
            f"index-path-{word}",
            f"take another path for a picture ({word})",
            "data check",
            make,
            r"items\.1\.layers\.blended\.file",
        )
    for value in (-1, "7", 1.5):
        make = partial(spoilt, partial(set_height, value))
        yield Row(f"index-height-{value}", f"have {value} rows of pixels", "data check", make, "own")
    contents: dict[str, bytes] = {
        "empty": b"",
        "zeros": bytes(100),
        "deep": b"[" * 100_000,
        "list": b"[]",
        "no-text": b"\xff" * 50,
        "number": b'{"items": 1e999}',
    }
    for word, content in contents.items():
        make = partial(replaced, "index.json", lambda path, content=content: path.write_bytes(content))
        yield Row(f"index-{word}", f"be {word} in place of an index", "data check", make, "index.json|own")
    things: dict[str, Callable[[Path], object]] = {
        "pipe": os.mkfifo,
        "device": lambda path: path.symlink_to("/dev/zero"),
        "secret": lambda path: path.symlink_to("../../../../../../../decoys/decoy.png"),
        "folder": Path.mkdir,
    }
    for word, thing in things.items():
        make = partial(replaced, "index.json", thing)
        yield Row(f"index-is-{word}", f"be a {word} in place of an index", "data check", make, "index.json|own")

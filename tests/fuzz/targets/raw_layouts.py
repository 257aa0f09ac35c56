"""Names of pictures in a download, one a line: which published layout they have."""

import random
from pathlib import Path, PurePosixPath

from orchestrator.datasets.raw.layout_voc import Names
from orchestrator.datasets.raw.recognise import photographs, recognise
from orchestrator.datasets.raw.tree import RawTree
from orchestrator.spec.library import load_catalogue
from stagekit import BadInput
from tests.fuzz.mutation import changed_bytes

EXECUTIONS = 500

_PUBLISHED = [entry.published for entry in load_catalogue().values() if entry.published is not None]
_NAMES = Names(("2008_000001", "2009_000002"), "a list")
_LAYERS = ("input", "label1", "label2", "B", "m", "g", "r", "blended", "transmission_layer", "reflection")
_ENDS = (".png", ".jpg", ".JPG", ".tif", "")


def seeds() -> list[bytes]:
    trees = [
        [f"data/{number:06}-{layer}.png" for number in range(3) for layer in ("input", "label1", "label2")],
        [f"test/{layer}/{number}.jpg" for number in (3, 4, 110) for layer in ("blended", "transmission_layer")],
        [f"VOCdevkit/VOC2012/JPEGImages/{name}.jpg" for name in _NAMES.names],
        [f"Objects/{scene}/{scene}-{layer}.png" for scene in (1, 2) for layer in ("m", "g", "r")],
        [f"Wild/{scene:03}/{layer}.png" for scene in (1, 52) for layer in ("m", "g", "r")],
    ]
    return ["\n".join(names).encode() for names in trees]


def fuzz_one(data: bytes) -> None:
    files = tuple(sorted({PurePosixPath(line) for line in _lines(data)}))
    if not files:
        return
    tree = RawTree(Path("/download"), files)
    for published in _PUBLISHED:
        _checked(lambda published=published: recognise(tree, published.layouts, published.selection, _NAMES))
    _checked(lambda: photographs(tree))


def _lines(data: bytes) -> list[str]:
    """Return what can be paths of files in a folder: a file system gives no other."""
    lines = data.decode("utf-8", "surrogateescape").replace("\0", "").split("\n")
    parts = [[part for part in line.split("/") if part not in {"", ".", ".."}] for line in lines[:500]]
    return ["/".join(found[:20]) for found in parts if found]


def _checked(read) -> None:
    try:
        found = read()
    except BadInput:
        return
    assert found.scenes
    names = [scene.name for scene in found.scenes]
    assert len(set(names)) == len(names)


def mutate(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    if rng.random() < 0.4:
        return changed_bytes(data, rng)
    place = rng.randrange(len(lines))
    folder, _, name = lines[place].rpartition(b"/")
    what = rng.random()
    if what < 0.3:
        lines.insert(place, folder + b"/" + rng.choice(_LAYERS).encode() + rng.choice(_ENDS).encode())
    elif what < 0.6:
        stem = name.rpartition(b".")[0]
        lines.insert(place, folder + b"/" + stem + b"-" + rng.choice(_LAYERS).encode() + rng.choice(_ENDS).encode())
    elif what < 0.8:
        lines = [line.replace(folder, rng.choice(_LAYERS).encode()) if folder else line for line in lines]
    else:
        del lines[place]
    return b"\n".join(lines)

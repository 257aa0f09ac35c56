"""Packs whose members lead elsewhere, are something else, or are not what their index tells."""

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from functools import partial

from orchestrator.store.pack_form import INDEX
from tests.hostile.guarded import Place
from tests.hostile.row import Arguments, Row
from tests.store.pack_files import entry, told, written

_PACK = ("pack-invalid",)

NAMES = {
    "parent": "runs/first/../../../decoys/decoy.txt",
    "absolute": "/etc/decoy.txt",
    "up-first": "runs/../decoys/decoy.txt",
    "shelf": "secrets/first/decoy.txt",
    "no-file": "runs/first",
    "escape": "runs/first/a\x1b[31mb",
    "line-end": "runs/first/a\nb",
    "empty-part": "runs//first/decoy.txt",
    "dot": "./runs/first/decoy.txt",
    "no-key": "artifacts/not-a-key/manifest.json",
    "other-run": "runs/other/run.json",
    "report": "runs/first/report/index.html",
    "environment": "environments/elsewhere/python",
    "staging": "staging/../runs/first/decoy.txt",
}
KINDS = {
    "link": (tarfile.SYMTYPE, "../../../decoys/decoy.txt"),
    "hard-link": (tarfile.LNKTYPE, INDEX),
    "device": (tarfile.CHRTYPE, ""),
    "pipe": (tarfile.FIFOTYPE, ""),
    "folder": (tarfile.DIRTYPE, ""),
}


def unpacked(index: object, entries: Sequence[tuple[tarfile.TarInfo, bytes]], place: Place) -> Arguments:
    """Write a pack, and unpack it."""
    written(place.given / "first.tar", index, [(_fresh(info), content) for info, content in entries])
    return ["store", "unpack", place.given / "first.tar", "--store", place.made / "store"]


def _fresh(info: tarfile.TarInfo) -> tarfile.TarInfo:
    return entry(info.name, info.type, info.linkname)


def raw(content: bytes, place: Place) -> Arguments:
    """Write bytes in place of a pack, and unpack it."""
    (place.given / "first.tar").write_bytes(content)
    return ["store", "unpack", place.given / "first.tar", "--store", place.made / "store"]


def _index_only(content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        head = tarfile.TarInfo(INDEX)
        head.size = len(content)
        archive.addfile(head, io.BytesIO(content))
    return stream.getvalue()


def _claiming(size: int) -> bytes:
    info = tarfile.TarInfo(INDEX)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT) + b"{" * 4096


def rows() -> Iterator[Row]:
    """Yield packs of every kind that is refused."""
    for word, name in NAMES.items():
        make = partial(unpacked, told((name, b"evil")), [(entry(name), b"evil")])
        yield Row(f"pack-name-{word}", f"write where it must not ({word})", "store unpack", make, "", _PACK)
    name = "runs/first/notes.txt"
    for word, (kind, target) in KINDS.items():
        make = partial(unpacked, told((name, b"")), [(entry(name, kind, target), b"")])
        yield Row(f"pack-{word}", f"bring a {word}", "store unpack", make, "was changed after it was made", _PACK)
    twice = [(entry(name), b"a"), (entry(name), b"b")]
    yield Row(
        "pack-twice",
        "name a file twice",
        "store unpack",
        partial(unpacked, told((name, b"a"), (name, b"b")), twice),
        "twice",
        _PACK,
    )
    more = [(entry(name), b"a"), (entry("runs/first/more"), b"b")]
    yield Row(
        "pack-more",
        "hold more than it tells",
        "store unpack",
        partial(unpacked, told((name, b"a")), more),
        "more than",
        _PACK,
    )
    other = told((name, b"a"))
    other["members"][0]["sha256"] = "0" * 64
    yield Row(
        "pack-other-hash",
        "hold other bytes than it tells",
        "store unpack",
        partial(unpacked, other, [(entry(name), b"a")]),
        "",
        _PACK,
    )
    huge = told((name, b"a"))
    huge["members"][0]["size"] = 2**62
    yield Row(
        "pack-huge",
        "tell of 4 EiB",
        "store unpack",
        partial(unpacked, huge, [(entry(name), b"a")]),
        "",
        ("pack-invalid", "no-space"),
    )
    contents = {
        "deep": _index_only(b"[" * 200_000),
        "no-json": _index_only(b"\xff\0"),
        "list": _index_only(b"[]"),
        "claim": _claiming(2**40),
        "runs": _index_only(json.dumps({**told(), "runs": ["../first"]}).encode()),
        "no-tar": b"hello" * 400,
        "empty": b"",
        "zeros": bytes(10240),
    }
    for word, content in contents.items():
        yield Row(
            f"pack-index-{word}",
            f"have an index that is wrong ({word})",
            "store unpack",
            partial(raw, content),
            "",
            _PACK,
        )

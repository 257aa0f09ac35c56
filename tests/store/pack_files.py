"""Packs as nobody but a test would write them: an index, and whatever members."""

import hashlib
import io
import json
import tarfile

from orchestrator.store.pack_form import INDEX


def written(target, index, entries):
    """Write a tar file of an index and (TarInfo, content) entries."""
    text = json.dumps(index).encode()
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        head = tarfile.TarInfo(INDEX)
        head.size = len(text)
        archive.addfile(head, io.BytesIO(text))
        for entry, content in entries:
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def told(*members, **fields):
    """Return an index. members: name and content"""
    return {
        "format": 1,
        "program": "0",
        "runs": ["first"],
        "members": [
            {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in members
        ],
        **fields,
    }


def entry(name, kind=tarfile.REGTYPE, target=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made

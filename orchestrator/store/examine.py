"""Looks whether an artifact is what its manifest says, reading only what may have changed since it was last read."""

import contextlib
import errno
import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from orchestrator.inside import path_inside
from orchestrator.store.content import file_sha256
from orchestrator.store.layout import FACTS, MANIFEST, OUTPUT, Layout
from orchestrator.store.manifest import SCHEMA, FileRecord, Manifest
from stagekit.inside import read_plain
from stagekit.left_behind import escaped_name

_SETTLED_NS = 2 * 10**9
"""A file changed less than this before it was read is not remembered: it may change again within one clock tick."""

_LARGEST_BYTES = 2**28
"""Of a manifest; one of a hundred thousand files has a tenth of it."""

_DOCUMENTS = (".json", ".parquet")
"""Endings of files that are small and told on by every command: they are read at every look."""

Stamp = list[int]
"""Size, times of the last change of content and of anything, inode: what no change leaves as it was."""


@dataclass(frozen=True)
class Fault:
    """One thing that is not as the manifest says.

    Attributes:
        name: The file, by its path in the artifact's folder.
    """

    kind: Literal["manifest", "missing", "changed", "surplus"]
    name: str
    words: str

    @property
    def harmless(self) -> bool:
        """Whether the result itself is whole: what does not belong to it, or is about how it went, spoils nothing."""
        return self.kind == "surplus" or self.name.startswith(f"{FACTS}/")


@dataclass(frozen=True)
class Examination:
    """What came of looking at an artifact.

    Attributes:
        manifest: None where it cannot be read.
        stamps: Of the files that are right, by their path in the artifact's folder; without those changed just now.
    """

    key: str
    manifest: Manifest | None
    faults: tuple[Fault, ...] = ()
    stamps: Mapping[str, Stamp] = field(default_factory=dict)

    @property
    def damaged(self) -> bool:
        """Whether the result must not be used."""
        return any(not fault.harmless for fault in self.faults)

    @property
    def sentence(self) -> str:
        """What is wrong, in words."""
        shown = "; ".join(fault.words for fault in self.faults[:3])
        return shown + (f"; and {len(self.faults) - 3} more" if len(self.faults) > 3 else "")


def examine(layout: Layout, key: str, known: Mapping[str, Stamp] | None = None) -> Examination | None:
    """Look at an artifact, and remember what was found right.

    Args:
        layout: The store.
        key: The artifact's key.
        known: Stamps of the files that were found right, by their path in the artifact's folder; what has its stamp
            still is not read, but for documents. None: what was remembered.

    Returns:
        What was found; None where there is no such artifact, or it went away meanwhile.

    Raises:
        OSError: Where a file is there and cannot be read.
    """
    folder, looked = layout.artifact(key), time.time_ns()
    manifest = read_manifest(folder, key)
    if isinstance(manifest, Fault):
        return Examination(key, None, (manifest,)) if folder.is_dir() else None
    remembered = _remembered(layout, manifest)
    known = remembered if known is None else known
    there = _present(folder)
    faults, stamps = [], {}
    for name, record in recorded_files(manifest).items():
        try:
            trusted = None if name.endswith(_DOCUMENTS) else known.get(name)
            found = _compared(folder, name, record, there.pop(name, None), trusted)
        except (FileNotFoundError, ValueError):  # it went away just now, or its name leads elsewhere
            found = Fault("missing", name, f"{escaped_name(name)} is missing")
        if isinstance(found, Fault):
            faults.append(found)
        elif looked - found[2] > _SETTLED_NS:
            stamps[name] = found
    faults += [Fault("surplus", name, f"{escaped_name(name)} does not belong to it") for name in sorted(there)]
    if not folder.is_dir():
        return None
    if stamps != remembered:
        _remember(layout, manifest, stamps)
    return Examination(key, manifest, tuple(sorted(faults, key=lambda fault: fault.harmless)), stamps)


def read_manifest(folder: Path, key: str) -> Manifest | Fault:
    """Return an artifact's manifest, or what is wrong with it."""
    try:
        found = _parsed(read_plain(folder / MANIFEST, _LARGEST_BYTES))
    except FileNotFoundError:
        found = "is missing"
    except OSError as error:
        found = f"cannot be read: {error.strerror or error}"
    if isinstance(found, Manifest) and found.key != key:
        found = f"is of another result ({found.key[:12]})"
    if isinstance(found, Manifest) and not found.whole:
        found = "has other content than it had"
    return found if isinstance(found, Manifest) else Fault("manifest", MANIFEST, f"{MANIFEST} {found}")


def _parsed(content: bytes) -> Manifest | str:
    """Return a manifest, or in words what its file is."""
    if not content.strip(b"\0 \r\n\t"):
        return "is empty"
    newer = _newer_schema(content)
    if newer:
        return f"has schema {newer}, of a newer version of this program"
    try:
        return Manifest.model_validate_json(content)
    except ValidationError:
        return "is damaged"


def _newer_schema(content: bytes) -> int | None:
    try:
        version: Any = json.loads(content)["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return version if isinstance(version, int) and version > SCHEMA else None


def recorded_files(manifest: Manifest) -> dict[str, FileRecord]:
    """Return every file that a manifest names, by its path in the artifact's folder."""
    results = {f"{OUTPUT}/{name}": record for name, record in manifest.files.items()}
    return results | {f"{FACTS}/{name}": record for name, record in manifest.fact_files.items()}


def _present(folder: Path) -> dict[str, os.stat_result]:
    """Return what lies in an artifact's folder apart from the manifest, links not followed, by path."""
    found: dict[str, os.stat_result] = {}
    folders = [("", os.fspath(folder))]
    while folders:
        prefix, path = folders.pop()
        with contextlib.suppress(FileNotFoundError), os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append((f"{prefix}{entry.name}/", entry.path))
                else:
                    found[prefix + entry.name] = entry.stat(follow_symlinks=False)
    found.pop(MANIFEST, None)
    return found


def _compared(
    folder: Path, name: str, record: FileRecord, status: os.stat_result | None, known: Stamp | None
) -> Fault | Stamp:
    """Return the stamp of a file that is as it was recorded, or what is wrong with it."""
    if status is None:
        return Fault("missing", name, f"{escaped_name(name)} is missing")
    if not stat.S_ISREG(status.st_mode):
        return Fault("changed", name, f"{escaped_name(name)} is no plain file any more")
    if status.st_size != record.size:
        return Fault("changed", name, f"{escaped_name(name)} has {status.st_size} bytes, and had {record.size}")
    stamp = _stamp(status)
    try:
        same = stamp == known or file_sha256(path_inside(folder, name)) == record.sha256
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return Fault("changed", name, f"{escaped_name(name)} cannot be read: {error.strerror}")
    return stamp if same else Fault("changed", name, f"{escaped_name(name)} has other content than it had")


def right_stamp(folder: Path, name: str, record: FileRecord) -> Stamp | None:
    """Read a file of an artifact and return its stamp, None where it is not as recorded or cannot be read."""
    try:
        path = path_inside(folder, name)
        status = path.lstat()
        plain = stat.S_ISREG(status.st_mode) and status.st_size == record.size
        return _stamp(status) if plain and file_sha256(path) == record.sha256 else None
    except (OSError, ValueError):
        return None


def _stamp(status: os.stat_result) -> Stamp:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _remember(layout: Layout, manifest: Manifest, stamps: Mapping[str, Stamp]) -> None:
    """Note which files of an artifact are right, for the next look; a store that cannot be written forgets."""
    path = layout.verification(manifest.key)
    partial = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_text(json.dumps({"files_of": _identity(manifest), "files": stamps}), encoding="utf-8")
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)


def _remembered(layout: Layout, manifest: Manifest) -> dict[str, Stamp]:
    """Return the stamps of the files that were found right; none where the manifest named other files then."""
    try:
        noted = json.loads(layout.verification(manifest.key).read_bytes())
        return dict(noted["files"]) if noted["files_of"] == _identity(manifest) else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _identity(manifest: Manifest) -> str:
    """Return what distinguishes a manifest's files from all others."""
    text = json.dumps({name: record.sha256 for name, record in recorded_files(manifest).items()}, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

"""Hashes of files and folders, remembered by size, time and inode so that nothing unchanged is read twice."""

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_CHUNK_BYTES = 2**20
_DIGITS = 64
_SETTLED_NS = 2 * 10**9
"""A file changed less than this before it was read is not remembered: it may change again within one clock tick."""


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def files_below(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder in a fixed order; links are followed, but none back into a folder above."""
    yield from _walk(folder, (folder.resolve(),))


def _walk(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            real = path.resolve()
            if real not in above:
                yield from _walk(path, (*above, real))
        elif path.is_file():
            yield path


def entries_digest(hashes: Mapping[str, str]) -> str:
    """Return the digest of a folder's files.

    Args:
        hashes: SHA-256 by the file's path inside the folder.
    """
    return hashlib.sha256(json.dumps(dict(hashes), sort_keys=True).encode("ascii")).hexdigest()


def _entries(found: object) -> dict[str, list[str]]:
    """Return what is remembered, less what a crash or another hand made of it."""
    known = {}
    for name, entry in found.items() if isinstance(found, dict) else ():
        match entry:
            case [str(stamp), str(digest)] if len(digest) == _DIGITS:
                known[str(name)] = [stamp, digest]
    return known


class ContentDigests:
    """Digests of paths outside the store.

    Args:
        memory: A JSON file; losing it costs time, never correctness.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._known: dict[str, list[str]] = {}
        with contextlib.suppress(OSError, ValueError, RecursionError):
            found = json.loads(memory.read_text(encoding="utf-8"))
            self._known = _entries(found)

    def digest(self, path: Path, files: Iterable[str] | None = None) -> str:
        """Return the SHA-256 of a file, or that of a folder's relative names and contents; its own path does not count.

        Args:
            files: Of a folder, those that count; None: all.

        Raises:
            OSError: Where the path is not there or cannot be read.
        """
        with self._lock:
            before = dict(self._known)
            digest = self._folder(path, files) if path.is_dir() else self._file(path)
            if self._known != before:
                self._save()
        return digest

    def _folder(self, folder: Path, files: Iterable[str] | None) -> str:
        if files is None:
            files = [file.relative_to(folder).as_posix() for file in files_below(folder)]
        return entries_digest({name: self._file(folder / name) for name in files if (folder / name).is_file()})

    def _file(self, path: Path) -> str:
        status = path.stat()
        stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino} {status.st_dev}"
        name = os.fspath(path.absolute())
        known = self._known.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        digest = file_sha256(path)
        if time.time_ns() - status.st_ctime_ns > _SETTLED_NS:
            self._known[name] = [stamp, digest]
        return digest

    def _save(self) -> None:
        partial = self._memory.with_name(f"{self._memory.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            partial.write_text(json.dumps(self._known), encoding="utf-8")
            partial.replace(self._memory)

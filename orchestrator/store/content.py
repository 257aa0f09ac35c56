"""Hashes of files and folders, remembered by size, time and inode so that nothing unchanged is read twice."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

_CHUNK_BYTES = 2**20


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def files_below(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder, links followed, in a fixed order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path


class ContentDigests:
    """Digests of paths outside the store. memory: a JSON file; losing it costs time, never correctness."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._known: dict[str, list[str]] = {}
        with contextlib.suppress(OSError, ValueError):
            self._known = json.loads(memory.read_text(encoding="utf-8"))

    def digest(self, path: Path) -> str:
        """Return the digest of a file, or of a folder's relative names and contents; paths themselves do not count.

        Raises: FileNotFoundError.
        """
        before = dict(self._known)
        if path.is_dir():
            names = [f"{file.relative_to(path).as_posix()}\0{self._file(file)}" for file in files_below(path)]
            digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
        else:
            digest = self._file(path)
        if self._known != before:
            self._save()
        return digest

    def _file(self, path: Path) -> str:
        status = path.stat()
        stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ino} {status.st_dev}"
        known = self._known.get(str(path.absolute()))
        if known is not None and known[0] == stamp:
            return known[1]
        digest = file_sha256(path)
        self._known[str(path.absolute())] = [stamp, digest]
        return digest

    def _save(self) -> None:
        partial = self._memory.with_name(f"{self._memory.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            partial.write_text(json.dumps(self._known), encoding="utf-8")
            partial.replace(self._memory)

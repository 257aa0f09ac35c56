"""Hashes of files and folders, remembered by size, time and inode so that nothing unchanged is read twice."""

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

_CHUNK_BYTES = 2**20
_CHECK_DIGITS = 16
_SETTLED_NS = 2 * 10**9
"""A file changed less than this before it was read is not remembered: it may change again within one clock tick."""


_EMPTY = hashlib.sha256().hexdigest()
"""Stands for a folder that counts though it is empty."""

ReadingProgress = Callable[[Path, int, int], None]
"""Called with a path that is read to know its content, and with how many bytes of how many have been read."""


def file_sha256(path: Path, advance: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of a file's content.

    Args:
        advance: Called with the bytes of each piece that was read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            if advance is not None:
                advance(len(chunk))
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
            case [str(stamp), str(digest), str(check)] if check == _check(str(name), stamp, digest):
                known[str(name)] = [stamp, digest, check]
    return known


def _check(name: str, stamp: str, digest: str) -> str:
    """Return what tells that an entry is as it was written: a wrong digest would keep a result under a wrong key."""
    text = json.dumps([name, stamp, digest])
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:_CHECK_DIGITS]


def _stamp(file: Path) -> tuple[str, int]:
    """Return what tells whether a file was changed, and its size."""
    status = file.stat()
    stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino} {status.st_dev}"
    return stamp, status.st_size


class ContentDigests:
    """Digests of paths outside the store.

    Args:
        memory: A JSON file; losing it costs time, never correctness.
        progress: Is told what is read, where it is not known already.
        may_remember: Tells whether that file may be written now; None: always.
    """

    def __init__(
        self,
        memory: Path,
        progress: ReadingProgress | None = None,
        may_remember: Callable[[], bool] | None = None,
    ) -> None:
        self._memory, self._progress = memory, progress
        self._may_remember = may_remember or (lambda: True)
        self._lock = threading.Lock()
        self._known: dict[str, list[str]] = {}
        with contextlib.suppress(OSError, ValueError, RecursionError):
            found = json.loads(memory.read_text(encoding="utf-8"))
            self._known = _entries(found)

    def digest(self, path: Path, files: Iterable[str] | None = None) -> str:
        """Return the SHA-256 of a file, or that of a folder's relative names and contents; its own path does not count.

        Args:
            files: Of a folder, those that count, and empty folders with a '/' behind them; None: all files.

        Raises:
            OSError: Where the path is not there or cannot be read.
        """
        with self._lock:
            before = dict(self._known)
            if not path.is_dir():
                digest = self._hashes(path, [path])[0]
            else:
                named = self._all(path) if files is None else list(files)
                folders = [name for name in named if name.endswith("/")]
                names = [name for name in named if name not in folders and (path / name).is_file()]
                hashes = self._hashes(path, [path / name for name in names])
                digest = entries_digest(dict(zip(names, hashes, strict=True)) | dict.fromkeys(folders, _EMPTY))
            if self._known != before and self._may_remember():
                self._save()
        return digest

    def _all(self, folder: Path) -> list[str]:
        return [file.relative_to(folder).as_posix() for file in files_below(folder)]

    def _hashes(self, path: Path, files: Sequence[Path]) -> list[str]:
        """Return the hashes of files, of which those are read that are not known."""
        stamped = [(file, *_stamp(file)) for file in files]
        total = sum(size for file, stamp, size in stamped if self._remembered(file, stamp) is None)
        done = 0

        def advance(read: int) -> None:
            nonlocal done
            done += read
            if self._progress is not None:
                self._progress(path, done, total)

        return [self._remembered(file, stamp) or self._read(file, stamp, advance) for file, stamp, _ in stamped]

    def _remembered(self, file: Path, stamp: str) -> str | None:
        known = self._known.get(os.fspath(file.absolute()))
        return known[1] if known is not None and known[0] == stamp else None

    def _read(self, file: Path, stamp: str, advance: Callable[[int], None]) -> str:
        digest = file_sha256(file, advance)
        changed_ns = int(stamp.split()[2])
        if time.time_ns() - changed_ns > _SETTLED_NS:
            name = os.fspath(file.absolute())
            self._known[name] = [stamp, digest, _check(name, stamp, digest)]
        return digest

    def _save(self) -> None:
        partial = self._memory.with_name(f"{self._memory.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            partial.write_text(json.dumps(self._known), encoding="utf-8")
            partial.replace(self._memory)

"""Locks among threads and processes: what a process holds is free when it ends, however it ends."""

import contextlib
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestrator.locks import lock
from orchestrator.store.disk import NOT_WRITABLE, disk_error, space_explained
from orchestrator.store.layout import Layout

_POLL_S = 0.2


@contextlib.contextmanager
def held(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock alone.

    Args:
        path: The file that is locked; it is made where it is missing, and may be removed by who holds it.
        waiting: Called at every look at a lock that another holds, several times a second; may raise to give up.
    """
    while True:
        with space_explained(path.parent, "locking the store"):
            stream = _locked(path)
        if stream is not None:
            break
        if waiting is not None:
            waiting()
        time.sleep(_POLL_S)
    with stream:
        _sign(stream)
        yield


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock."""

    host: str
    pid: int


def holder(path: Path) -> Holder | None:
    """Return who holds a lock, None where nobody does; process 0 where that is not known."""
    with held_if_free(path) as free:
        if free:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
    try:
        host, _, pid = path.read_text(encoding="utf-8", errors="replace").strip().rpartition(" ")
        return Holder(host, int(pid))
    except (OSError, ValueError):
        return Holder("a machine that is not known", 0)


def _sign(stream: IO[str]) -> None:
    """Write down who holds a lock, for those who ask; a full disk must not keep anybody from holding it."""
    with contextlib.suppress(OSError):
        os.ftruncate(stream.fileno(), 0)
        os.write(stream.fileno(), f"{platform.node()} {os.getpid()}\n".encode())


@contextlib.contextmanager
def held_if_free(path: Path) -> Iterator[bool]:
    """Hold a lock alone where nobody has it; yield whether it is held now.

    Where nothing can be written, nobody makes anything, and nothing is held.
    """
    try:
        stream = _locked(path)
    except OSError as error:
        if error.errno not in NOT_WRITABLE:
            raise
        yield True
        return
    if stream is None:
        yield False
        return
    with stream:
        yield True


def _locked(path: Path) -> IO[str] | None:
    """Return the locked file, None where another holds it."""
    while True:
        stream = path.open("a")
        try:
            if not lock(stream.fileno(), path):
                stream.close()
                return None
        except BaseException:
            stream.close()
            raise
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(stream.fileno()).st_ino:
                return stream
        stream.close()  # who held it before has removed it: a lock on it would exclude nobody


@contextlib.contextmanager
def passed(gate: Path, *, alone: bool = False) -> Iterator[None]:
    """Be inside a gate together with others, or alone; a store that cannot be written has none."""
    try:
        handle = os.open(gate, os.O_RDONLY | os.O_CREAT, 0o644)
    except OSError as error:
        if alone:
            raise disk_error(error, gate.parent, "looking through the store alone") or error from error
        yield
        return
    try:
        lock(handle, gate, shared=not alone, wait=True)
        yield
    finally:
        os.close(handle)


def check_locks(layout: Layout) -> None:
    """Refuse a store whose file system has no locks; one that cannot be written has nothing to keep apart.

    Raises:
        StoreWithoutLocks: Where there are none.
    """
    try:
        handle = os.open(layout.gate, os.O_RDONLY | os.O_CREAT, 0o644)
    except OSError:
        return
    try:
        lock(handle, layout.root, shared=True)
    finally:
        os.close(handle)


class Uses:
    """The keys whose artifacts this process may read, written down for those that clean up.

    The file is locked for as long as the process lives; that of a dead process is worth nothing.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = threading.Lock()
        self._noted: set[str] = set()
        self._handle: int | None = None
        self._process = 0

    @contextlib.contextmanager
    def noting(self, key: str) -> Iterator[None]:
        """Note a key before its artifact is looked for; nobody takes artifacts away meanwhile."""
        if key in self._noted and self._process == os.getpid():
            yield
            return
        with passed(self._layout.gate):
            self._note(key)
            yield

    def release(self, key: str) -> None:
        """Take a key back: what it names is read no more by this process."""
        with self._lock, contextlib.suppress(OSError):
            if key in self._noted and self._handle is not None and self._process == os.getpid():
                os.write(self._handle, f"-{key}\n".encode())
                self._noted.discard(key)

    def _note(self, key: str) -> None:
        """Write a key down; where nothing can be written, nothing is taken away either, or it is made again."""
        with self._lock, contextlib.suppress(OSError):
            if self._handle is None or self._process != os.getpid():
                self._open()
            assert self._handle is not None  # opened just above
            os.write(self._handle, f"{key}\n".encode())
            self._noted.add(key)

    def _open(self) -> None:
        self._layout.uses.mkdir(exist_ok=True)
        name = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._handle = os.open(self._layout.uses / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        lock(self._handle, self._layout.uses / name, wait=True)
        self._process, self._noted = os.getpid(), set()


_USES: dict[Path, Uses] = {}
_USES_LOCK = threading.Lock()


def uses_of(layout: Layout) -> Uses:
    """Return what this process uses of a store: one for each store, however often it is opened."""
    with _USES_LOCK:
        return _USES.setdefault(layout.root, Uses(layout))


def keys_in_use(layout: Layout) -> set[str]:
    """Return the keys that living programs may read; what dead ones left behind is removed. Only inside the gate."""
    found: set[str] = set()
    for path in sorted(layout.uses.iterdir()) if layout.uses.is_dir() else []:
        with held_if_free(path) as dead:
            if dead:
                with contextlib.suppress(OSError):
                    path.unlink()
            else:
                found |= _used(path.read_text(encoding="ascii").split())
    return found


def _used(lines: Iterable[str]) -> set[str]:
    """Return the keys that were noted and not released after that."""
    used: set[str] = set()
    for line in lines:
        if line.startswith("-"):
            used.discard(line[1:])
        else:
            used.add(line)
    return used

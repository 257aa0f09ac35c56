"""Locks among threads, processes and machines: what a process holds is free when it ends, however it ends."""

import contextlib
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import InUse
from orchestrator.file_system import file_system
from orchestrator.locks import lock
from orchestrator.store.claims import FOLDER, Times, freshen
from orchestrator.store.disk import NOT_WRITABLE, disk_error, space_explained
from orchestrator.store.holds import (
    Hold,
    held_elsewhere,
    hold,
    is_local,
    is_lost,
    kept,
    marks,
    needs_claims,
    remove_marks,
)
from orchestrator.store.layout import Layout

_POLL_S = 0.2
_FIRST_POLL_S = 0.005


@contextlib.contextmanager
def held(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock alone.

    Args:
        path: The file that is locked; it is made where it is missing, and may be removed by who holds it.
        waiting: Called at every look at a lock that another holds, several times a second; may raise to give up.
    """
    poll_s = _FIRST_POLL_S
    while True:
        with space_explained(path.parent, "locking the store"):
            found = hold(path)
        if found is not None:
            break
        if waiting is not None:
            waiting()
        time.sleep(poll_s)
        poll_s = min(2 * poll_s, _POLL_S)
    with found:
        _sign(found)
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
    with contextlib.suppress(OSError):
        claimant = held_elsewhere(path)
        if claimant is not None:
            return Holder(*claimant)
    try:
        host, _, pid = path.read_text(encoding="utf-8", errors="replace").strip().rpartition(" ")
        return Holder(host, int(pid))
    except (OSError, ValueError):
        return Holder("a machine that is not known", 0)


def _sign(found: Hold) -> None:
    """Write down who holds a lock, for those who ask; a full disk must not keep anybody from holding it."""
    with contextlib.suppress(OSError):
        os.ftruncate(found.handle, 0)
        os.write(found.handle, f"{platform.node()} {os.getpid()}\n".encode())


@contextlib.contextmanager
def held_if_free(path: Path) -> Iterator[bool]:
    """Hold a lock alone where nobody has it; yield whether it is held now.

    Where nothing can be written, nobody makes anything, and nothing is held.
    """
    try:
        found = hold(path)
    except OSError as error:
        if error.errno not in NOT_WRITABLE:
            raise
        yield True
        return
    if found is None:
        yield False
        return
    with found:
        yield True


def look_anew(layout: Layout, key: str) -> None:
    """See what another machine has kept under a key before it let the lease go; on one's own disk nothing is old."""
    if not is_local(layout.leases):
        freshen(layout.artifacts)
        if layout.artifact(key).parent.is_dir():
            freshen(layout.artifact(key).parent)


def check_held(path: Path, title: str) -> None:
    """Refuse to go on where another has taken a lock that this process held.

    Args:
        title: What it was held for, such as "train/errnet2019".

    Raises:
        InUse: Where this process, or its machine, stood still for so long that it counted as dead.
    """
    if is_lost(path):
        raise InUse(
            f"another program has taken over {title}: this one stood still for too long, and counted as dead",
            where=str(path),
            hint="run the same command again: it takes what the other program makes",
        )


@contextlib.contextmanager
def passed(gate: Path, *, alone: bool = False) -> Iterator[None]:
    """Be inside a gate together with others, or alone; a store that cannot be written has none."""
    with contextlib.ExitStack() as inside:
        try:
            if is_local(gate.parent):
                handle = _passed_here(gate, shared=not alone)
                if alone:  # for long, so that other machines may come meanwhile
                    inside.enter_context(kept(gate, handle))
                else:
                    inside.callback(os.close, handle)
            if needs_claims(gate.parent):
                inside.close()
                inside.enter_context(_waited_for(gate, shared=not alone))
        except OSError as error:
            if alone:
                raise disk_error(error, gate.parent, "looking through the store alone") or error from error
        yield


def _passed_here(gate: Path, *, shared: bool) -> int:
    """Return the descriptor of a gate that was passed on this machine."""
    handle = os.open(gate, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        lock(handle, gate, shared=shared, wait=True)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _waited_for(gate: Path, *, shared: bool) -> Hold:
    """Return a gate that was passed among machines."""
    while (found := hold(gate, shared=shared, sharable=True)) is None:
        time.sleep(_POLL_S / 10)
    return found


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
    with contextlib.suppress(OSError):
        needs_claims(layout.leases)


def how_kept_apart(layout: Layout) -> str:
    """Return a sentence on how programs that use a store are kept apart; nothing is made."""
    kind = file_system(layout.leases).kind
    times = Times.of(layout.leases / FOLDER)
    claims = (
        f"claims, renewed every {times.beat_s:g} s, keep programs apart; one that another machine held is free "
        f"{times.dead_s:g} s after its program died"
    )
    if not is_local(layout.leases):
        return f"on {kind}, where locks may end at this machine: {claims}"
    if (layout.leases / FOLDER).is_dir():
        return f"on {kind}, and other machines have used it through a mount: {claims}"
    return f"on {kind}, a disk of this machine: its locks keep programs apart"


class Uses:
    """The keys whose artifacts this process may read, written down for those that clean up.

    The file is locked for as long as the process lives; that of a dead process is worth nothing.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = threading.RLock()
        self._noted: set[str] = set()
        self._hold: Hold | None = None
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
            if key in self._noted and self._hold is not None and self._process == os.getpid():
                self._noted.discard(key)
                self._hold.unmark(key)
                os.write(self._hold.handle, f"-{key}\n".encode())

    def _note(self, key: str) -> None:
        """Write a key down; where nothing can be written, nothing is taken away either, or it is made again."""
        with self._lock, contextlib.suppress(OSError):
            if self._hold is None or self._process != os.getpid():
                self._open()
            assert self._hold is not None  # opened just above
            self._hold.mark(key)
            try:
                os.write(self._hold.handle, f"{key}\n".encode())
            except OSError:
                if not self._hold.is_claimed:  # else the mark is enough, and outlives the descriptor
                    raise
            self._noted.add(key)

    def _open(self) -> None:
        self._layout.uses.mkdir(exist_ok=True)
        path = self._layout.uses / f"{os.getpid()}-{os.urandom(4).hex()}"
        while (found := hold(path)) is None:
            time.sleep(_FIRST_POLL_S)  # a cleaner looks whether anybody has it
        self._hold = found
        self._process, self._noted = os.getpid(), set()


_USES: dict[Path, Uses] = {}
_USES_LOCK = threading.Lock()


def uses_of(layout: Layout) -> Uses:
    """Return what this process uses of a store: one for each store, however often it is opened."""
    with _USES_LOCK:
        return _USES.setdefault(layout.root, Uses(layout))


def keys_in_use(layout: Layout) -> set[str]:
    """Return the keys that living programs may read; what dead ones left behind is removed. Only inside the gate."""
    if not layout.uses.is_dir():
        return set()
    if needs_claims(layout.uses):
        freshen(layout.uses)
    marked = marks(layout.uses)
    found: set[str] = set()
    for path in sorted(path for path in layout.uses.iterdir() if path.is_file() and not path.name.startswith(".")):
        with held_if_free(path) as dead, contextlib.suppress(FileNotFoundError):
            if dead:
                with contextlib.suppress(OSError):
                    path.unlink()
            else:
                found |= _used(path.read_text(encoding="ascii").split()) | marked.pop(path.name, set())
    remove_marks(layout.uses, marked)
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

"""What this process holds: a kernel's lock on a file, and a claim on it where locks do not reach other machines.

Claims are used where a folder of lock files does not lie on this machine's own disk, and where a folder `claims` in it
says that another machine has been there. A process that held a lock before that makes its claim within a beat; who
makes that folder waits for it once.
"""

import contextlib
import errno
import os
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from orchestrator.file_system import file_system
from orchestrator.locks import lock
from orchestrator.store.claims import FOLDER, Claim, Times, claimant, freshen, sweep, take

_READY = "ready"
_WITH = "+with+"
"""In the names of claims that are held together with others, before what tells them apart."""
_MARK = "+mark+"
_SOON_S = 0.02
_READY_FOLDERS: set[Path] = set()


class Hold:
    """A lock that this process holds; made by `hold`."""

    def __init__(self, path: Path, handle: int, claim: Claim | None, *, shared: bool) -> None:
        self.path, self.handle = path, handle
        self._claim, self._shared = claim, shared
        self._taken, self._released = False, False
        self._marks: set[str] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()

    @property
    def lost(self) -> bool:
        """Whether another has taken it, because this process or its machine stood still for long."""
        return self._taken or (self._claim is not None and self._claim.lost)

    @property
    def beat_s(self) -> float:
        """Seconds after which `keep` is due."""
        return Times().beat_s if self._claim is None else self._claim.times.beat_s

    @property
    def is_claimed(self) -> bool:
        """Whether other machines see it."""
        return self._claim is not None

    def keep(self) -> None:
        """Show that it is held; make a claim of it where other machines have come since."""
        with self._lock:
            if self._released or self._taken:
                return
            if self._claim is not None:
                self._claim.beat()
            elif (self.path.parent / FOLDER).is_dir():
                with contextlib.suppress(OSError):
                    self._claim = _claim(self.path, shared=self._shared, sharable=self._shared)
                    self._taken = self._claim is None and not self._shared
                    for name in self._marks if self._claim is not None else ():
                        _mark(self.path, name).touch()

    def mark(self, name: str) -> None:
        """Put a word beside the claim, as the name of a file: contents of files are seen late on other machines."""
        with self._lock:
            self._marks.add(name)
            if self._claim is not None:
                _mark(self.path, name).touch()

    def unmark(self, name: str) -> None:
        """Take a word back."""
        with self._lock:
            self._marks.discard(name)
            if self._claim is not None:
                _mark(self.path, name).unlink(missing_ok=True)

    def release(self) -> None:
        """Let others have it."""
        _KEEPER.remove(self)
        with self._lock:
            self._released = True
            if self._claim is not None:
                self._claim.release()
            with contextlib.suppress(OSError):  # its connection is lost; the lock is let go all the same
                os.close(self.handle)


class _Keeper:
    """A thread that keeps what this process holds; begun with the first hold."""

    def __init__(self) -> None:
        self._holds: set[Hold] = set()
        self._lock = threading.Lock()
        self._sooner = threading.Event()
        self._beat_s = 0.0

    def add(self, one: Hold) -> None:
        with self._lock:
            self._holds.add(one)
            if not self._beat_s:
                self._beat_s = one.beat_s
                threading.Thread(target=self._keep, name="keeps locks", daemon=True).start()
            elif one.beat_s < self._beat_s:
                self._sooner.set()

    def remove(self, one: Hold) -> None:
        with self._lock:
            self._holds.discard(one)

    def of(self, path: Path) -> list[Hold]:
        with self._lock:
            return [one for one in self._holds if one.path == path]

    def _keep(self) -> None:
        kept = time.monotonic()
        while True:
            with self._lock:
                holds = list(self._holds)
                self._beat_s = min((one.beat_s for one in holds), default=Times().beat_s)
                self._sooner.clear()
            left_s = kept + self._beat_s - time.monotonic()
            if left_s > 0:
                self._sooner.wait(left_s)
                continue
            kept = time.monotonic()
            for one in holds:
                one.keep()


_KEEPER = _Keeper()


def _forked() -> None:
    """A child has copies of the descriptors, and neither the thread nor the right to let anything go."""
    global _KEEPER  # noqa: PLW0603 - a child's own
    _KEEPER = _Keeper()


os.register_at_fork(after_in_child=_forked)


def hold(path: Path, *, shared: bool = False, sharable: bool = False) -> Hold | None:
    """Hold a lock where it can be had now; None where another holds it.

    Args:
        path: The file that is locked; it is made where it is missing.
        shared: Others may hold it so too.
        sharable: It is one that others may hold together; not for locks that only one ever holds.

    Raises:
        StoreWithoutLocks: Where its file system has no locks even for this machine.
    """
    if not is_local(path.parent):
        needs_claims(path.parent)
    handle = _locked(path, shared=shared)
    if handle is None:
        return None
    try:
        claim = None
        if needs_claims(path.parent):
            claim = _claim(path, shared=shared, sharable=sharable or shared)
            if claim is None:
                os.close(handle)
                return None
    except BaseException:
        os.close(handle)
        raise
    return kept(path, handle, claim, shared=shared)


def kept(path: Path, handle: int, claim: Claim | None = None, *, shared: bool = False) -> Hold:
    """Return what holds a lock that this process has; it becomes a claim where other machines come meanwhile.

    Args:
        handle: Descriptor of the locked file; closed when it is let go.
    """
    held = Hold(path, handle, claim, shared=shared)
    _KEEPER.add(held)
    return held


def is_lost(path: Path) -> bool:
    """Return whether this process held a lock and another has taken it since."""
    return any(one.lost for one in _KEEPER.of(path))


def needs_claims(folder: Path) -> bool:
    """Return whether locks in a folder are not enough; makes the folder of claims where they are not.

    The first to make it waits until programs that held locks alone have made their claims.
    """
    claims = folder / FOLDER
    if is_local(folder):
        return claims.is_dir()
    if claims not in _READY_FOLDERS:
        new = not any(path.name != "gate" and path.is_file() for path in folder.iterdir())
        claims.mkdir(exist_ok=True)
        ready = claims / _READY
        if not ready.exists():
            if not new:
                time.sleep(2 * max(Times().beat_s, Times.of(claims).beat_s))
            ready.touch()
        _READY_FOLDERS.add(claims)
    return True


@cache
def is_local(folder: Path) -> bool:
    """Return whether no other machine sees a folder but through this one; it is looked at once."""
    return file_system(folder).is_local


def held_elsewhere(path: Path) -> tuple[str, int] | None:
    """Return the host and process that hold a claim on a lock alone; None where nobody does, or none is needed."""
    who = claimant(_claims(path)) if needs_claims(path.parent) else None
    return None if who is None else (who.host, who.pid)


def marks(folder: Path) -> dict[str, set[str]]:
    """Return the marks beside the claims in a folder, by the names of what is locked."""
    found: dict[str, set[str]] = {}
    if needs_claims(folder):
        freshen(folder / FOLDER)
        for path in (folder / FOLDER).iterdir():
            name, sign, mark = path.name.partition(_MARK)
            if sign:
                found.setdefault(name, set()).add(mark)
    return found


def remove_marks(folder: Path, found: Mapping[str, set[str]]) -> None:
    """Remove marks of what nobody holds any more."""
    for name, words in found.items():
        for word in words:
            with contextlib.suppress(OSError):
                _mark(folder / name, word).unlink()


def _mark(path: Path, name: str) -> Path:
    return path.parent / FOLDER / f"{path.name}{_MARK}{name}"


def _claims(path: Path) -> Path:
    return path.parent / FOLDER / path.name


def _claim(path: Path, *, shared: bool, sharable: bool) -> Claim | None:
    """Return a claim on a lock, None where another holds it."""
    alone = _claims(path)
    while (claim := take(alone, entering=shared)) is None:
        who = claimant(alone)
        if not sharable or (who is not None and who.token and not who.entering):
            return None
        time.sleep(_SOON_S)
    if not sharable:
        return claim
    try:
        if shared:
            return take(alone.with_name(f"{alone.name}{_WITH}{claim.token}"))
        # What this machine knew of the folder is old since the claim was made in it.
        others = [path for path in alone.parent.iterdir() if path.name.startswith(f"{alone.name}{_WITH}")]
        if all(sweep(path) for path in others):
            found, claim = claim, None
            return found
        return None
    finally:
        if claim is not None:
            claim.release()


def _locked(path: Path, *, shared: bool) -> int | None:
    """Return the descriptor of the locked file, None where another holds it."""
    while True:
        handle = _opened(path)
        try:
            if not lock(handle, path, shared=shared):
                os.close(handle)
                return None
        except BaseException:
            os.close(handle)
            raise
        with contextlib.suppress(FileNotFoundError):
            if not is_local(path.parent) or path.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)  # who held it before has removed it: a lock on it would exclude nobody


def _opened(path: Path) -> int:
    """Open a lock file; one that another machine removed just now is opened anew under its name."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    try:
        return os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ESTALE} or not path.parent.is_dir():
            raise
    made = path.with_name(f".{path.name}-{os.urandom(4).hex()}")
    handle = os.open(made, flags, 0o666)
    made.rename(path)
    return handle

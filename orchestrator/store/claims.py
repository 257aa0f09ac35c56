"""Claims: folders that keep programs apart where a kernel's locks end at its machine, as on sshfs or NFS without locks.

A claim is a folder with one file in it, made elsewhere and renamed to its place: a folder with something in it cannot
be renamed over another, so that one of many succeeds. That is the server's word; whether a name is there is answered
from memory on such file systems, for 20 seconds by sshfs, so that O_EXCL would refuse what is free long since.

Who holds a claim writes a growing number into its file for as long as it lives. Clocks of machines are never compared:
a claim is dead where another process has watched the number stand still for long enough, by its own clock; or, at once,
where its process was one of this machine and is gone. Its file has a name of its own, so that who takes away what it
found dead, however late, takes away that and no claim that followed.
"""

import contextlib
import errno
import json
import os
import platform
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from orchestrator.process_identity import boot_id, process_alive, start_ticks

FOLDER = "claims"
"""Beside lock files, the folder of the claims on them; where it is, locks alone are not enough."""

_TIMES_FILE = "times.json"
_BYTES = 512
"""Of every record: a reader whose system remembers sizes reads no half of one."""
_GONE = {errno.ENOENT, errno.ESTALE, errno.ENOTDIR}
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST, errno.EPERM}
_NEW, _LOOK = ".new-", ".look-"
_TRIES, _RETRY_S = 4, 0.02


@dataclass(frozen=True)
class Times:
    """How often a claim's number grows, and after which time without that it is dead; alike for all of a store.

    Attributes:
        beat_s: Seconds, more than 0.
        dead_s: Seconds, at least six times `beat_s`.
    """

    beat_s: float = 5.0
    dead_s: float = 60.0

    @classmethod
    def of(cls, folder: Path) -> "Times":
        """Return those of a folder of claims: what `times.json` in it says, or the usual ones."""
        try:
            told = json.loads((folder / _TIMES_FILE).read_bytes())
            beat_s, dead_s = float(told["beat_s"]), float(told["dead_s"])
        except (OSError, ValueError, KeyError, TypeError):
            return cls()
        return cls(beat_s, dead_s) if 0 < beat_s * 6 <= dead_s else cls()


@dataclass(frozen=True)
class Claimant:
    """Who holds a claim.

    Attributes:
        host: Its machine's name; `boot` and `namespace` tell of which process numbers `pid` is one.
        token: Names this claim among all that ever had its path; empty where nothing can be read.
        entering: It is held for a moment, to be held together with others after that.
    """

    host: str = "a machine that is not known"
    boot: str = ""
    namespace: str = ""
    pid: int = 0
    created: int = 0
    token: str = ""
    entering: bool = False

    @classmethod
    def parse(cls, record: bytes) -> "Claimant":
        """Return what a claim's file says; a file without words says nothing."""
        try:
            told = json.loads(record)
            return cls(
                host=str(told["host"]),
                boot=str(told["boot"]),
                namespace=str(told["namespace"]),
                pid=int(told["pid"]),
                created=int(told["created"]),
                token=str(told["token"]),
                entering=bool(told["entering"]),
            )
        except (ValueError, KeyError, TypeError):
            return cls()

    @property
    def known_dead(self) -> bool:
        """Whether it was a process of this machine that is gone."""
        return self._is_near and not process_alive(self.pid, self.created)

    @property
    def known_alive(self) -> bool:
        """Whether it is a process of this machine: one that stands still is not dead."""
        return self._is_near and process_alive(self.pid, self.created)

    @property
    def _is_near(self) -> bool:
        return self.pid > 0 and (self.host, self.boot, self.namespace) == _machine()


@cache
def _machine() -> tuple[str, str, str]:
    """Return the machine's name, its present run, and the space of process numbers that this process is in."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return platform.node(), boot_id(), namespace


@dataclass
class _Watched:
    """What was read of a claim of another, and since when it has been the same."""

    record: bytes
    since: float = field(default_factory=time.monotonic)


_WATCHED: dict[Path, _Watched] = {}
_WATCHED_LOCK = threading.Lock()


class Claim:
    """A claim that this process holds; made by `take`."""

    def __init__(self, path: Path, who: Claimant, handle: int, times: Times) -> None:
        self.path, self.times = path, times
        self._who, self._handle, self._number = who, handle, 0

    def beat(self) -> None:
        """Show that it is held; a failure shows only where it lasts, and the claim may be lost then."""
        self._number += 1
        try:
            _write(self._handle, self._who, self._number)
        except OSError:
            with contextlib.suppress(OSError):
                self._reopen()
                _write(self._handle, self._who, self._number)

    def _reopen(self) -> None:
        """Open its file anew: descriptors do not outlive the connection of sshfs, which is made again by itself."""
        handle = os.open(self.path / self.token, os.O_RDWR | os.O_NOFOLLOW)
        dead, self._handle = self._handle, handle
        with contextlib.suppress(OSError):
            os.close(dead)

    @property
    def lost(self) -> bool:
        """Whether another has taken it away, because this process or its machine stood still; the server is asked."""
        try:
            return _read(self.path / self.token) is None
        except OSError:
            return True

    def release(self) -> None:
        """Let others have it; one that another has taken meanwhile is left alone."""
        with contextlib.suppress(OSError):
            os.close(self._handle)
        _remove(self.path, self.token)

    @property
    def token(self) -> str:
        """What names it among all claims."""
        return self._who.token


def take(path: Path, *, entering: bool = False) -> Claim | None:
    """Return the claim of a path, None where another holds it.

    Args:
        path: In a folder of claims that is there.
        entering: It is let go in a moment; others that would have to wait for it try again soon.
    """
    times = Times.of(path.parent)
    for _ in range(_TRIES):
        found = _record(path)
        if found is not None:
            if not _is_dead(path / found[0], found[1], times):
                return None
            _remove(path, found[0])
        claim = _made(path, times, entering=entering)
        if claim is not None:
            return claim
        time.sleep(_RETRY_S)
    return None


def _made(path: Path, times: Times, *, entering: bool) -> Claim | None:
    """Return a new claim, None where there is one."""
    pid = os.getpid()
    who = Claimant(*_machine(), pid, start_ticks(pid) or 0, os.urandom(8).hex(), entering)
    folder = path.with_name(f"{_NEW}{who.token}")
    folder.mkdir()
    handle = os.open(folder / who.token, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        _write(handle, who, 0)
        claim = Claim(path, who, handle, times)
        if _renamed(folder, path, who.token):
            return claim
    except BaseException:
        os.close(handle)
        _remove(folder, who.token)
        raise
    os.close(handle)
    _remove(folder, who.token)
    return None


def _renamed(folder: Path, path: Path, token: str) -> bool:
    """Rename a new claim to its place; where the server's answer was lost, the place is looked at."""
    try:
        folder.rename(path)
    except OSError as error:
        if error.errno not in _TAKEN | _GONE:
            raise
        return _read(path / token) is not None
    return True


def claimant(path: Path) -> Claimant | None:
    """Return who holds a claim, None where nobody does."""
    found = _record(path)
    if found is None or _is_dead(path / found[0], found[1], Times.of(path.parent)):
        return None
    return Claimant.parse(found[1])


def sweep(path: Path) -> bool:
    """Take a claim away where it is dead; return whether there is none now."""
    found = _record(path)
    if found is not None:
        if not _is_dead(path / found[0], found[1], Times.of(path.parent)):
            return False
        _remove(path, found[0])
    with contextlib.suppress(OSError):
        path.rmdir()
    return True


def freshen(folder: Path) -> None:
    """Change a folder, so that this machine asks its server anew what is in it."""
    path = folder / f"{_LOOK}{os.getpid()}-{os.urandom(4).hex()}"
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        path.unlink()


def _record(path: Path) -> tuple[str, bytes] | None:
    """Return the name and the content of a claim's file, None where there is none."""
    for attempt in range(2):
        try:
            names = sorted((inner.name for inner in path.iterdir()), key=lambda name: (name.startswith(_LOOK), name))
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise
        for name in names:
            content = _read(path / name)
            if content is not None:
                return name, content
        if not names or attempt:
            return None
        freshen(path)  # what it was told to hold is gone: it was told that some time ago
    return None


def _read(path: Path) -> bytes | None:
    """Return a file's content as the server has it, None where there is none: opening asks, unlike looking."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            return os.read(handle, _BYTES)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise


def _write(handle: int, who: Claimant, number: int) -> None:
    os.pwrite(handle, json.dumps({**vars(who), "number": number}).encode().ljust(_BYTES), 0)
    os.fsync(handle)


def _remove(path: Path, name: str) -> None:
    """Remove a claim's file, and its folder where no other claim has taken its place."""
    with contextlib.suppress(OSError):
        (path / name).unlink()
    with contextlib.suppress(OSError):
        path.rmdir()
    with _WATCHED_LOCK:
        _WATCHED.pop(path / name, None)


def _is_dead(path: Path, record: bytes, times: Times) -> bool:
    """Return whether a claim's holder is gone, or was watched to stand still for long enough."""
    who = Claimant.parse(record)
    with _WATCHED_LOCK:
        if who.known_alive:
            _WATCHED.pop(path, None)
            return False
        watched = _WATCHED.get(path)
        if watched is None or watched.record != record:
            watched = _WATCHED[path] = _Watched(record)
    return who.known_dead or time.monotonic() - watched.since > times.dead_s

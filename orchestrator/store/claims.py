"""Claims: files that keep programs apart where locks of a kernel end at its machine, as on sshfs or NFS without locks.

Who makes the file by O_EXCL holds it, and writes a growing number into it for as long as it lives. Clocks of machines
are never compared: a claim is dead where another process has watched the number stand still for long enough, by its own
clock; or, at once, where its process was one of this machine and is gone. A dead claim is taken away by who holds the
claim on doing that to this very claim, so that of several who found it dead none takes away a living one that followed.
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

from orchestrator.engine.owner import boot_id, process_alive, start_ticks

FOLDER = "claims"
"""Beside lock files, the folder of the claims on them; where it is, locks alone are not enough."""

_TIMES_FILE = "times.json"
_BYTES = 512
"""Of every claim: a reader whose system remembers sizes reads no half of one."""
_GONE = {errno.ENOENT, errno.ESTALE}
_TAKEN = {errno.EEXIST, errno.EPERM, errno.EACCES}
"""What O_EXCL answers; sftp has no number for a file that is there already, and sshfs answers EPERM."""
_TRIES, _RETRY_S = 5, 0.05


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
        token: Names this claim among all that ever had its path; empty where it was not written yet.
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

    def __init__(self, path: Path, handle: int, times: Times, *, entering: bool) -> None:
        self.path, self.times = path, times
        self._handle, self._number = handle, 0
        self._who = Claimant(
            *_machine(), os.getpid(), start_ticks(os.getpid()) or 0, os.urandom(8).hex(), entering=entering
        )
        self._beaten = _awake()
        self._write()

    def beat(self) -> None:
        """Show that it is held; a failure shows only where it lasts, and the claim may be lost then."""
        if self._age < self.times.dead_s / 3 or self.is_there:
            with contextlib.suppress(OSError):
                self._write()

    @property
    def lost(self) -> bool:
        """Whether another has taken it, because this process or its machine stood still."""
        return self._age >= self.times.dead_s / 3 and not self.is_there

    def release(self) -> None:
        """Let others have it; one that another has taken meanwhile is left alone."""
        with contextlib.suppress(OSError):
            os.close(self._handle)
        if self._age < self.times.dead_s / 3:  # nobody has watched it stand still for long enough
            with contextlib.suppress(OSError):
                self.path.unlink()
        else:
            _remove(self.path, self._who.token, self.times)

    @property
    def token(self) -> str:
        """What names it among all claims."""
        return self._who.token

    @property
    def _age(self) -> float:
        return _awake() - self._beaten

    @property
    def is_there(self) -> bool:
        """Whether its path still holds this claim; the server is asked."""
        with contextlib.suppress(OSError):
            record = _read(self.path)
            return record is not None and Claimant.parse(record).token == self.token
        return False

    def _write(self) -> None:
        """Write through the open file: at its path may lie the claim of another."""
        began, self._number = _awake(), self._number + 1
        record = json.dumps({**vars(self._who), "number": self._number}).encode()
        os.pwrite(self._handle, record.ljust(_BYTES), 0)
        os.fsync(self._handle)
        self._beaten = began


def take(path: Path, *, entering: bool = False) -> Claim | None:
    """Return the claim of a path, None where another holds it or somebody takes it away just now.

    Args:
        path: In a folder of claims that is there.
        entering: It is let go in a moment; others that would have to wait for it try again soon.
    """
    times = Times.of(path.parent)
    for _ in range(_TRIES):
        handle = _create(path)
        if handle is not None:
            return _made(path, handle, times, entering=entering)
        found = _read(path)
        if found is None:
            continue
        if not _is_dead(path, found, times) or not _remove_dead(path, found, times):
            return None
    return None


def _made(path: Path, handle: int, times: Times, *, entering: bool) -> Claim | None:
    """Return a claim of a file that was made just now; not where it stood there without words for long."""
    began = _awake()
    try:
        claim = Claim(path, handle, times, entering=entering)
    except BaseException:
        os.close(handle)
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    if _awake() - began >= times.dead_s / 3 and not claim.is_there:
        claim.release()
        return None
    return claim


def claimant(path: Path) -> Claimant | None:
    """Return who holds a claim, None where nobody does."""
    found = _read(path)
    return None if found is None or _is_dead(path, found, Times.of(path.parent)) else Claimant.parse(found)


def sweep(path: Path) -> bool:
    """Take a claim away where it is dead; return whether there is none now. For names that are used once."""
    found = _read(path)
    if found is None:
        return True
    if not _is_dead(path, found, Times.of(path.parent)):
        return False
    path.unlink(missing_ok=True)
    return True


def freshen(folder: Path) -> None:
    """Change a folder, so that this machine asks its server anew what is in it."""
    path = folder / f".look-{os.getpid()}-{os.urandom(4).hex()}"
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        path.unlink()


def _create(path: Path) -> int | None:
    """Make a file that was not there; None where it was."""
    for attempt in range(_TRIES):
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            if error.errno == errno.EEXIST or (error.errno in _TAKEN and _read(path) is not None):
                return None
            if error.errno not in _TAKEN | _GONE or attempt == _TRIES - 1:
                raise
        time.sleep(_RETRY_S)  # it went away in between
    return None


def _read(path: Path) -> bytes | None:
    """Return a claim's content as the server has it, None where there is none: opening asks, unlike looking."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise
    try:
        return os.read(handle, _BYTES)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise
    finally:
        os.close(handle)


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


def _remove_dead(path: Path, record: bytes, times: Times) -> bool:
    """Take a dead claim away; False where another does, or it has come to life."""
    token = Claimant.parse(record).token
    if not token:  # a new one looks the same: it must stay so while nobody else may take it away
        return _remove(path, "", times, watched=record)
    return _remove(path, token, times)


def _remove(path: Path, token: str, times: Times, *, watched: bytes | None = None) -> bool:
    """Take away the claim with this token, if it is that still, as the only one who may."""
    alone = take(path.with_name(f"{path.name}+over+{token or 'empty'}"))
    if alone is None:
        return False
    try:
        ends = time.monotonic() + (times.dead_s if watched is not None else 0)
        while True:
            found = _read(path)
            if found is None:
                return True
            if Claimant.parse(found).token != token:
                return False
            if time.monotonic() >= ends:
                break
            alone.beat()
            time.sleep(min(times.beat_s, 1.0))
        if alone.lost:
            return False
        path.unlink(missing_ok=True)
    finally:
        alone.release()
    with _WATCHED_LOCK:
        _WATCHED.pop(path, None)
    return True


def _awake() -> float:
    """Return seconds of a clock that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)

"""Which process started a job, so that a later one can tell a dead run's remains from a living run's jobs."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import psutil

_SAME_START_S = 1.0


@dataclass(frozen=True)
class Owner:
    """A process on a machine since its last start: a process number alone is used again sooner or later.

    Attributes:
        created: When the process was started, seconds since the epoch.
    """

    host: str
    boot: str
    pid: int
    created: float

    @classmethod
    def current(cls) -> "Owner":
        """Return this process."""
        pid = os.getpid()
        return cls(platform.node(), boot_id(), pid, psutil.Process(pid).create_time())

    @classmethod
    def parse(cls, text: str) -> "Owner | None":
        """Return the owner that `str` wrote, or None where the text is not one."""
        parts = text.rsplit(":", 3)
        try:
            host, boot, pid, created = parts
            return cls(host, boot, int(pid), float(created))
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.host}:{self.boot}:{self.pid}:{self.created:.2f}"

    @property
    def alive(self) -> bool:
        """Whether the process still runs; an owner on another machine cannot be asked and counts as alive."""
        if self.host != platform.node():
            return True
        return self.boot == boot_id() and process_alive(self.pid, self.created)


def boot_id() -> str:
    """Return the name of the machine's present run, from its last start on."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"


def process_alive(pid: int, created: float) -> bool:
    """Return whether the process that had this number and start time still runs; a zombie does not."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < _SAME_START_S
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False

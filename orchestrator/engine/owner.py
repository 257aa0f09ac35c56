"""Which process started a job, so that a later one can tell a dead run's remains from a living run's jobs."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Owner:
    """A process on a machine since its last start: a process number alone is used again sooner or later.

    Attributes:
        created: When the process was started, in ticks since the machine's start: setting the clock does not move it.
    """

    host: str
    boot: str
    pid: int
    created: int

    @classmethod
    def current(cls) -> "Owner":
        """Return this process."""
        pid = os.getpid()
        return cls(platform.node(), boot_id(), pid, start_ticks(pid) or 0)

    @classmethod
    def parse(cls, text: str) -> "Owner | None":
        """Return the owner that `str` wrote, or None where the text is not one."""
        parts = text.rsplit(":", 3)
        try:
            host, boot, pid, created = parts
            return cls(host, boot, int(pid), int(float(created)))
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.host}:{self.boot}:{self.pid}:{self.created}"

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


def start_ticks(pid: int) -> int | None:
    """Return when a process was started, in ticks since the machine's start; None where there is no such process.

    Seconds since the epoch would not do: they are counted back from the clock, so that whoever sets it changes the
    start of every process.
    """
    try:
        # The name in brackets may hold blanks and brackets of its own.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[19])
    except (OSError, IndexError, ValueError):
        return None


def process_alive(pid: int, created: int) -> bool:
    """Return whether the process that had this number and start still runs; a zombie does not."""
    try:
        return start_ticks(pid) == created and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False

"""Which process started a job, so that a later one can tell a dead run's remains from a living run's jobs."""

import os
import platform
from dataclasses import dataclass

from orchestrator.process_identity import boot_id, process_alive, start_ticks


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

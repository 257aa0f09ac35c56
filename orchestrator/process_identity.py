"""Which process is meant by a number: a number alone is used again sooner or later."""

from pathlib import Path

import psutil


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

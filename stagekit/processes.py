"""What a stage's processes do alike: end with their parent, and know the most memory that they held."""

import multiprocessing
import os
import resource
import signal
import threading


def settle_worker() -> None:
    """Let a worker process end with its parent, however that ends, and never by a signal meant for the parent."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(0)


def reset_peak() -> None:
    """Let this process's peak begin again; where the kernel does not allow it, the peak since the start counts."""
    try:
        with open("/proc/self/clear_refs", "w") as stream:
            stream.write("5")
    except OSError:
        pass


def peak_bytes() -> int:
    """Return the most resident memory of this process since the last reset."""
    try:
        with open("/proc/self/status", encoding="utf-8") as stream:
            kilobytes = next(int(line.split()[1]) for line in stream if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes * 1024

"""A small disk of its own for stores, which can be filled to its last byte."""

import contextlib
import os
import subprocess
import threading
import time
from pathlib import Path

_FILLER = "filler"


class SmallDisk:
    """A folder on a file system in memory where root may mount one; else a plain folder, which is never filled.

    Args:
        folder: Where it is mounted.
        size_bytes: All that it holds.
    """

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        while folder.is_mount():  # of one that was killed
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        options = f"size={size_bytes},mode=755"
        command = ["mount", "-t", "tmpfs", "-o", options, "sirr-kills", str(folder)]
        self._filling: threading.Thread | None = None
        self.fills = os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0

    def fill(self, seconds: float) -> None:
        """Begin to take all that is free, and all that becomes free, for a while."""
        self.wait()
        self._filling = threading.Thread(target=self._take_all, args=(seconds,), daemon=True)
        self._filling.start()

    def wait(self) -> None:
        """Wait until it is not full any more."""
        if self._filling is not None:
            self._filling.join()

    def _take_all(self, seconds: float) -> None:
        filler = self.folder / _FILLER
        deadline = time.monotonic() + seconds
        size = 0
        with filler.open("wb") as stream:
            while time.monotonic() < deadline:
                free = os.statvfs(self.folder)
                step = free.f_bavail * free.f_frsize
                if step:
                    with contextlib.suppress(OSError):  # others write meanwhile
                        os.posix_fallocate(stream.fileno(), size, step)
                        size += step
                time.sleep(0.02)
        filler.unlink()

    def close(self) -> None:
        """Take the file system away; what it holds is lost."""
        self.wait()
        if self.fills:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

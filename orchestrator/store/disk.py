"""Small writes that survive a crash, and a full or read-only disk explained."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import DISK_FULL, NoSpace, SirrError, StoreReadOnly

NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM}
"""What is answered to who writes where nothing may be written."""


def write_synced(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on disk."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's entries, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def space_explained(root: Path, doing: str) -> Iterator[None]:
    """Turn a full disk into an error that says how full it is, and one that may not be written into one that says so.

    Args:
        root: A folder that is there.
        doing: What could not be done, such as "keeping the result of train/errnet2019".

    Raises:
        NoSpace: Where the disk is full.
        StoreReadOnly: Where nothing may be written below `root`.
    """
    try:
        yield
    except OSError as error:
        explained = disk_error(error, root, doing)
        if explained is None:
            raise
        raise explained from error


def disk_error(error: OSError, root: Path, doing: str) -> SirrError | None:
    """Return the error that a full or read-only disk means; None for any other."""
    if error.errno in DISK_FULL:
        usage = shutil.disk_usage(root)
        quota = " and a quota is used up" if error.errno == errno.EDQUOT else ""
        return NoSpace(
            f"{doing} failed: {usage.free / 2**20:.0f} MiB of {usage.total / 2**30:.1f} GiB are free{quota}",
            where=str(root),
            hint="free some space, or put the store elsewhere with --store; then run the same command again",
        )
    inside = error.filename is None or Path(str(error.filename)).absolute().is_relative_to(root.absolute())
    if error.errno == errno.EROFS or (error.errno in NOT_WRITABLE and inside):
        return StoreReadOnly(
            f"{doing} failed: {error.filename or root} may not be written ({error.strerror})",
            where=str(root),
            hint="mount the disk for writing, set its permissions, or name another place",
        )
    return None


def name_is_taken(error: OSError, target: Path) -> bool:
    """Return whether a folder was not renamed because one with something in it has the name; sshfs says EPERM then."""
    return error.errno in {errno.ENOTEMPTY, errno.EEXIST} or (error.errno == errno.EPERM and target.is_dir())


def stray_disk_error(error: OSError) -> SirrError | None:
    """Return the error that a full or read-only disk anywhere means; None for any other."""
    if error.errno not in DISK_FULL | {errno.EROFS}:
        return None
    path = Path(error.filename) if isinstance(error.filename, str) else Path.cwd()
    there = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.is_dir())
    return disk_error(error, there, f"writing {path}" if error.filename else "writing")

"""Small writes that survive a crash, and a full disk explained."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import NoSpace

_FULL = {errno.ENOSPC, errno.EDQUOT}


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
    """Turn a full disk into an error that says how full it is.

    Args:
        doing: What could not be done, such as "keeping the result of train/errnet2019".

    Raises:
        NoSpace: Where the disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        usage = shutil.disk_usage(root)
        quota = " and a quota is used up" if error.errno == errno.EDQUOT else ""
        raise NoSpace(
            f"{doing} failed: {usage.free / 2**20:.0f} MiB of {usage.total / 2**30:.1f} GiB are free{quota}",
            where=str(root),
            hint="free some space, or put the store elsewhere with --store; then run the same command again",
        ) from error

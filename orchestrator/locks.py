"""Locks on open files: they end with the process that holds them. Some network file systems have none."""

import errno
import fcntl
from pathlib import Path

from orchestrator.errors import StoreWithoutLocks

_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}


def lock(handle: int, path: Path, *, shared: bool = False, wait: bool = False) -> bool:
    """Lock an open file alone, or together with others; return whether it is locked now.

    Args:
        handle: Its descriptor.
        path: Its path, for the message.
        shared: Others may hold it so too.
        wait: Wait until it is free; without, False is returned where another holds it.

    Raises:
        StoreWithoutLocks: Where its file system has no locks.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise StoreWithoutLocks(
            f"the file system of {path} has no file locks ({error.strerror}), which keep programs apart",
            hint="put the store on a local disk with --store; on NFS, mount it with locks (without nolock)",
        ) from error
    return True

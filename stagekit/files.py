"""Writing files so that a killed program never leaves half of one under its final name."""

import contextlib
import os
from typing import IO, Any, Iterator


@contextlib.contextmanager
def write_atomically(path: str, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a file beside `path`; rename it to `path` when the block ends without an exception.

    Args:
        mode: "wb" or "w" (UTF-8). The data is on disk before the name changes.
    """
    partial = path + ".partial"
    encoding = None if "b" in mode else "utf-8"
    try:
        with open(partial, mode, encoding=encoding) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        raise

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
    # Made anew: a link of that name, which a program could have left, would lead the writing elsewhere.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(partial)
    try:
        with open(partial, mode.replace("w", "x"), encoding=encoding) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        raise

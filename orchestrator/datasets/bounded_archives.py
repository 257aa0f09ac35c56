"""Archives of strangers are opened within bounds: what they say of themselves can be of any size, and anything."""

import contextlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

ENCRYPTED = 0x1
"""Bit of a zip member's flags."""

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    NotImplementedError,
    OverflowError,
    MemoryError,
)
"""What the readers of packed files raise for what is none, or is not whole, besides OSError."""

_TABLE_BYTES = 2**25
"""Of a zip archive's table of contents: enough for hundreds of thousands of members."""


class BoundedReads(io.RawIOBase):
    """An archive's stream, of which nobody reads much at a time: headers and tables can claim any size.

    Args:
        stream: Of the archive; closed with this one.
        most: Bytes that are read at once.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._most = stream, most

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or all that there are.

        Raises:
            ValueError: Where that is more than is read at once.
        """
        if size > self._most:
            raise ValueError(f"it has a header of {size} bytes")
        content = self._stream.read(self._most + 1 if size < 0 else size)
        if len(content) > self._most:
            raise ValueError(f"it has a header of more than {self._most} bytes")
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, and return it."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._stream.tell()

    def close(self) -> None:
        """Close the stream too."""
        self._stream.close()
        super().close()


@contextlib.contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Give a zip archive, whose table of contents is of a size that can be.

    Raises:
        OSError: Where the file cannot be read; for other faults one of `BROKEN`.
    """
    with BoundedReads(path.open("rb"), _TABLE_BYTES) as stream, zipfile.ZipFile(cast(IO[bytes], stream)) as packed:
        if not all(packed.namelist()):
            raise zipfile.BadZipFile(
                "it holds a file without a name"
            )  # of which the standard library makes an IndexError
        yield packed

"""Where maps lie between segments: in memory, or in a file whose pages are let go after each tile."""

import math
import mmap
import os
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from orchestrator.infer.node import Array, Map
from orchestrator.infer.region import Span


@dataclass(frozen=True)
class Held:
    """A map, (1, C, H, W) float32. file: what is mapped into memory, None where it lies there by itself"""

    values: Array
    file: mmap.mmap | None = None

    @classmethod
    def room(cls, of: Map, folder: Path | None) -> "Held":
        """Return room for a map, in memory or in a nameless file of a folder."""
        shape = (1, of.channels, of.size.height, of.size.width)
        if folder is None:
            return cls(np.empty(shape, np.float32))
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.truncate(of.nbytes)
            file = mmap.mmap(stream.fileno(), of.nbytes)
        return cls(np.frombuffer(file, np.float32).reshape(shape), file)

    @classmethod
    def saved(cls, path: Path, shape: Sequence[int]) -> "Held":
        """Return a map that `save` wrote; nothing can be written into it. shape: (1, C, H, W)

        Raises: OSError, ValueError where the file is not there or not of that size.
        """
        with path.open("rb") as stream:
            if os.fstat(stream.fileno()).st_size != 4 * math.prod(shape):
                raise ValueError(f"{path.name} is not whole")
            file = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        return cls(np.frombuffer(file, np.float32).reshape(shape), file)

    def save(self, path: Path) -> int:
        """Write the map into a file and return its checksum."""
        found = 0
        with path.open("wb") as stream:
            for channel in self.values[0]:
                content = np.ascontiguousarray(channel).data.cast("B")
                found = zlib.crc32(content, found)
                stream.write(content)
                self._let_go()
        return found

    def checksum(self) -> int:
        """Return the CRC-32 of the map's values."""
        found = 0
        for channel in self.values[0]:
            found = zlib.crc32(np.ascontiguousarray(channel).data.cast("B"), found)
            self._let_go()
        return found

    def read(self, rows: Span, columns: Span) -> Array:
        """Return a region; the whole of a map in memory is not copied."""
        region = np.ascontiguousarray(self.values[:, :, rows.slice, columns.slice])
        self._let_go()
        return region

    def write(self, region: Array, rows: Span, columns: Span) -> None:
        """Put a region in its place."""
        self.values[:, :, rows.slice, columns.slice] = region
        self._let_go()

    def _let_go(self) -> None:
        """Take the file's pages out of the process; what was written stays in the file."""
        if self.file is not None:
            self.file.madvise(mmap.MADV_DONTNEED)

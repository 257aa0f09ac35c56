"""Where live tensors lie between segments: in memory, or in a file whose pages are released after each tile."""

import math
import mmap
import os
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from orchestrator.infer.graphs.node import Array, Map
from orchestrator.infer.graphs.region import Span

_AT_A_TIME = 16 * 2**20
"""Bytes of a file that are in the process at a time."""
_AROUND = 2**14
"""Values of a row that the system brings at most, however few are read: 16 pages."""


@dataclass(frozen=True)
class TensorBuffer:
    """A map, (1, C, H, W) float32.

    Attributes:
        file: What is mapped into memory, None where it lies there by itself.
    """

    values: Array
    file: mmap.mmap | None = None

    @classmethod
    def allocated(cls, feature_map: Map, folder: Path | None) -> "TensorBuffer":
        """Return a buffer for a map, in memory or in a nameless file of a folder."""
        shape = (1, feature_map.channels, feature_map.size.height, feature_map.size.width)
        if folder is None:
            return cls(np.empty(shape, np.float32))
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.truncate(feature_map.nbytes)
            file = mmap.mmap(stream.fileno(), feature_map.nbytes)
        return cls(np.frombuffer(file, np.float32).reshape(shape), file)

    @classmethod
    def opened(cls, path: Path, shape: Sequence[int]) -> "TensorBuffer":
        """Return a map that `save` wrote; nothing can be written into it.

        Args:
            shape: (1, C, H, W).

        Raises:
            OSError: Where the file is not there or not of that size.
            ValueError: Where the file is not there or not of that size.
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
            for chunk in self.chunks():
                found = zlib.crc32(chunk, found)
                stream.write(chunk)
        return found

    def checksum(self) -> int:
        """Return the CRC-32 of the map's values."""
        found = 0
        for chunk in self.chunks():
            found = zlib.crc32(chunk, found)
        return found

    def chunks(self) -> Iterator[memoryview]:
        """Yield all bytes of the map, in order."""
        for channel in self.values[0]:
            for rows in self._bands(Span(0, len(channel))):
                yield np.ascontiguousarray(channel[rows.slice]).data.cast("B")
                self._release_pages()

    def read(self, rows: Span, columns: Span) -> Array:
        """Return a region; the whole of a map in memory is not copied."""
        if self.file is None:
            return np.ascontiguousarray(self.values[:, :, rows.slice, columns.slice])
        region = np.empty((*self.values.shape[:2], rows.length, columns.length), np.float32)
        for band in self._bands(rows):
            region[:, :, band.seen_from(rows).slice] = self.values[:, :, band.slice, columns.slice]
            self._release_pages()
        return region

    def write(self, region: Array, rows: Span, columns: Span) -> None:
        """Put a region in its place."""
        for band in self._bands(rows):
            self.values[:, :, band.slice, columns.slice] = region[:, :, band.seen_from(rows).slice]
            self._release_pages()

    def _bands(self, rows: Span) -> Iterator[Span]:
        """Yield rows in parts: of a file, whatever width of it is wanted, the system brings whole pages and more."""
        if self.file is None:
            yield rows
            return
        row_bytes = 4 * self.values.shape[1] * min(self.values.shape[3], _AROUND)
        count = max(1, _AT_A_TIME // row_bytes)
        for start in range(rows.start, rows.stop, count):
            yield Span(start, min(rows.stop, start + count))

    def _release_pages(self) -> None:
        """Take the file's pages out of the process; what was written stays in the file."""
        if self.file is not None:
            self.file.madvise(mmap.MADV_DONTNEED)

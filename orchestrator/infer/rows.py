"""Pictures of any size, had in strips of rows: what goes into an engine, and what comes out of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from orchestrator.infer.execution.tensor_buffer import TensorBuffer
from orchestrator.infer.graphs.region import Size, Span
from orchestrator.infer.onnx_network import Picture

_STRIP_BYTES = 2 * 2**20


class PictureSource(Protocol):
    """A picture that goes into an engine; its strips come anew, from the top, at every call."""

    @property
    def size(self) -> Size:
        """Its height and width."""

    def strips(self) -> Iterator[Picture]:
        """Yield its rows, float32, (rows, W, 3), RGB, 0 to 1."""


class Rows(Protocol):
    """A picture that came out of a network, not clipped."""

    @property
    def size(self) -> Size:
        """Its height and width."""

    def rows(self, span: Span) -> Picture:
        """Return some of its rows, float32, (rows, W, channels)."""


@dataclass(frozen=True)
class Whole:
    """A picture in memory, as both."""

    picture: Picture

    @property
    def size(self) -> Size:
        """Its height and width."""
        return Size(*self.picture.shape[:2])

    def strips(self) -> Iterator[Picture]:
        """Yield it in one piece."""
        yield self.picture

    def rows(self, span: Span) -> Picture:
        """Return some of its rows."""
        rows: Picture = self.picture[span.slice]
        return rows


@dataclass(frozen=True)
class Output:
    """A network's output, (1, channels, H, W), wherever it lies."""

    buffer: TensorBuffer

    @property
    def size(self) -> Size:
        """Its height and width."""
        return Size(*self.buffer.values.shape[2:])

    def rows(self, span: Span) -> Picture:
        """Return some of its rows."""
        strip: Picture = self.buffer.read(span, Span(0, self.size.width))[0].transpose(1, 2, 0)
        return strip


def row_strips(picture: Rows) -> Iterator[Picture]:
    """Yield a picture's rows from the top, a few MiB at a time."""
    count = max(1, _STRIP_BYTES // (12 * picture.size.width))
    for top in range(0, picture.size.height, count):
        yield picture.rows(Span(top, min(picture.size.height, top + count)))


def fill_buffer(buffer: TensorBuffer, source: PictureSource) -> None:
    """Write a picture into a map, (1, 3, H, W), strip by strip."""
    top = 0
    for strip in source.strips():
        rows = Span(top, top + len(strip))
        buffer.write(strip.transpose(2, 0, 1)[None], rows, Span(0, source.size.width))
        top = rows.stop

"""Nodes that look at a window around each pixel: convolutions, transposed convolutions, pooling."""

from dataclasses import dataclass
from typing import Any

from orchestrator.infer.graphs.node import Node, Placement, SubgraphWriter
from orchestrator.infer.graphs.region import AXES, Span


@dataclass(frozen=True)
class Window:
    """A window along one axis.

    Attributes:
        pad: Pixels beyond the start that the first window sees.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    pad: int = 0

    @property
    def reach(self) -> int:
        """From the window's first pixel to its last, both counted."""
        return (self.kernel - 1) * self.dilation + 1

    def seen(self, span: Span) -> Span:
        """Return what the windows of a span of the output see of the input, beyond the picture too."""
        start = span.start * self.stride - self.pad
        return Span(start, (span.stop - 1) * self.stride - self.pad + self.reach)

    def spread(self, span: Span) -> Span:
        """Return which inputs reach a span of the output, where each is spread over a window."""
        first = -(-(span.start + self.pad - self.reach + 1) // self.stride)
        # Where windows leave gaps, the input before the gap is read, so that outputs are counted from its place.
        first = min(first, (span.start + self.pad) // self.stride)
        return Span(first, (span.stop - 1 + self.pad) // self.stride + 1)


@dataclass(frozen=True)
class Windowed(Node):
    """A convolution or a pooling: each output is computed from a window of the input.

    Attributes:
        kind: "Conv", "MaxPool", "AveragePool" or "LpPool".
        windows: Rows, columns.
        cost: Multiplications per output pixel.
        more: Further attributes of the ONNX node.
    """

    kind: str
    windows: tuple[Window, Window]
    cost: float
    more: tuple[tuple[str, Any], ...] = ()

    def needs(self, axis: int, span: Span) -> Span:
        """Return what the windows see."""
        return self.windows[axis].seen(span)

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write the node with its padding at the picture's border alone."""
        image = writer.read(self.inputs[0], rows.need, columns.need)
        kernel, strides, dilations = (
            [getattr(self.windows[axis], field) for axis in AXES] for field in ("kernel", "stride", "dilation")
        )
        attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, **dict(self.more)}
        if self.kind in {"Conv", "MaxPool"} or max(dilations) > 1:
            attributes["dilations"] = dilations
        pads = [rows.before, columns.before, rows.after, columns.after]
        writer.add(self.kind, [image, *map(writer.value, self.values)], self.output, pads=pads, **attributes)

    def macs(self, rows: Placement, columns: Placement) -> float:
        """Return the multiplications of a placement."""
        return self.cost * rows.out.length * columns.out.length

    def passes(self) -> float:
        """Return how often the output is gone over besides: a pooling reads each of its windows."""
        return 0.0 if self.kind == "Conv" else 1.0


@dataclass(frozen=True)
class Transposed(Node):
    """A transposed convolution: each input is spread over a window of the output.

    Attributes:
        windows: As `Windowed`.
        cost: As `Windowed`.
        more: As `Windowed`.
    """

    windows: tuple[Window, Window]
    cost: float
    more: tuple[tuple[str, Any], ...] = ()

    def needs(self, axis: int, span: Span) -> Span:
        """Return the inputs that reach the span."""
        return self.windows[axis].spread(span)

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write the node so that it gives the region alone."""
        image = writer.read(self.inputs[0], rows.need, columns.need)
        cuts = [self._cut(axis, placed) for axis, placed in zip(AXES, (rows, columns), strict=True)]
        attributes: dict[str, Any] = {
            "kernel_shape": [window.kernel for window in self.windows],
            "strides": [window.stride for window in self.windows],
            "dilations": [window.dilation for window in self.windows],
            "pads": [cuts[0][0], cuts[1][0], max(0, cuts[0][1]), max(0, cuts[1][1])],
            **dict(self.more),
        }
        if min(cuts[0][1], cuts[1][1]) < 0:
            attributes["output_padding"] = [max(0, -cut[1]) for cut in cuts]
        writer.add("ConvTranspose", [image, *map(writer.value, self.values)], self.output, **attributes)

    def shape(self, axis: int, placed: Placement) -> tuple[Any, ...]:
        """Return how much is cut off at both ends."""
        return self._cut(axis, placed)

    def scratch_bytes(self, rows: Placement, columns: Placement) -> int:
        """Return the bytes of what every input pixel is spread to, before it is added up."""
        spread = self.map.channels * self.windows[0].kernel * self.windows[1].kernel
        return 4 * spread * rows.need.length * columns.need.length

    def _cut(self, axis: int, placed: Placement) -> tuple[int, int]:
        """Return how many pixels to cut off at the start and the end of what the inputs are spread over."""
        window = self.windows[axis]
        before = placed.out.start - (placed.need.start * window.stride - window.pad)
        whole = (placed.need.length - 1) * window.stride + window.reach
        return before, whole - before - placed.out.length

    def macs(self, rows: Placement, columns: Placement) -> float:
        """Return the multiplications of a placement."""
        return self.cost * rows.out.length * columns.out.length

    def passes(self) -> float:
        """Return how often the output is gone over besides: what was spread is added up."""
        return 1.0

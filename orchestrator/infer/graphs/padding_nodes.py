"""Padding by a number, and cropping: what lies beyond the picture is the same everywhere."""

from dataclasses import dataclass

import numpy as np

from orchestrator.infer.graphs.node import Node, Placement, SubgraphWriter
from orchestrator.infer.graphs.region import Span


@dataclass(frozen=True)
class Padded(Node):
    """A map with the same number around it.

    Attributes:
        before_start: Rows and columns that it adds before the first; less than nothing where it crops.
        channels: How many channels it adds before the first and after the last.
        number: What it adds.
    """

    before_start: tuple[int, int]
    channels: tuple[int, int]
    number: float

    def needs(self, axis: int, span: Span) -> Span:
        """Return the span as the input counts it, beyond the picture too."""
        return Span(span.start - self.before_start[axis], span.stop - self.before_start[axis])

    def emit(self, writer: SubgraphWriter, rows: Placement, columns: Placement) -> None:
        """Write the padding of the region's parts that lie beyond the picture."""
        value = writer.read(self.inputs[0], rows.need, columns.need)
        pads = [0, self.channels[0], rows.before, columns.before, 0, self.channels[1], rows.after, columns.after]
        if any(pads):
            number = writer.constant(np.array(self.number, np.float32))
            writer.add("Pad", [value, writer.constant(np.array(pads, np.int64)), number], self.output, mode="constant")
        else:
            writer.add("Identity", [value], self.output)

"""What the segments that end at a cut need, back to the picture, as numbers of pixels whatever the tile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.infer.planning.cuts import Cuts
from orchestrator.infer.planning.graph_table import NOTHING, Floats, GraphTable, Numbers, Reach

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Needs:
    """What is needed for all that is live at a cut, back to the picture.

    Attributes:
        reach: Pixels of the picture that each tensor is read beyond the tile, (6, tensors), as `Reach`; below zero
            where it is not needed.
        last: By which tensor each is read last, (tensors,); 0 where nobody reads it.
        weights: Bytes of constants, at the last tensor that uses them, (tensors,).
        targets: What is live at the cut, and the results before it.
        live: What is live at the cut.
        cropped: Pairs of a node and an input of which it reads a part, because others read more, (2, pairs).
        seen: For each cut before, what is read after it of what lies before it: the tensors, and their reach.
    """

    reach: Floats
    last: Numbers
    weights: Floats
    targets: Numbers
    live: Numbers
    cropped: Numbers
    seen: Mapping[int, Mapping[int, Reach]]

    @property
    def needed(self) -> Flags:
        """Whether each tensor is needed at all, (tensors,)."""
        return np.asarray(self.reach[0] >= 0)


@dataclass(frozen=True)
class Before:
    """What a segment takes of what lies before it.

    Attributes:
        recomputed: What it computes anew, in order.
        reads: The live tensors that it reads.
        reach: Of both.
    """

    recomputed: Sequence[int]
    reads: Sequence[int]
    reach: Mapping[int, Reach]


def needs_of(table: GraphTable, cuts: Cuts, end: int, begins: frozenset[int]) -> Needs:
    """Go back from a cut through all that is needed.

    Args:
        end: The cut.
        begins: The cuts that segments may begin at.
    """
    results = {table.place[source] for source in table.graph.outputs.values()}
    live = {table.place[name] for name in cuts.live(end)}
    targets = sorted(live | {number for number in results if 0 < number <= end})
    trace = _Trace(table, targets)
    seen: dict[int, Mapping[int, Reach]] = {}
    for number in range(end, -1, -1):
        if number in begins:
            seen[number] = dict(trace.open)
        trace.go_back(number)
    far = trace.reach
    cropped = [(number, read) for number, read, need in trace.edges if far[read] != need]
    return Needs(
        np.array([far.get(number, (-1,) * 6) for number in range(len(table.names))], np.float64).T,
        np.array([trace.last.get(number, 0) for number in range(len(table.names))], np.int64),
        np.array([trace.weights.get(number, 0) for number in range(len(table.names))], np.float64),
        np.array(targets, np.int64),
        np.array(sorted(live), np.int64),
        np.array(cropped, np.int64).reshape(-1, 2).T,
        seen,
    )


class _Trace:
    """Goes from node to node, the last one first.

    Attributes:
        open: What those gone over read of those to come.
        edges: Each node and what it reads, how far.
    """

    def __init__(self, table: GraphTable, targets: Sequence[int]) -> None:
        self._table = table
        self.reach = dict.fromkeys(targets, NOTHING)
        self.open: dict[int, Reach] = {}
        self.last: dict[int, int] = {}
        self.weights: dict[int, int] = {}
        self.edges: list[tuple[int, int, Reach]] = []
        self._used: set[str] = set()

    def go_back(self, number: int) -> None:
        """Go over a tensor's node."""
        self.open.pop(number, None)
        for source in self._table.reductions.get(number, ()):
            self._read(source, number, NOTHING)
        own, node = self.reach.get(number), self._table.maps.get(number)
        if own is None or node is None:
            return
        for value in node.values:
            if value not in self._used and value in self._table.graph.constants:
                self._used.add(value)
                self.weights[number] = self.weights.get(number, 0) + self._table.graph.constants[value].nbytes
        for read, beyond in self._table.reads[number]:
            need = own.beyond(beyond)
            self._read(read, number, need)
            self.edges.append((number, read, need))

    def _read(self, source: int, reader: int, need: Reach) -> None:
        other = self.reach.get(source)
        self.reach[source] = self.open[source] = need if other is None else need.hull(other)
        self.last.setdefault(source, reader)


def before(table: GraphTable, live: Flags, begin: int, needs: Needs) -> Before:
    """Return what the segment between two cuts reads of what lies before it, and what of it it computes anew.

    Args:
        live: Whether each tensor is live at the first cut, (tensors,).
        begin: The first cut.
        needs: Of the second one.
    """
    reach, recomputed, reads = dict(needs.seen[begin]), [], []
    # What is live at the second cut may have been quicker made anew at the first.
    for number in needs.live[needs.live <= begin].tolist():
        if not live[number]:
            reach.setdefault(number, NOTHING)
    waiting = set(reach)
    while waiting:
        number = max(waiting)
        waiting.remove(number)
        if live[number]:
            reads.append(number)
        elif number in table.maps:
            recomputed.append(number)
            for read, beyond in table.reads[number]:
                need, other = reach[number].beyond(beyond), reach.get(read)
                reach[read] = need if other is None else need.hull(other)
                waiting.add(read)
    return Before(recomputed[::-1], reads, reach)


def strides(table: GraphTable, begins: Numbers, needs: Needs) -> Numbers:
    """Return what the tiles of each segment are aligned to, in pixels of the picture, (segments,)."""
    found = np.maximum.accumulate(np.where(needs.needed, table.strides, 1)[::-1])[::-1]
    return np.asarray(found[np.minimum(begins + 1, len(found) - 1)])


def crossing(table: GraphTable, begins: Numbers, needs: Needs) -> Flags:
    """Return whether each segment reads a global reduction that it would compute itself, (segments,)."""
    decided = np.where(needs.needed, table.decided_by, 0)
    decided[list(table.reductions)] = 0
    latest = np.maximum.accumulate(decided[::-1])[::-1]
    return np.asarray(latest[np.minimum(begins + 1, len(latest) - 1)] > begins)

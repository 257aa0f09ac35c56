"""Where a network may be cut, and which tensors are live at each cut; whatever the memory."""

from collections.abc import Container
from functools import cached_property

from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.node import GlobalReduction, Node, Pointwise
from orchestrator.infer.graphs.window_nodes import Windowed
from orchestrator.infer.planning.segment import Segment
from orchestrator.infer.planning.segment_cost import COPY_BYTES_PER_S, FRESH_BYTES_PER_S, MACS_PER_S, PASS_BYTES_PER_S

_FOLDED = frozenset({"Mul", "Add", "BatchNormalization"})


class Cuts:
    """The cuts of a graph: cut n lies before its n-th node.

    Attributes:
        order: Names of the nodes.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.order = list(graph.nodes)
        place = {name: number for number, name in enumerate(self.order)}
        self._readers = graph.readers()
        self._last = {name: max(place[reader] for reader in readers) for name, readers in self._readers.items()}
        self._live: dict[int, tuple[str, ...]] = {}

    def places(self, most: int) -> list[int]:
        """Return the places where cutting may pay, in order: after global reductions, and where little is live.

        Args:
            most: How many besides those after global reductions; the start and the end always are among them.
        """
        total = len(self.order)
        weight = {cut: sum(self._graph.map(name).nbytes for name in self.live(cut)) for cut in range(1, total)}
        after_reductions = {
            cut
            for cut in range(1, total)
            if isinstance(self._graph.nodes[self.order[cut - 1]], GlobalReduction)
            and not isinstance(self._graph.nodes[self.order[cut]], GlobalReduction)
        }
        valleys = sorted(_valleys(weight), key=lambda run: (weight[run[0]], run))
        inside = [cut for run in valleys for cut in dict.fromkeys((run[0], run[-1])) if cut not in after_reductions]
        inside += [cut for cut in range(1, total) if self._shrinks(cut)]
        inside = [cut for cut in inside if not self._is_fused(cut)]
        chosen = list(dict.fromkeys(inside))[: max(0, most - len(after_reductions))]
        return sorted({0, total, *after_reductions, *chosen})

    def live(self, cut: int) -> tuple[str, ...]:
        """Return the live tensors at a cut: maps that are read later, less those that are quicker rematerialised."""
        if cut not in self._live:
            self._live[cut] = self._without_rematerialised(self._read_later[cut])
        return self._live[cut]

    def segment(self, begin: int, end: int, *, whole: bool) -> Segment:
        """Return the segment between two cuts: it makes what is live at its end, and outputs of the network.

        Args:
            whole: Whether the picture goes through it at once.
        """
        results = frozenset(self._graph.outputs.values())
        sources = (*self.live(begin), self._graph.image)
        made = (*self.live(end), *(name for name in self.order[begin:end] if name in results))
        targets = tuple(dict.fromkeys(name for name in made if name not in sources))
        reductions = [name for name in self.order[:end] if isinstance(self._graph.nodes[name], GlobalReduction)]
        known = frozenset(self.order[:begin]).intersection(reductions)
        return Segment(
            self._graph, sources, targets, tuple(name for name in reductions if name not in known), known, whole
        )

    @cached_property
    def _read_later(self) -> list[list[str]]:
        """For each cut, the maps before it that are read after it."""
        found: list[list[str]] = []
        later: list[str] = []
        for cut in range(len(self.order) + 1):
            made = [name for name in self.order[max(0, cut - 1) : cut] if isinstance(self._graph.nodes[name], Node)]
            later = [name for name in (*later, *made) if self._last.get(name, -1) >= cut]
            found.append(later)
        return found

    def _without_rematerialised(self, read_later: list[str]) -> tuple[str, ...]:
        live = dict.fromkeys(read_later)
        for name in sorted(read_later, key=lambda name: -self._graph.map(name).nbytes):
            bytes_ = self._graph.map(name).nbytes
            holding = 2 * bytes_ / COPY_BYTES_PER_S + bytes_ / FRESH_BYTES_PER_S
            if self._is_recomputed_in(name, live, holding):
                del live[name]
        return tuple(live)

    def _is_recomputed_in(self, name: str, live: Container[str], seconds: float) -> bool:
        """Whether a map is made of other live ones, or the picture, in less than some seconds."""
        found: set[str] = set()
        stack = [name]
        while stack:
            made = stack.pop()
            if made in found or made == self._graph.image or (made in live and made != name):
                continue
            found.add(made)
            seconds -= self._seconds[made]
            if seconds <= 0:
                return False
            node = self._graph.nodes[made]
            assert isinstance(node, Node)
            stack.extend(node.inputs)
        return True

    def _is_fused(self, cut: int) -> bool:
        """Whether ONNX Runtime folds what follows into the convolution before a cut; apart, it rounds otherwise."""
        node = self._graph.nodes[self.order[cut - 1]]
        readers = [self._graph.nodes[name] for name in self._readers.get(self.order[cut - 1], [])]
        if not isinstance(node, Windowed) or node.kind != "Conv" or len(readers) != 1:
            return False
        (reader,) = readers
        if not isinstance(reader, Pointwise) or reader.template.op_type not in _FOLDED:
            return False
        return bool(reader.values) and all(name in self._graph.constants for name in reader.values)

    def _shrinks(self, cut: int) -> bool:
        """Whether the node before a cut made a map at a smaller size: what follows can often take it whole."""
        node = self._graph.nodes[self.order[cut - 1]]
        return isinstance(node, Node) and node.map.size.pixels < 0.5 * node.before.pixels

    @cached_property
    def _seconds(self) -> dict[str, float]:
        """What each node takes over the whole picture, alone."""
        return {
            name: macs / MACS_PER_S + self._passed(name) / PASS_BYTES_PER_S for name, macs in self._graph.work.items()
        }

    def _passed(self, name: str) -> float:
        node = self._graph.nodes[name]
        return node.passes() * node.map.nbytes if isinstance(node, Node) else 0.0


def _valleys(weight: dict[int, int]) -> list[list[int]]:
    """Return the runs of places with one weight, no higher than before and after."""
    runs: list[list[int]] = []
    for place, nbytes in weight.items():
        if runs and weight[runs[-1][0]] == nbytes:
            runs[-1].append(place)
        else:
            runs.append([place])
    heights = [weight[run[0]] for run in runs]
    lowest = [min(heights[max(0, number - 1) : number + 2]) for number in range(len(runs))]
    return [run for run, height, low in zip(runs, heights, lowest, strict=True) if height == low]

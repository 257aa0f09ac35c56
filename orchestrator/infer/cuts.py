"""Where a network may be cut, and what is held at each cut; whatever the memory."""

from functools import cached_property

from orchestrator.infer.cost import FRESH_BYTES_PER_S, HELD_BYTES_PER_S, MACS_PER_S, PASS_BYTES_PER_S
from orchestrator.infer.graph import Graph
from orchestrator.infer.node import Node, Pointwise, Reduction
from orchestrator.infer.segment import reachable
from orchestrator.infer.windows import Windowed

_FOLDED = frozenset({"Mul", "Add", "BatchNormalization"})


class Cuts:
    """The cuts of a graph: cut n lies before its n-th node. order: names of the nodes"""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.order = list(graph.nodes)
        place = {name: number for number, name in enumerate(self.order)}
        self._readers = graph.readers()
        self._last = {name: max(place[reader] for reader in readers) for name, readers in self._readers.items()}
        self._stored: dict[int, tuple[str, ...]] = {}

    def places(self, most: int) -> list[int]:
        """Return the places where cutting may pay, in order: after barriers, and where little is held.

        most: how many besides those after barriers; the start and the end always are among them
        """
        total = len(self.order)
        weight = {cut: sum(self._graph.map(name).nbytes for name in self.held(cut)) for cut in range(1, total)}
        after_barriers = {
            cut
            for cut in range(1, total)
            if isinstance(self._graph.nodes[self.order[cut - 1]], Reduction)
            and not isinstance(self._graph.nodes[self.order[cut]], Reduction)
        }
        valleys = sorted(_valleys(weight), key=lambda run: (weight[run[0]], run))
        inside = [cut for run in valleys for cut in dict.fromkeys((run[0], run[-1])) if cut not in after_barriers]
        inside += [cut for cut in range(1, total) if self._shrinks(cut)]
        inside = [cut for cut in inside if not self._is_fused(cut)]
        kept = list(dict.fromkeys(inside))[: max(0, most - len(after_barriers))]
        return sorted({0, total, *after_barriers, *kept})

    def held(self, cut: int) -> tuple[str, ...]:
        """Return the maps that are held at a cut: those read later, less those that are quicker made again."""
        if cut not in self._stored:
            live = [
                name
                for name in self.order[:cut]
                if isinstance(self._graph.nodes[name], Node) and self._last.get(name, -1) >= cut
            ]
            self._stored[cut] = self._without_quick(live)
        return self._stored[cut]

    def _without_quick(self, live: list[str]) -> tuple[str, ...]:
        held = dict.fromkeys(live)
        for name in sorted(live, key=lambda name: -self._graph.map(name).nbytes):
            rest = frozenset(other for other in held if other != name)
            made = reachable(self._graph, [name], rest)
            if made is None:
                continue
            bytes_ = self._graph.map(name).nbytes
            holding = 2 * bytes_ / HELD_BYTES_PER_S + bytes_ / FRESH_BYTES_PER_S
            if sum(self._seconds[node] for node in made) < holding:
                del held[name]
        return tuple(held)

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

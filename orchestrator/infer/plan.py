"""Which segments a network is cut into, in which tiles each runs, and what is held between them: pure and in advance.

The cuts come from dynamic programming over the nodes' order. A segment may take the whole picture, with the barriers
inside it, or go tile by tile, and then ends where a barrier's number is needed.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from orchestrator.infer.cost import (
    FRESH_BYTES_PER_S,
    Cost,
    segment_cost,
)
from orchestrator.infer.cuts import Cuts
from orchestrator.infer.graph import Graph
from orchestrator.infer.node import Reduction
from orchestrator.infer.segment import Crossing, Segment

TILES = (2048, 1536, 1024, 768, 512, 384, 256, 192, 128, 96, 64)
"""Sides of tiles that are tried, in pixels of the picture, besides the whole."""

_MOST_CUTS, _MOST_CUTS_THOROUGH = 44, 80
_WORK_SHARES = (0.75, 0.5, 0.3)
"""Shares of the budget that are tried for what runs, the rest being for what is held."""
_LARGEST_SHARE = 3.0
"""Tiles that compute this much more than the picture asks for are not worth trying further."""
_FRESH_SHARE = 0.15
"""Share of a step's time that fresh memory may take before tiles are tried in place of the whole."""
_LARGEST_ENDS = 0.25
"""Share of the budget that the picture and the outputs may take; larger ones lie in files."""
_SMALL = 8 * 2**20
"""Segments whose maps take less than this are not cut into tiles."""


class BudgetTooSmall(Exception):
    """No plan fits; least_bytes: the smallest budget for which there is one, None where it was not looked for."""

    def __init__(self, budget: int, least_bytes: int | None) -> None:
        super().__init__(budget, least_bytes)
        self.budget, self.least_bytes = budget, least_bytes


@dataclass(frozen=True)
class Step:
    """One segment as it will run.

    begin: the cut that it begins at; kept: maps held after it
    tile: side of its tiles in pixels of the picture, None for the whole
    filed: held maps that lie in files; held_bytes: of maps held in memory while it runs
    """

    segment: Segment
    begin: int
    tile: int | None
    kept: tuple[str, ...]
    filed: frozenset[str]
    cost: Cost
    held_bytes: int
    filed_bytes: int

    @property
    def seconds(self) -> float:
        """What it is expected to take."""
        return self.cost.seconds

    @property
    def peak_bytes(self) -> int:
        """What it is expected to take of memory, held maps included."""
        return self.held_bytes + self.cost.work_bytes


@dataclass(frozen=True)
class Plan:
    """How one size of picture goes through a network. budget: bytes of memory for maps, None where nothing limits it"""

    steps: tuple[Step, ...]
    budget: int | None

    @property
    def seconds(self) -> float:
        """What all of it is expected to take."""
        return sum(step.seconds for step in self.steps)

    @property
    def peak_bytes(self) -> int:
        """The most memory that is expected to be taken: the most of what runs beside the most of what is held."""
        return self.held_bytes + max((step.cost.work_bytes for step in self.steps), default=0)

    @property
    def held_bytes(self) -> int:
        """The most memory that held maps take."""
        return max((step.held_bytes for step in self.steps), default=0)

    @property
    def filed(self) -> frozenset[str]:
        """All maps that lie in files at some time."""
        return frozenset[str]().union(*(step.filed for step in self.steps))


def plan_of(graph: Graph, budget: int | None, tile: int | None = None, *, begin: int = 0, working: float = 1.0) -> Plan:
    """Return the cheapest plan that fits.

    budget: bytes of memory for maps and weights; tile: try tiles of this size alone, None tries all sizes and the whole
    begin: the cut to begin at, with what is held there; working: how much more memory segments were seen to take

    Raises: BudgetTooSmall.
    """
    tiles = (tile,) if tile is not None else (None, *TILES)
    known = _Known(Cuts(graph))
    if budget is None:
        return _Planner(graph, None, tiles, begin, working, known).plan()
    ends = _ends(graph)
    if sum(graph.map(name).nbytes for name in ends) > _LARGEST_ENDS * budget:
        known = replace(known, in_files=ends)
    found = []
    for share in _WORK_SHARES:
        with contextlib.suppress(BudgetTooSmall):
            found.append(_Planner(graph, _Budget(budget, int(budget * share)), tiles, begin, working, known).plan())
            if len(found[-1].steps) == 1:
                break
    if found:
        return min(found, key=lambda plan: plan.seconds)
    known = replace(known, in_files=ends)
    return _Planner(graph, _Budget(budget, budget), tiles, begin, working, known, thorough=True).plan()


def _ends(graph: Graph) -> frozenset[str]:
    """Return the maps that are held from the first to the last: the picture and the outputs."""
    return frozenset((graph.image, *graph.outputs.values()))


@dataclass(frozen=True)
class _Known:
    """What all plans of one picture share: where it may be cut, and what steps cost by their cuts, tile and files.

    in_files: the picture and the outputs, where they lie in files
    """

    cuts: Cuts
    in_files: frozenset[str] = frozenset()
    costs: dict[tuple[int, int, int | None, frozenset[str]], Cost | None] = field(default_factory=dict)

    def cost(self, begin: int, end: int, segment: Segment, tile: int | None, filed: frozenset[str]) -> Cost | None:
        """Return what a step costs; None where its tiles cannot cross a barrier."""
        key = (begin, end, tile, filed)
        if key not in self.costs:
            try:
                self.costs[key] = segment_cost(segment, tile, filed)
            except Crossing:
                self.costs[key] = None
        return self.costs[key]


@dataclass(frozen=True)
class _Budget:
    """Bytes of memory. work: for what runs; the rest is for what is held

    ONNX Runtime keeps what it took once, so that the most of one and the most of the other are needed together.
    """

    total: int
    work: int


@dataclass(frozen=True)
class _Way:
    """The cheapest way to a cut. before: the cut that its last step begins at, None for the first"""

    seconds: float
    before: int | None
    step: Step | None


class _Planner:
    def __init__(
        self,
        graph: Graph,
        budget: _Budget | None,
        tiles: tuple[int | None, ...],
        begin: int,
        working: float,
        known: _Known,
        *,
        thorough: bool = False,
    ) -> None:
        self._graph, self._tiles, self._begin, self._working = graph, tiles, begin, working
        self._known = known
        self._thorough = thorough
        self._order = known.cuts.order
        self._results = frozenset(graph.outputs.values())
        ends = {name: graph.map(name).nbytes for name in _ends(graph)}
        self._fixed = sum(nbytes for name, nbytes in ends.items() if name not in known.in_files)
        self._fixed_filed = sum(ends.values()) - self._fixed
        self._budget = budget
        if budget is not None and thorough:
            self._budget = _Budget(budget.total, max(0, budget.total - self._fixed))

    def plan(self) -> Plan:
        total = None if self._budget is None else self._budget.total
        if not self._order:
            return Plan((), total)
        if None in self._tiles:
            whole = self._tried(self._begin, len(self._order), None)
            fits = whole is not None and (total is None or whole.peak_bytes <= total)
            if whole is not None and fits and self._is_cheap(whole):
                return Plan((whole,), total)
        places = self._known.cuts.places(_MOST_CUTS_THOROUGH if self._thorough else _MOST_CUTS)
        cuts = [self._begin, *(cut for cut in places if cut > self._begin)]
        best: dict[int, _Way] = {self._begin: _Way(0.0, None, None)}
        for end in cuts[1:]:
            ways = list(self._ways(end, [cut for cut in cuts if cut < end and cut in best], best))
            if ways:
                best[end] = min(ways, key=lambda way: way.seconds)
        last = len(self._order)
        if last not in best:
            raise BudgetTooSmall(total or 0, self._least_bytes(cuts) if self._thorough else None)
        steps: list[Step] = []
        way = best[last]
        while way.before is not None:
            if way.step is not None:
                steps.append(way.step)
            way = best[way.before]
        return Plan(tuple(reversed(steps)), total)

    def _least_bytes(self, cuts: list[int]) -> int:
        """Return the smallest budget for which there is a plan: the least of the most work, with all maps in files."""
        peaks: dict[int, float] = {cuts[0]: 0.0}
        for end in cuts[1:]:
            found = [
                max(peaks[begin], step.cost.work_bytes)
                for begin in cuts
                if begin < end
                for tile in self._tiles
                if (step := self._tried(begin, end, tile)) is not None
            ]
            peaks[end] = min(found, default=math.inf)
        return int(peaks[cuts[-1]]) + self._fixed

    def _ways(self, end: int, begins: list[int], best: dict[int, _Way]) -> Iterator[_Way]:
        """Yield ways to a cut, one for each cut that the last step may begin at.

        The longer the step, the more memory the whole takes and the more tiles compute twice: both end the search.
        """
        sizes: tuple[int | None, ...] = self._tiles
        for begin in reversed(begins):
            step, sizes = self._step(begin, end, sizes)
            if step is not None:
                nothing = not step.segment.targets and not step.segment.reductions
                seconds = 0.0 if nothing else step.seconds
                yield _Way(best[begin].seconds + seconds, begin, None if nothing else step)
            if self._thorough:
                sizes = self._tiles
            elif not sizes:
                return

    def _step(self, begin: int, end: int, sizes: tuple[int | None, ...]) -> tuple[Step | None, tuple[int | None, ...]]:
        """Return the cheapest step between two cuts that fits, and the sizes of tiles that may do for a longer one.

        A tile that does not fit here will not fit a longer step.
        """
        best: Step | None = None
        left: list[int | None] = []
        largest = max(self._graph.size.height, self._graph.size.width)
        for place, tile in enumerate(sizes):
            if tile is not None and tile >= largest and self._tiles != (tile,):
                left.append(tile)
                continue
            step = self._tried(begin, end, tile)
            if step is None:
                continue
            fits = self._fits(step)
            if fits and (best is None or step.seconds < best.seconds):
                best = step
            if tile is None and fits:
                left.append(None)
                if self._is_cheap(step):
                    left.extend(sizes[place + 1 :])
                    break
            elif tile is not None and fits and step.cost.share < _LARGEST_SHARE:
                left.append(tile)
            if tile is not None and fits and best is not None and step.seconds > 1.1 * best.seconds:
                left.extend(sizes[place + 1 :])
                break
        return best, tuple(left)

    def _is_cheap(self, step: Step) -> bool:
        """Whether tiles could not be much faster than the whole: what they save is fresh memory alone."""
        return step.cost.work_bytes < _SMALL or step.cost.work_bytes / FRESH_BYTES_PER_S < _FRESH_SHARE * step.seconds

    def _tried(self, begin: int, end: int, tile: int | None) -> Step | None:
        segment = self._segment(begin, end, whole=tile is None)
        if not segment.owned and not segment.reductions:
            nothing = Cost(0.0, 1, 1, 0, 1.0, 0)
            return Step(segment, begin, None, self._known.cuts.held(end), frozenset(), nothing, 0, 0)
        filed = self._known.in_files | self._filed(begin) | self._filed(end)
        cost = self._known.cost(begin, end, segment, tile, filed)
        if cost is None:
            return None
        held = {*self._known.cuts.held(begin), *self._known.cuts.held(end)}
        bytes_of = {name: self._graph.map(name).nbytes for name in held - self._results - {self._graph.image}}
        in_memory = sum(count for name, count in bytes_of.items() if name not in filed)
        return Step(
            segment,
            begin,
            tile,
            self._known.cuts.held(end),
            filed,
            replace(cost, work_bytes=int(cost.work_bytes * self._working)),
            self._fixed + in_memory,
            self._fixed_filed + sum(bytes_of.values()) - in_memory,
        )

    def _fits(self, step: Step) -> bool:
        if self._budget is None:
            return True
        return step.cost.work_bytes <= self._budget.work and step.held_bytes <= self._budget.total - self._budget.work

    def _segment(self, begin: int, end: int, *, whole: bool) -> Segment:
        sources = (*self._known.cuts.held(begin), self._graph.image)
        made = [name for name in self._order[begin:end] if name in self._results]
        targets = tuple(dict.fromkeys(name for name in (*self._known.cuts.held(end), *made) if name not in sources))
        reductions = [name for name in self._order[begin:end] if isinstance(self._graph.nodes[name], Reduction)]
        known = [name for name in self._order[:begin] if isinstance(self._graph.nodes[name], Reduction)]
        return Segment(self._graph, sources, targets, tuple(reductions), frozenset(known), whole)

    def _filed(self, cut: int) -> frozenset[str]:
        """Return the held maps that lie in files because memory is short: the largest ones. A cut may hold half."""
        if self._budget is None:
            return frozenset()
        most = (self._budget.total - self._budget.work - self._fixed) / 2
        held = sorted(self._known.cuts.held(cut), key=lambda name: (-self._graph.map(name).nbytes, name))
        total = sum(self._graph.map(name).nbytes for name in held)
        filed = []
        for name in held:
            if total <= most:
                break
            filed.append(name)
            total -= self._graph.map(name).nbytes
        return frozenset(filed)

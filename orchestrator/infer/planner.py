"""Which segments a network is cut into, in which tiles each runs, and what is live between them: pure and in advance.

The cuts come from dynamic programming over the nodes' order. A segment may take the whole picture, with the global
reductions inside it, or go tile by tile, and then ends where the result of one is needed.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from orchestrator.infer.cuts import Cuts
from orchestrator.infer.graph import Graph
from orchestrator.infer.node import GlobalReduction
from orchestrator.infer.segment import Crossing, Segment
from orchestrator.infer.segment_cost import (
    FRESH_BYTES_PER_S,
    Cost,
    segment_cost,
)

TILES = (2048, 1536, 1024, 768, 512, 384, 256, 192, 128, 96, 64)
"""Sides of tiles that are tried, in pixels of the picture, besides the whole."""

_MOST_CUTS, _MOST_CUTS_THOROUGH = 44, 80
_WORK_SHARES = (0.75, 0.5, 0.3)
"""Shares of the budget that are tried for what runs, the rest being for live tensors."""
_LARGEST_SHARE = 3.0
"""Tiles that compute this much more than the picture asks for are not worth trying further."""
_FRESH_SHARE = 0.15
"""Share of a step's time that fresh memory may take before tiles are tried in place of the whole."""
_LARGEST_ENDS = 0.25
"""Share of the budget that the picture and the outputs may take; larger ones lie in files."""
_SMALL = 8 * 2**20
"""Segments whose maps take less than this are not cut into tiles."""


class NoPlanFits(Exception):
    """No plan fits.

    Args:
        least_bytes: The smallest budget for which there is one, None where it was not looked for.
    """

    def __init__(self, budget: int, least_bytes: int | None) -> None:
        super().__init__(budget, least_bytes)
        self.budget, self.least_bytes = budget, least_bytes


@dataclass(frozen=True)
class PlanStep:
    """One segment as it will run.

    Attributes:
        begin: The cut that it begins at.
        live_after: Tensors that are live after it.
        tile: Side of its tiles in pixels of the picture, None for the whole.
        filed: Live tensors that lie in files.
        live_bytes: Of those in memory while it runs.
    """

    segment: Segment
    begin: int
    tile: int | None
    live_after: tuple[str, ...]
    filed: frozenset[str]
    cost: Cost
    live_bytes: int
    filed_bytes: int

    @property
    def seconds(self) -> float:
        """What it is expected to take."""
        return self.cost.seconds

    @property
    def peak_bytes(self) -> int:
        """What it is expected to take of memory, live tensors included."""
        return self.live_bytes + self.cost.work_bytes


@dataclass(frozen=True)
class InferencePlan:
    """How one size of picture goes through a network.

    Attributes:
        budget: Bytes of memory for maps, None where nothing limits it.
    """

    steps: tuple[PlanStep, ...]
    budget: int | None

    @property
    def seconds(self) -> float:
        """What all of it is expected to take."""
        return sum(step.seconds for step in self.steps)

    @property
    def peak_bytes(self) -> int:
        """The most memory that is expected to be taken: the most of what runs beside the most of what is live."""
        return self.live_bytes + max((step.cost.work_bytes for step in self.steps), default=0)

    @property
    def live_bytes(self) -> int:
        """The most memory that live tensors take."""
        return max((step.live_bytes for step in self.steps), default=0)

    @property
    def filed(self) -> frozenset[str]:
        """All maps that lie in files at some time."""
        return frozenset[str]().union(*(step.filed for step in self.steps))


def plan_of(
    graph: Graph, budget: int | None, tile: int | None = None, *, begin: int = 0, working: float = 1.0
) -> InferencePlan:
    """Return the cheapest plan that fits.

    Args:
        budget: Bytes of memory for maps and weights.
        tile: Try tiles of this size alone, None tries all sizes and the whole.
        begin: The cut to begin at, with what is live there.
        working: How much more memory segments were seen to take.

    Raises:
        NoPlanFits: Where the budget is too small.
    """
    tiles = (tile,) if tile is not None else (None, *TILES)
    cache = _PlanningCache(Cuts(graph))
    if budget is None:
        return _Planner(graph, None, tiles, begin, working, cache).plan()
    ends = _ends(graph)
    if sum(graph.map(name).nbytes for name in ends) > _LARGEST_ENDS * budget:
        cache = replace(cache, in_files=ends)
    found = []
    for share in _WORK_SHARES:
        with contextlib.suppress(NoPlanFits):
            found.append(_Planner(graph, _Budget(budget, int(budget * share)), tiles, begin, working, cache).plan())
            if len(found[-1].steps) == 1:
                break
    if found:
        return min(found, key=lambda plan: plan.seconds)
    cache = replace(cache, in_files=ends)
    return _Planner(graph, _Budget(budget, budget), tiles, begin, working, cache, thorough=True).plan()


def _ends(graph: Graph) -> frozenset[str]:
    """Return the tensors that are live from the first to the last: the picture and the outputs."""
    return frozenset((graph.image, *graph.outputs.values()))


@dataclass(frozen=True)
class _PlanningCache:
    """What all plans of one picture share: where it may be cut, and what steps cost by their cuts, tile and files.

    Attributes:
        in_files: The picture and the outputs, where they lie in files.
    """

    cuts: Cuts
    in_files: frozenset[str] = frozenset()
    costs: dict[tuple[int, int, int | None, frozenset[str]], Cost | None] = field(default_factory=dict)

    def cost(self, begin: int, end: int, segment: Segment, tile: int | None, filed: frozenset[str]) -> Cost | None:
        """Return what a step costs; None where its tiles cannot cross a global reduction."""
        key = (begin, end, tile, filed)
        if key not in self.costs:
            try:
                self.costs[key] = segment_cost(segment, tile, filed)
            except Crossing:
                self.costs[key] = None
        return self.costs[key]


@dataclass(frozen=True)
class _Budget:
    """Bytes of memory.

    ONNX Runtime keeps what it took once, so that the most of one and the most of the other are needed together.

    Attributes:
        work: For what runs; the rest is for live tensors.
    """

    total: int
    work: int


@dataclass(frozen=True)
class _CheapestPath:
    """The cheapest path to a cut.

    Attributes:
        before: The cut that its last step begins at, None for the first.
    """

    seconds: float
    before: int | None
    step: PlanStep | None


class _Planner:
    def __init__(
        self,
        graph: Graph,
        budget: _Budget | None,
        tiles: tuple[int | None, ...],
        begin: int,
        working: float,
        cache: _PlanningCache,
        *,
        thorough: bool = False,
    ) -> None:
        self._graph, self._tiles, self._begin, self._working = graph, tiles, begin, working
        self._cache = cache
        self._thorough = thorough
        self._order = cache.cuts.order
        self._results = frozenset(graph.outputs.values())
        ends = {name: graph.map(name).nbytes for name in _ends(graph)}
        self._fixed = sum(nbytes for name, nbytes in ends.items() if name not in cache.in_files)
        self._fixed_filed = sum(ends.values()) - self._fixed
        self._budget = budget
        if budget is not None and thorough:
            self._budget = _Budget(budget.total, max(0, budget.total - self._fixed))

    def plan(self) -> InferencePlan:
        total = None if self._budget is None else self._budget.total
        if not self._order:
            return InferencePlan((), total)
        if None in self._tiles:
            whole = self._tried(self._begin, len(self._order), None)
            fits = whole is not None and (total is None or whole.peak_bytes <= total)
            if whole is not None and fits and self._is_cheap(whole):
                return InferencePlan((whole,), total)
        places = self._cache.cuts.places(_MOST_CUTS_THOROUGH if self._thorough else _MOST_CUTS)
        cuts = [self._begin, *(cut for cut in places if cut > self._begin)]
        best: dict[int, _CheapestPath] = {self._begin: _CheapestPath(0.0, None, None)}
        for end in cuts[1:]:
            paths = list(self._paths(end, [cut for cut in cuts if cut < end and cut in best], best))
            if paths:
                best[end] = min(paths, key=lambda path: path.seconds)
        last = len(self._order)
        if last not in best:
            raise NoPlanFits(total or 0, self._least_bytes(cuts) if self._thorough else None)
        steps: list[PlanStep] = []
        path = best[last]
        while path.before is not None:
            if path.step is not None:
                steps.append(path.step)
            path = best[path.before]
        return InferencePlan(tuple(reversed(steps)), total)

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

    def _paths(self, end: int, begins: list[int], best: dict[int, _CheapestPath]) -> Iterator[_CheapestPath]:
        """Yield paths to a cut, one for each cut that the last step may begin at.

        The longer the step, the more memory the whole takes and the more tiles compute twice: both end the search.
        """
        sizes: tuple[int | None, ...] = self._tiles
        for begin in reversed(begins):
            step, sizes = self._step(begin, end, sizes)
            if step is not None:
                nothing = not step.segment.targets and not step.segment.reductions
                seconds = 0.0 if nothing else step.seconds
                yield _CheapestPath(best[begin].seconds + seconds, begin, None if nothing else step)
            if self._thorough:
                sizes = self._tiles
            elif not sizes:
                return

    def _step(
        self, begin: int, end: int, sizes: tuple[int | None, ...]
    ) -> tuple[PlanStep | None, tuple[int | None, ...]]:
        """Return the cheapest step between two cuts that fits, and the sizes of tiles that may do for a longer one.

        A tile that does not fit here will not fit a longer step.
        """
        best: PlanStep | None = None
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

    def _is_cheap(self, step: PlanStep) -> bool:
        """Whether tiles could not be much faster than the whole: what they save is fresh memory alone."""
        return step.cost.work_bytes < _SMALL or step.cost.work_bytes / FRESH_BYTES_PER_S < _FRESH_SHARE * step.seconds

    def _tried(self, begin: int, end: int, tile: int | None) -> PlanStep | None:
        segment = self._segment(begin, end, whole=tile is None)
        if not segment.owned and not segment.reductions:
            nothing = Cost(0.0, 1, 1, 0, 1.0, 0)
            return PlanStep(segment, begin, None, self._cache.cuts.live(end), frozenset(), nothing, 0, 0)
        filed = self._cache.in_files | self._filed(begin) | self._filed(end)
        cost = self._cache.cost(begin, end, segment, tile, filed)
        if cost is None:
            return None
        live = {*self._cache.cuts.live(begin), *self._cache.cuts.live(end)}
        bytes_of = {name: self._graph.map(name).nbytes for name in live - self._results - {self._graph.image}}
        in_memory = sum(count for name, count in bytes_of.items() if name not in filed)
        return PlanStep(
            segment,
            begin,
            tile,
            self._cache.cuts.live(end),
            filed,
            replace(cost, work_bytes=int(cost.work_bytes * self._working)),
            self._fixed + in_memory,
            self._fixed_filed + sum(bytes_of.values()) - in_memory,
        )

    def _fits(self, step: PlanStep) -> bool:
        if self._budget is None:
            return True
        return step.cost.work_bytes <= self._budget.work and step.live_bytes <= self._budget.total - self._budget.work

    def _segment(self, begin: int, end: int, *, whole: bool) -> Segment:
        sources = (*self._cache.cuts.live(begin), self._graph.image)
        made = [name for name in self._order[begin:end] if name in self._results]
        targets = tuple(dict.fromkeys(name for name in (*self._cache.cuts.live(end), *made) if name not in sources))
        reductions = [name for name in self._order[begin:end] if isinstance(self._graph.nodes[name], GlobalReduction)]
        known = [name for name in self._order[:begin] if isinstance(self._graph.nodes[name], GlobalReduction)]
        return Segment(self._graph, sources, targets, tuple(reductions), frozenset(known), whole)

    def _filed(self, cut: int) -> frozenset[str]:
        """Return the live tensors that lie in files because memory is short: the largest ones. A cut may take half."""
        if self._budget is None:
            return frozenset()
        most = (self._budget.total - self._budget.work - self._fixed) / 2
        live = sorted(self._cache.cuts.live(cut), key=lambda name: (-self._graph.map(name).nbytes, name))
        total = sum(self._graph.map(name).nbytes for name in live)
        filed = []
        for name in live:
            if total <= most:
                break
            filed.append(name)
            total -= self._graph.map(name).nbytes
        return frozenset(filed)

"""Which segments a network is cut into, in which tiles each runs, and what is live between them: pure and in advance.

Where memory holds the whole picture, it is taken whole: exactness needs no tiles then. Else the cuts come from dynamic
programming over the nodes' order. A segment may take the whole picture, with the global reductions inside it, or go
tile by tile, and then ends where the result of one is needed. Segments are chosen by estimates, and laid out exactly
before a plan is believed.
"""

import contextlib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.planning.cuts import Cuts
from orchestrator.infer.planning.graph_table import Floats, GraphTable
from orchestrator.infer.planning.segment import Crossing, Segment
from orchestrator.infer.planning.segment_cost import Cost, segment_cost
from orchestrator.infer.planning.segment_estimates import Estimates, Tile

TILES = (2048, 1536, 1024, 768, 512, 384, 256, 192, 128, 96, 64)
"""Sides of tiles that are tried, in pixels of the picture, besides the whole."""

_MOST_CUTS, _MOST_CUTS_THOROUGH = 44, 80
_WORK_SHARES = (0.75, 0.5, 0.3)
"""Shares of the budget that are tried for what runs, the rest being for live tensors."""
_MAY_FIT = 1.15
"""Estimates of memory that are higher than the budget by less are laid out exactly before they are given up."""
_NEAR, _MOST_ROUNDS = 1.02, 12
"""How near to the least memory a plan is that is taken for it, and how often it is tried to come nearer."""
_ROOMY = 4 * 2**30
"""Bytes that the whole picture may take where nothing limits it; above, tiles are taken where they are faster."""
_LARGEST_ENDS = 0.25
"""Share of the budget that the picture and the outputs may take; larger ones lie in files."""


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
    segments = _Segments(graph, Cuts(graph), working)
    if not segments.cuts.order:
        return InferencePlan((), budget)
    if tile is None:
        step = segments.step(begin, len(segments.cuts.order), None, _InFiles(frozenset(), lambda _cut: frozenset()))
        if step is not None and step.peak_bytes <= (_ROOMY if budget is None else budget):
            return InferencePlan((step,), budget)
    largest = max(graph.size.height, graph.size.width)
    tiles = (None, *(side for side in TILES if side < largest)) if tile is None else (tile,)
    usual = _Search(segments, tiles, begin, _MOST_CUTS)
    if budget is None:
        return InferencePlan(usual.steps(None, frozenset()), None)
    ends = segments.ends
    in_files = ends if sum(graph.map(name).nbytes for name in ends) > _LARGEST_ENDS * budget else frozenset[str]()
    found: list[InferencePlan] = []
    for share in _WORK_SHARES:
        with contextlib.suppress(NoPlanFits):
            found.append(InferencePlan(usual.steps(_Budget(budget, int(budget * share)), in_files), budget))
    if found:
        return min(found, key=lambda plan: plan.seconds)
    thorough = _Search(segments, tiles, begin, _MOST_CUTS_THOROUGH)
    try:
        return InferencePlan(thorough.steps(_Budget(budget, budget), ends), budget)
    except NoPlanFits:
        least = InferencePlan(thorough.smallest_steps(ends), budget)
        if least.steps and least.peak_bytes <= budget:
            return least
        raise NoPlanFits(budget, least.peak_bytes) from None


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
class _InFiles:
    """What lies in files.

    Attributes:
        always: The picture and the outputs, or nothing.
        at: Returns which live tensors of a cut do.
    """

    always: frozenset[str]
    at: Callable[[int], frozenset[str]]

    def between(self, begin: int, end: int) -> frozenset[str]:
        """Return what lies in files while a segment runs."""
        return self.always | self.at(begin) | self.at(end)


@dataclass(frozen=True)
class _Segments:
    """The segments of a graph, laid out exactly.

    Attributes:
        working: How much more memory they were seen to take.
    """

    graph: Graph
    cuts: Cuts
    working: float
    _costs: dict[tuple[int, int, Tile, frozenset[str]], Cost | None] = field(default_factory=dict)

    @property
    def ends(self) -> frozenset[str]:
        """The tensors that are live from the first to the last: the picture and the outputs."""
        return frozenset((self.graph.image, *self.graph.outputs.values()))

    def fixed_bytes(self, in_files: frozenset[str]) -> int:
        """Return the bytes of the picture and the outputs in memory."""
        return sum(self.graph.map(name).nbytes for name in self.ends if name not in in_files)

    def live_bytes(self, begin: int, end: int, filed: frozenset[str]) -> int:
        """Return the bytes in memory of what is live while a segment runs."""
        live = {*self.cuts.live(begin), *self.cuts.live(end)} - self.ends - filed
        return self.fixed_bytes(filed) + sum(self.graph.map(name).nbytes for name in live)

    def step(self, begin: int, end: int, tile: Tile, in_files: _InFiles) -> PlanStep | None:
        """Return a segment between two cuts; None where its tiles cannot cross a global reduction."""
        segment, filed = self.cuts.segment(begin, end, whole=tile is None), in_files.between(begin, end)
        key = (begin, end, tile, filed)
        if key not in self._costs:
            try:
                self._costs[key] = segment_cost(segment, tile, filed)
            except Crossing:
                self._costs[key] = None
        cost = self._costs[key]
        if cost is None:
            return None
        live_bytes = self.live_bytes(begin, end, filed)
        return PlanStep(
            segment,
            begin,
            tile,
            self.cuts.live(end),
            filed,
            replace(cost, work_bytes=int(cost.work_bytes * self.working)),
            live_bytes,
            self.live_bytes(begin, end, frozenset()) - live_bytes,
        )


Choice = tuple[int, int, Tile]
"""A segment by the cuts that it begins and ends at, and its tiles."""


class _Search:
    """Finds the best way from a cut to the end.

    Args:
        begin: The cut.
        most_cuts: How many cuts to try, besides those after global reductions.
    """

    def __init__(self, segments: _Segments, tiles: tuple[Tile, ...], begin: int, most_cuts: int) -> None:
        self._segments, self._tiles = segments, tiles
        self._places = [begin, *(cut for cut in segments.cuts.places(most_cuts) if cut > begin)]
        self._estimates = Estimates(
            GraphTable(segments.graph, tuple(segments.cuts.order)), segments.cuts, self._places, tiles
        )

    def steps(self, budget: _Budget | None, always: frozenset[str]) -> tuple[PlanStep, ...]:
        """Return the fastest steps.

        Args:
            always: What lies in files from the first to the last.

        Raises:
            NoPlanFits: Where there are none within the budget.
        """
        in_files = _InFiles(always, self._filed_at(budget, always))
        estimated = {end: self._estimated(end, budget, in_files) for end in self._places[1:]}
        laid_out: dict[Choice, PlanStep] = {}
        while True:
            choices = self._cheapest(estimated)
            if choices is None:
                raise NoPlanFits(0 if budget is None else budget.total, None)
            new = [choice for choice in choices if choice not in laid_out]
            if not new:
                return tuple(laid_out[choice] for choice in choices)
            for choice in new:
                begin, end, tile = choice
                step = self._segments.step(begin, end, tile, in_files)
                fits = step is not None and self._fits(step, budget)
                place = self._places.index(begin), self._tiles.index(tile)
                estimated[end][place] = step.seconds if step is not None and fits else np.inf
                if step is not None and fits:
                    laid_out[choice] = step

    def smallest_steps(self, always: frozenset[str]) -> tuple[PlanStep, ...]:
        """Return the steps that take the least memory, with all maps in files; close to the least there is."""
        in_files = _InFiles(always, self._filed_at(_Budget(0, 0), always))
        work = {end: self._estimates.ending_at(end, in_files.between)[1] for end in self._places[1:]}
        best: tuple[PlanStep, ...] = ()
        least = np.inf
        for _ in range(_MOST_ROUNDS):
            bound, choices = self._smallest(work)
            if least <= _NEAR * bound:
                break
            steps = []
            for begin, end, tile in choices:
                step = self._segments.step(begin, end, tile, in_files)
                work[end][self._places.index(begin), self._tiles.index(tile)] = (
                    np.inf if step is None else step.cost.work_bytes
                )
                steps.append(step)
            found = tuple(step for step in steps if step is not None)
            peak = max((step.cost.work_bytes for step in found), default=0)
            if len(found) == len(steps) and peak < least:
                best, least = found, peak
        return best

    def _smallest(self, work: Mapping[int, Floats]) -> tuple[float, list[Choice]]:
        """Return the way to the last cut whose most memory is least, and that memory."""
        peaks = np.zeros(len(self._places))
        last: dict[int, tuple[int, Tile]] = {}
        for place, end in enumerate(self._places[1:], start=1):
            most = np.maximum(peaks[:place, None], work[end])
            row, column = np.unravel_index(int(np.argmin(most)), most.shape)
            peaks[place] = most[row, column]
            last[end] = self._places[int(row)], self._tiles[int(column)]
        return float(peaks[-1]), self._path(last)

    def _estimated(self, end: int, budget: _Budget | None, in_files: _InFiles) -> Floats:
        """Return the seconds of what fits, (cuts before, tiles); infinite where it does not."""
        seconds, work = self._estimates.ending_at(end, in_files.between)
        if budget is None:
            return seconds
        begins = [cut for cut in self._places if cut < end]
        live = np.array([self._segments.live_bytes(begin, end, in_files.between(begin, end)) for begin in begins])
        fits = (work * self._segments.working <= _MAY_FIT * budget.work) & (live[:, None] <= budget.total - budget.work)
        return np.where(fits, seconds, np.inf)

    def _fits(self, step: PlanStep, budget: _Budget | None) -> bool:
        if budget is None:
            return True
        return step.cost.work_bytes <= budget.work and step.live_bytes <= budget.total - budget.work

    def _cheapest(self, seconds: Mapping[int, Floats]) -> list[Choice] | None:
        """Return the fastest way to the last cut, None where there is none."""
        best = np.full(len(self._places), np.inf)
        best[0] = 0.0
        last: dict[int, tuple[int, Tile]] = {}
        for place, end in enumerate(self._places[1:], start=1):
            total = best[:place, None] + seconds[end]
            row, column = np.unravel_index(int(np.argmin(total)), total.shape)
            best[place] = total[row, column]
            last[end] = self._places[int(row)], self._tiles[int(column)]
        if not np.isfinite(best[-1]):
            return None
        return self._path(last)

    def _path(self, last: Mapping[int, tuple[int, Tile]]) -> list[Choice]:
        """Return the way to the last cut, without segments that compute nothing.

        Args:
            last: By each cut, the cut and the tiles that the last segment of the way to it has.
        """
        found: list[Choice] = []
        end = self._places[-1]
        while end != self._places[0]:
            begin, tile = last[end]
            if not self._estimates.is_nothing(begin, end):
                found.append((begin, end, tile))
            end = begin
        return found[::-1]

    def _filed_at(self, budget: _Budget | None, always: frozenset[str]) -> Callable[[int], frozenset[str]]:
        """Return which live tensors of a cut lie in files because memory is short: the largest ones.

        A cut may take half of what is left for live tensors.
        """
        if budget is None:
            return lambda _cut: frozenset()
        most = (budget.total - budget.work - self._segments.fixed_bytes(always)) / 2
        graph, cuts = self._segments.graph, self._segments.cuts

        @functools.cache
        def filed(cut: int) -> frozenset[str]:
            live = sorted(cuts.live(cut), key=lambda name: (-graph.map(name).nbytes, name))
            total, found = sum(graph.map(name).nbytes for name in live), []
            for name in live:
                if total <= most:
                    break
                found.append(name)
                total -= graph.map(name).nbytes
            return frozenset(found)

        return filed

"""Executes a plan: segment after segment, tile after tile, with what is live between segments in tensor buffers."""

import concurrent.futures
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from orchestrator.infer.execution.checkpoint import PictureCheckpoint, ResumePoint
from orchestrator.infer.execution.session_slot import SessionSlot
from orchestrator.infer.execution.tensor_buffer import TensorBuffer
from orchestrator.infer.execution.tile_statistics import Statistics
from orchestrator.infer.execution.tile_subgraph import TileSubgraph
from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.node import Array, GlobalReduction, Placement
from orchestrator.infer.graphs.region import AXES, COLUMNS, ROWS, Span
from orchestrator.infer.loading.model_file import PictureRefused
from orchestrator.infer.planning.planner import InferencePlan, PlanStep
from orchestrator.infer.planning.segment import Segment
from orchestrator.infer.session import MemoryShort, Resources, Session

ProgressCallback = Callable[[float], None]
"""Called with the share of a picture's work that is done, from 0 to 1; it may raise to stop."""


Replan = Callable[[int], InferencePlan]
"""Plans the rest of a picture anew, from a cut on."""


class _Stopped(Exception):
    def __init__(self, reason: MemoryShort, step: PlanStep, share: float) -> None:
        super().__init__(reason)
        self.reason, self.step, self.share = reason, step, share


@dataclass(frozen=True)
class AxisTile:
    """One axis of one tile: what it owns, how the nodes lie, and what it has in common with tiles run alike."""

    owned: Mapping[str, Span]
    placed: Mapping[str, Placement]
    signature: tuple[Any, ...]


def axis_tiles(segment: Segment, axis: int, tile: int | None) -> list[AxisTile]:
    """Return a segment's tiles along one axis."""
    found = []
    for owned in segment.cut(axis, tile):
        placed = segment.placed(axis, owned)
        found.append(AxisTile(owned, placed, segment.signature(axis, placed, owned)))
    return found


class PlanExecutor:
    """One picture on its way through a network.

    Args:
        folder: Where tensors lie that do not fit into memory.
    """

    def __init__(
        self,
        graph: Graph,
        resources: Resources,
        folder: Path | None = None,
        progress: ProgressCallback | None = None,
        replan: Replan | None = None,
        checkpoint: PictureCheckpoint | None = None,
        slot: SessionSlot | None = None,
    ) -> None:
        """Take the graph of one picture.

        Args:
            replan: Plans the rest anew, from a cut on, after memory was short there; None gives up.
            checkpoint: Where resume points of the picture are saved, for a process that takes over.
            slot: Holds the session from picture to picture, where each goes through in one piece.
        """
        self._graph, self._resources, self._replan, self._checkpoint = graph, resources, replan, checkpoint
        self._buffers: dict[str, TensorBuffer] = {}
        self._reduced: dict[str, Array] = {}
        self._grams: dict[str, npt.NDArray[np.float64]] = {}
        self._folder, self._progress, self._done = folder, progress, 0.0
        self._resume: ResumePoint | None = None
        self._slot = slot or SessionSlot()

    def run(self, plan: InferencePlan, picture: Array, resume: ResumePoint | None = None) -> dict[str, Array]:
        """Return the network's outputs, (1, C, H, W) float32.

        Raises what `execute` raises.

        Args:
            picture: (1, 3, H, W) float32.
            resume: What was done before.
        """
        return {name: buffer.values for name, buffer in self.execute(plan, TensorBuffer(picture), resume).items()}

    def execute(
        self, plan: InferencePlan, picture: TensorBuffer, resume: ResumePoint | None = None
    ) -> dict[str, TensorBuffer]:
        """Return the network's outputs where they lie: in memory, or in files that nobody else sees.

        Also raises what `progress` raises.

        Raises:
            MemoryShort: Where nothing plans the rest anew.
            PictureRefused: Where a map holds a NaN or an infinity.
        """
        self._buffers[self._graph.image] = picture
        before, done = 0.0, 0
        if resume is not None:
            self._buffers.update(resume.buffers)
            self._reduced.update(resume.reduced)
            before = self._done = resume.share
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="maps-") as folder:
            while True:
                try:
                    self._run_steps(plan, Path(folder), before)
                    return {name: self._buffers[source] for name, source in self._graph.outputs.items()}
                except _Stopped as stopped:
                    if self._replan is None:
                        raise stopped.reason from stopped
                    before += (1 - before) * stopped.share
                    done = stopped.step.begin
                plan = self._replan(done)

    def _run_steps(self, plan: InferencePlan, folder: Path, before: float) -> None:
        """Run every step of a plan.

        Args:
            before: Share of the picture's work that was done before it.

        Raises:
            _Stopped: Where memory was short in a step; what was live before that step still is.
        """
        total, done = plan.seconds or 1.0, 0.0
        for number, step in enumerate(plan.steps, start=1):
            self._resume = self._so_far(step, before + (1 - before) * done / total)
            if self._checkpoint is not None and number > 1:
                self._checkpoint.offer(self._resume)
            try:
                for share in self._stepped(step, folder, f"segment {number} of {len(plan.steps)}"):
                    self._report(before + (1 - before) * (done + step.seconds * share) / total)
            except MemoryShort as error:
                raise _Stopped(error, step, done / total) from error
            done += step.seconds
            self._forget(step)

    def _so_far(self, step: PlanStep, share: float) -> ResumePoint:
        """Return the resume point before a step."""
        live = {name: buffer for name, buffer in self._buffers.items() if name != self._graph.image}
        return ResumePoint(step.begin, share, live, dict(self._reduced))

    def _report(self, share: float) -> None:
        """Report how far it is; after a new plan the expectation may fall, and what was reported stays.

        Where the callback stops the picture, what was done before this segment is saved.
        """
        self._done = max(self._done, min(1.0, share))
        if self._progress is None:
            return
        try:
            self._progress(self._done)
        except Exception:
            if self._checkpoint is not None and self._resume is not None:
                self._checkpoint.save(self._resume)
            raise

    def _forget(self, step: PlanStep) -> None:
        live = {self._graph.image, *step.live_after, *self._graph.outputs.values()}
        for name in [name for name in self._buffers if name not in live]:
            del self._buffers[name]

    def _stepped(self, step: PlanStep, folder: Path, words: str) -> Iterator[float]:
        """Run a segment; yield which share of it is done after each tile."""
        segment = step.segment
        rows, columns = (axis_tiles(segment, axis, step.tile) for axis in AXES)
        count = len(rows) * len(columns)
        for name in segment.targets:
            if count > 1 or name in step.filed:
                self._buffers[name] = TensorBuffer.allocated(
                    self._graph.map(name), folder if name in step.filed else None
                )
        slot = self._slot if segment.whole and step.live_after == () and step.begin == 0 else None
        if slot is None:
            self._slot.clear()
        run = _Run(segment, self._resources, self._buffers, self._reduced, last=count, slot=slot)
        statistics_of = {name: Statistics() for name in segment.owned if not segment.whole}
        self._grams = {name: np.zeros(1) for name in segment.reductions if not segment.whole}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            tiles = [(row, column) for row in rows for column in columns]
            ahead = pool.submit(run.inputs, *tiles[0])
            writing: concurrent.futures.Future[None] | None = None
            for place, (row, column) in enumerate(tiles):
                given = ahead.result()
                if place + 1 < count:
                    ahead = pool.submit(run.inputs, *tiles[place + 1])
                answers = run.answers(row, column, given, place + 1)
                _refuse_infinite(segment, answers, words, place + 1, count)
                self._aggregate(segment, statistics_of, answers, column)
                if writing is not None:
                    writing.result()
                alone = frozenset(segment.targets) - step.filed if count == 1 else frozenset[str]()
                writing = pool.submit(self._write, segment, answers, row, column, alone)
                yield (place + 1) / count
            if writing is not None:
                writing.result()
        self._reduce(segment, statistics_of)

    def _aggregate(
        self, segment: Segment, statistics_of: dict[str, Statistics], answers: Mapping[str, Array], column: AxisTile
    ) -> None:
        if segment.whole:
            self._reduced.update((name, answers[name]) for name in segment.reductions)
        for name, statistics in statistics_of.items():
            found = {kind: answers[f"{name}|{kind}"] for kind in _ROW_STATISTICS if f"{name}|{kind}" in answers}
            if found:
                statistics.add(found, column.owned[name].length)
        for name, total in self._grams.items():
            if f"{name}|gram" in answers:
                self._grams[name] = total + answers[f"{name}|gram"]

    def _reduce(self, segment: Segment, statistics_of: Mapping[str, Statistics]) -> None:
        for name in () if segment.whole else segment.reductions:
            node = self._graph.nodes[name]
            assert isinstance(node, GlobalReduction)
            if node.kind == "gram":
                self._reduced[name] = self._grams[name].astype(np.float32).reshape(node.dims)
            else:
                self._reduced[name] = statistics_of[node.input].result(node.kind).reshape(node.dims)

    def _write(
        self, segment: Segment, answers: Mapping[str, Array], row: AxisTile, column: AxisTile, alone: frozenset[str]
    ) -> None:
        """Put a tile's answers into their buffers.

        Args:
            alone: Those that are all of their maps.
        """
        for name in segment.targets:
            if name in alone:
                self._buffers[name] = TensorBuffer(answers[name])
            else:
                self._buffers[name].write(answers[name], row.owned[name], column.owned[name])


_ROW_STATISTICS = ("mean", "deviation", "squares", "max", "min")


@dataclass
class _Run:
    """Runs the tiles of one segment; tiles that are cut alike share a session.

    Attributes:
        last: Number of the last tile.
        slot: Where the one session is held, for the next picture.
    """

    segment: Segment
    resources: Resources
    buffers: Mapping[str, TensorBuffer]
    reduced: Mapping[str, Array]
    last: int
    slot: SessionSlot | None
    sessions: dict[tuple[Any, Any], tuple[Session, dict[str, str]]] = field(default_factory=dict)

    def inputs(self, row: AxisTile, column: AxisTile) -> dict[str, Array]:
        """Return what a tile is fed."""
        given = {name: self.reduced[name] for name in self.segment.values}
        for name in self.segment.read:
            given[name] = self.buffers[name].read(row.placed[name].out, column.placed[name].out)
        for node in self.segment.maps:
            given.update(node.fed(ROWS, row.placed[node.output]))
            given.update(node.fed(COLUMNS, column.placed[node.output]))
        return given

    def answers(self, row: AxisTile, column: AxisTile, given: Mapping[str, Array], number: int) -> dict[str, Array]:
        """Return what a tile gives, by name."""
        key = (row.signature, column.signature)
        if key not in self.sessions:
            # Tiles come row by row: sessions of rows that were cut otherwise are not needed again.
            self.sessions = {other: session for other, session in self.sessions.items() if other[0] == row.signature}
            subgraph = TileSubgraph(self.segment, row.placed, column.placed, (row.owned, column.owned))
            self.sessions[key] = self._session(subgraph), subgraph.outputs
        session, outputs = self.sessions[key]
        found = session.run(list(outputs.values()), given, shrink=number == self.last)
        return dict(zip(outputs, found, strict=True))

    def _session(self, subgraph: TileSubgraph) -> Session:
        name = "a part of the network"
        if self.slot is not None:
            return self.slot.session(subgraph, self.resources, name)
        return Session(subgraph.model(), self.resources, name, subgraph.weights)


def _refuse_infinite(segment: Segment, answers: Mapping[str, Array], words: str, tile: int, count: int) -> None:
    """Look for NaN and infinity where it costs little: in the outputs, and in the statistics of each row."""
    graph = segment.graph
    looked = [
        name for name in answers if name in graph.outputs.values() or name.endswith(("|mean", "|deviation", "|gram"))
    ]
    for name in looked:
        if not np.isfinite(answers[name]).all():
            where = words if count == 1 else f"{words}, tile {tile} of {count}"
            raise PictureRefused(f"{name.partition('|')[0]} holds values that are not finite ({where})")

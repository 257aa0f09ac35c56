"""Runs a plan: segment after segment, tile after tile, with what lies between segments held outside of the network."""

import concurrent.futures
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.infer.graph import Graph
from orchestrator.infer.held import Held
from orchestrator.infer.kept import Kept, Way
from orchestrator.infer.load import NetworkError
from orchestrator.infer.node import Array, Placed, Reduction
from orchestrator.infer.part import Part
from orchestrator.infer.plan import Plan, Step
from orchestrator.infer.region import AXES, COLUMNS, ROWS, Span
from orchestrator.infer.segment import Segment
from orchestrator.infer.session import MemoryShort, Resources, Session
from orchestrator.infer.statistics import Statistics

Told = Callable[[float], None]
"""Hears which share of a picture's work is done, from 0 to 1; it may raise to stop."""


Again = Callable[[int], Plan]
"""Plans the rest of a picture anew, from a cut on."""


class _Stopped(Exception):
    def __init__(self, reason: MemoryShort, step: Step, share: float) -> None:
        super().__init__(reason)
        self.reason, self.step, self.share = reason, step, share


@dataclass(frozen=True)
class Cut:
    """One axis of one tile: what it owns, how the nodes lie, and what it has in common with tiles run alike."""

    owned: Mapping[str, Span]
    placed: Mapping[str, Placed]
    signature: tuple[Any, ...]


def cuts(segment: Segment, axis: int, tile: int | None) -> list[Cut]:
    """Return a segment's tiles along one axis."""
    found = []
    for owned in segment.cut(axis, tile):
        placed = segment.placed(axis, owned)
        found.append(Cut(owned, placed, segment.signature(axis, placed, owned)))
    return found


class Stream:
    """One picture on its way through a network.

    held: maps by name, (1, C, H, W); decided: numbers of the whole picture by name
    folder: where maps lie that do not fit into memory
    """

    def __init__(
        self,
        graph: Graph,
        resources: Resources,
        folder: Path | None = None,
        told: Told | None = None,
        again: Again | None = None,
        kept: Kept | None = None,
    ) -> None:
        """again: plans the rest anew, from a cut on, after memory was short there; None gives up

        kept: where the way of the picture is kept, for a process that takes over
        """
        self._graph, self._resources, self._again, self._kept = graph, resources, again, kept
        self._held: dict[str, Held] = {}
        self._decided: dict[str, Array] = {}
        self._folder, self._told, self._done = folder, told, 0.0
        self._way: Way | None = None

    def run(self, plan: Plan, picture: Array, way: Way | None = None) -> dict[str, Array]:
        """Return the network's outputs, (1, C, H, W) float32. picture: (1, 3, H, W) float32; way: what is done before

        Raises: as `held`.
        """
        return {name: held.values for name, held in self.held(plan, Held(picture), way).items()}

    def held(self, plan: Plan, picture: Held, way: Way | None = None) -> dict[str, Held]:
        """Return the network's outputs where they lie: in memory, or in files that nobody else sees.

        Raises: MemoryShort, NetworkError where a map holds a NaN or an infinity, and what `told` raises.
        """
        self._held[self._graph.image] = picture
        before, done = 0.0, 0
        if way is not None:
            self._held.update(way.held)
            self._decided.update(way.decided)
            before = self._done = way.share
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="maps-") as folder:
            while True:
                try:
                    self._go(plan, Path(folder), before)
                    return {name: self._held[source] for name, source in self._graph.outputs.items()}
                except _Stopped as stopped:
                    if self._again is None:
                        raise stopped.reason from stopped
                    before += (1 - before) * stopped.share
                    done = stopped.step.begin
                plan = self._again(done)

    def _go(self, plan: Plan, folder: Path, before: float) -> None:
        """Run every step of a plan. before: share of the picture's work that was done before it

        Raises: _Stopped where memory was short in a step; what was held before that step still is.
        """
        total, done = plan.seconds or 1.0, 0.0
        for number, step in enumerate(plan.steps, start=1):
            self._way = self._so_far(step, before + (1 - before) * done / total)
            if self._kept is not None and number > 1:
                self._kept.offer(self._way)
            try:
                for share in self._stepped(step, folder, f"segment {number} of {len(plan.steps)}"):
                    self._tell(before + (1 - before) * (done + step.seconds * share) / total)
            except MemoryShort as error:
                raise _Stopped(error, step, done / total) from error
            done += step.seconds
            self._forget(step)

    def _so_far(self, step: Step, share: float) -> Way:
        """Return the way up to a step."""
        maps = {name: held for name, held in self._held.items() if name != self._graph.image}
        return Way(step.begin, share, maps, dict(self._decided))

    def _tell(self, share: float) -> None:
        """Say how far it is; after a new plan the expectation may fall, and what was said stays.

        Where the hearer stops the picture, what was done before this segment is kept.
        """
        self._done = max(self._done, min(1.0, share))
        if self._told is None:
            return
        try:
            self._told(self._done)
        except Exception:
            if self._kept is not None and self._way is not None:
                self._kept.keep(self._way)
            raise

    def _forget(self, step: Step) -> None:
        kept = {self._graph.image, *step.kept, *self._graph.outputs.values()}
        for name in [name for name in self._held if name not in kept]:
            del self._held[name]

    def _stepped(self, step: Step, folder: Path, words: str) -> Iterator[float]:
        """Run a segment; yield which share of it is done after each tile."""
        segment = step.segment
        rows, columns = (cuts(segment, axis, step.tile) for axis in AXES)
        count = len(rows) * len(columns)
        for name in segment.targets:
            if count > 1 or name in step.filed:
                self._held[name] = Held.room(self._graph.map(name), folder if name in step.filed else None)
        run = _Run(segment, self._resources, self._held, self._decided, last=count)
        tallies = {name: Statistics() for name in segment.owned if not segment.whole}
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
                self._count(segment, tallies, answers, column)
                if writing is not None:
                    writing.result()
                alone = frozenset(segment.targets) - step.filed if count == 1 else frozenset[str]()
                writing = pool.submit(self._write, segment, answers, row, column, alone)
                yield (place + 1) / count
            if writing is not None:
                writing.result()
        self._decide(segment, tallies)

    def _count(
        self, segment: Segment, tallies: dict[str, Statistics], answers: Mapping[str, Array], column: Cut
    ) -> None:
        if segment.whole:
            self._decided.update((name, answers[name]) for name in segment.reductions)
        for name, statistics in tallies.items():
            found = {tally: answers[f"{name}|{tally}"] for tally in _TALLIES if f"{name}|{tally}" in answers}
            if found:
                statistics.add(found, column.owned[name].length)

    def _decide(self, segment: Segment, tallies: Mapping[str, Statistics]) -> None:
        for name in () if segment.whole else segment.reductions:
            node = self._graph.nodes[name]
            assert isinstance(node, Reduction)
            self._decided[name] = tallies[node.input].result(node.kind).reshape(node.dims)

    def _write(
        self, segment: Segment, answers: Mapping[str, Array], row: Cut, column: Cut, alone: frozenset[str]
    ) -> None:
        """Put a tile's answers where they are held. alone: those that are all of their maps"""
        for name in segment.targets:
            if name in alone:
                self._held[name] = Held(answers[name])
            else:
                self._held[name].write(answers[name], row.owned[name], column.owned[name])


_TALLIES = ("mean", "deviation", "squares", "max", "min")


@dataclass
class _Run:
    """Runs the tiles of one segment; tiles that are cut alike share a session. last: number of the last tile"""

    segment: Segment
    resources: Resources
    held: Mapping[str, Held]
    decided: Mapping[str, Array]
    last: int
    sessions: dict[tuple[Any, Any], tuple[Session, dict[str, str]]] = field(default_factory=dict)

    def inputs(self, row: Cut, column: Cut) -> dict[str, Array]:
        """Return what a tile is fed."""
        given = {name: self.decided[name] for name in self.segment.values}
        for name in self.segment.read:
            given[name] = self.held[name].read(row.placed[name].out, column.placed[name].out)
        for node in self.segment.maps:
            given.update(node.fed(ROWS, row.placed[node.output]))
            given.update(node.fed(COLUMNS, column.placed[node.output]))
        return given

    def answers(self, row: Cut, column: Cut, given: Mapping[str, Array], number: int) -> dict[str, Array]:
        """Return what a tile gives, by name."""
        key = (row.signature, column.signature)
        if key not in self.sessions:
            # Tiles come row by row: sessions of rows that were cut otherwise are not needed again.
            self.sessions = {other: kept for other, kept in self.sessions.items() if other[0] == row.signature}
            part = Part(self.segment, row.placed, column.placed, (row.owned, column.owned))
            self.sessions[key] = (
                Session(part.model(), self.resources, "a part of the network", part.weights),
                part.outputs,
            )
        session, outputs = self.sessions[key]
        found = session.run(list(outputs.values()), given, shrink=number == self.last)
        return dict(zip(outputs, found, strict=True))


def _refuse_infinite(segment: Segment, answers: Mapping[str, Array], words: str, tile: int, count: int) -> None:
    """Look for NaN and infinity where it costs little: in the outputs, and in what was tallied of each row."""
    graph = segment.graph
    looked = [name for name in answers if name in graph.outputs.values() or name.endswith(("|mean", "|deviation"))]
    for name in looked:
        if not np.isfinite(answers[name]).all():
            where = words if count == 1 else f"{words}, tile {tile} of {count}"
            raise NetworkError(f"{name.partition('|')[0]} holds values that are not finite ({where})")

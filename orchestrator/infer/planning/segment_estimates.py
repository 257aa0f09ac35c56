"""What every segment that ends at a cut is expected to cost, wherever it begins and in every tile, all at once.

`segment_cost` lays one segment out node by node, and a plan chooses among thousands. Here a node's reach is a number
of pixels of the picture, which adds up along the graph whatever the tile, and what a segment costs is a sum over its
nodes. A plan believes nothing of it that was not laid out exactly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.infer.graphs.region import AXES
from orchestrator.infer.planning.cuts import Cuts
from orchestrator.infer.planning.graph_table import NOTHING, Floats, GraphTable, Numbers
from orchestrator.infer.planning.segment import tile_side
from orchestrator.infer.planning.segment_cost import (
    AHEAD,
    COPY_BYTES_PER_S,
    FILE_BYTES_PER_S,
    seconds_of,
    work_bytes_of,
)
from orchestrator.infer.planning.segment_needs import Before, Flags, Needs, before, crossing, needs_of, strides

Tile = int | None
FiledBetween = Callable[[int, int], frozenset[str]]

_SHAPES = 3
"""A first, an inner and a last tile, along an axis: as many graphs there are at most."""


@dataclass(frozen=True)
class _Tiled:
    """All tensors in tiles of one size, as far as they are needed, (tensors,) each.

    Attributes:
        passed: Bytes of elementwise work over all tiles.
        macs: Multiplications over all tiles.
        taken: The most bytes that are taken while each is computed, results that stay left out.
        read: Bytes of each over all tiles.
        region: Bytes of each in the largest tile.
        counts: Tiles along rows and columns.
    """

    stride: int
    tile: Tile
    passed: Floats
    macs: Floats
    taken: Floats
    read: Floats
    region: Floats
    counts: tuple[int, int]

    @property
    def undivided(self) -> bool:
        """Whether one tile holds the picture."""
        return self.counts == (1, 1)


@dataclass(frozen=True)
class _Tensors:
    """Segments that end at one cut, (segments, tensors) each.

    Attributes:
        begins: Where they begin, (segments,).
        inside: What lies between the cuts.
        writes: The maps that each makes for those after it.
        reads: The live tensors that each reads.
        recomputed: What each computes anew of what lies before it.
        needs_before: Both as lists.
    """

    end: int
    begins: Numbers
    inside: Flags
    writes: Flags
    reads: Flags
    recomputed: Flags
    needs_before: Sequence[Before]

    def some(self, rows: Numbers) -> "_Tensors":
        """Return some of the segments."""
        needs_before = [self.needs_before[row] for row in rows]
        return _Tensors(
            self.end,
            self.begins[rows],
            self.inside[rows],
            self.writes[rows],
            self.reads[rows],
            self.recomputed[rows],
            needs_before,
        )


@dataclass(frozen=True)
class _BaseCosts:
    """What the segments that end at one cut cost before it is known what lies in files, (segments, tiles) each.

    Attributes:
        rows: The segment that reads or writes a tensor, (pairs,).
        numbers: The tensor, (pairs,).
        moved: Bytes of it over all tiles, (pairs, tiles).
        region: Bytes of it in the largest tile, (pairs, tiles).
    """

    seconds: Floats
    peak: Floats
    weights: Floats
    shapes: Floats
    undivided: Flags
    rows: Numbers
    numbers: Numbers
    moved: Floats
    region: Floats


class Estimates:
    """Expected costs of the segments between some cuts of a graph.

    Args:
        places: The cuts, in order.
        tiles: Sides of tiles; None is the whole.
    """

    def __init__(self, table: GraphTable, cuts: Cuts, places: Sequence[int], tiles: Sequence[Tile]) -> None:
        self._table, self._cuts, self._tiles = table, cuts, tiles
        self._places = np.array(places, np.int64)
        self._base: dict[int, _BaseCosts] = {}
        self._live = np.zeros((len(places), len(table.names)), np.bool_)
        for row, cut in enumerate(places):
            self._live[row, [0, *(table.place[name] for name in cuts.live(cut))]] = True

    def ending_at(self, end: int, filed_between: FiledBetween) -> tuple[Floats, Floats]:
        """Return seconds and bytes of memory of the segments that end at a cut, (cuts before it, tiles) each.

        Both are infinite where a tile would need a number of the whole picture that is known only after it, and zero
        where there is nothing to compute.

        Args:
            filed_between: Returns which tensors lie in files while the segment between two cuts runs.
        """
        if end not in self._base:
            self._base[end] = self._costs(end)
        base = self._base[end]
        begins = self._places[self._places < end]
        in_files = [{self._table.place[name] for name in filed_between(int(begin), end)} for begin in begins]
        filed = np.array([number in in_files[row] for row, number in zip(base.rows, base.numbers, strict=True)], bool)
        per_byte = np.where(filed, 1 / FILE_BYTES_PER_S, 1 / COPY_BYTES_PER_S)
        moved, touched, filed_bytes = (np.zeros_like(base.seconds) for _ in range(3))
        np.add.at(moved, base.rows, base.moved * per_byte[:, None])
        np.add.at(touched, base.rows, base.region)
        np.add.at(filed_bytes, base.rows, base.region * filed[:, None])
        beside = np.where(base.undivided, filed_bytes, AHEAD * touched)
        seconds = base.seconds + np.where(base.undivided, 0.0, moved)
        return seconds, np.where(base.seconds > 0, work_bytes_of(base.peak, base.weights, base.shapes, beside), 0.0)

    def is_nothing(self, begin: int, end: int) -> bool:
        """Whether there is nothing to compute between two cuts, of which the second was asked for before."""
        row = int(np.searchsorted(self._places, begin))
        return bool((self._base[end].seconds[row] == 0).all())

    def _costs(self, end: int) -> _BaseCosts:
        begins = self._places[self._places < end]
        needs = needs_of(self._table, self._cuts, end, frozenset(begins.tolist()))
        tensors = self._tensors(end, begins, needs)
        shape = (len(begins), len(self._tiles))
        rows, numbers = np.nonzero(tensors.reads | tensors.writes)
        base = _BaseCosts(
            seconds=np.full(shape, np.inf),
            peak=np.full(shape, np.inf),
            weights=np.zeros(shape),
            shapes=np.zeros(shape),
            undivided=np.zeros(shape, np.bool_),
            rows=rows,
            numbers=numbers,
            moved=np.zeros((len(rows), len(self._tiles))),
            region=np.zeros((len(rows), len(self._tiles))),
        )
        aligned, crossed = strides(self._table, begins, needs), crossing(self._table, begins, needs)
        for column, tile in enumerate(self._tiles):
            allowed = np.ones(len(begins), np.bool_) if tile is None else ~crossed
            for stride in np.unique(aligned[allowed]).tolist():
                chosen = np.flatnonzero(allowed & (aligned == stride))
                self._fill(base, column, chosen, tensors.some(chosen), needs, self._laid_out(needs, stride, tile))
        reduced = np.array([any(begin < number <= end for number in self._table.reductions) for begin in begins])
        base.seconds[~(tensors.writes.any(axis=1) | reduced)] = 0.0
        return base

    def _tensors(self, end: int, begins: Numbers, needs: Needs) -> _Tensors:
        count = len(self._table.names)
        needs_before = [before(self._table, self._live[row], int(begin), needs) for row, begin in enumerate(begins)]
        reads, recomputed, writes = (np.zeros((len(begins), count), np.bool_) for _ in range(3))
        for row, one in enumerate(needs_before):
            reads[row, one.reads] = True
            recomputed[row, one.recomputed] = True
        writes[:, needs.targets] = needs.targets > begins[:, None]
        writes[:, needs.live] |= ~self._live[: len(begins), needs.live]
        numbers = np.arange(count)
        return _Tensors(
            end, begins, (numbers > begins[:, None]) & (numbers <= end), writes, reads, recomputed, needs_before
        )

    def _fill(
        self, base: _BaseCosts, column: int, chosen: Numbers, tensors: _Tensors, needs: Needs, tiled: _Tiled
    ) -> None:
        """Write what some segments cost in one tile.

        Args:
            chosen: Their rows.
            tensors: The same segments.
        """
        read, region = (np.where(tensors.reads | tensors.recomputed, one, 0.0) for one in (tiled.read, tiled.region))
        if not tiled.undivided:
            self._come_nearer(tensors, tiled, read, region)
        share = np.where(tensors.recomputed, read / np.maximum(tiled.read, 1.0), tensors.inside)
        written = np.where(tensors.writes, self._table.nbytes, 0.0)
        weights = (tensors.inside | tensors.recomputed) @ needs.weights
        peak = self._peak(tensors, needs, tiled, region)
        shapes = [min(_SHAPES, count) for count in tiled.counts]
        base.seconds[chosen, column] = seconds_of(
            macs=share @ tiled.macs + tensors.inside @ self._table.reduced_macs,
            passed=share @ tiled.passed + self._aggregated(tensors, written),
            moved=np.zeros(len(chosen)),
            fresh=peak + written.sum(axis=1),
            weights=weights,
            shapes=shapes[0] * shapes[1],
            tiles=tiled.counts[0] * tiled.counts[1],
        )
        base.peak[chosen, column], base.weights[chosen, column] = peak, weights
        base.shapes[chosen, column], base.undivided[chosen, column] = shapes[1], tiled.undivided
        pairs = np.isin(base.rows, chosen)
        rows, numbers = np.searchsorted(chosen, base.rows[pairs]), base.numbers[pairs]
        reads, writes = tensors.reads[rows, numbers], tensors.writes[rows, numbers]
        base.moved[pairs, column] = read[rows, numbers] * reads + written[rows, numbers]
        base.region[pairs, column] = region[rows, numbers] * reads + tiled.region[numbers] * writes

    def _come_nearer(self, tensors: _Tensors, tiled: _Tiled, read: Floats, region: Floats) -> None:
        """Correct what segments take of tensors before them, which those before them read from farther."""
        found = [
            (row, number, one.reach[number])
            for row, one in enumerate(tensors.needs_before)
            for number in (*one.reads, *one.recomputed)
        ]
        rows, numbers = (np.array([one[place] for one in found], np.int64) for place in (0, 1))
        reaches = np.array([one[2] for one in found], np.float64).reshape(-1, len(NOTHING)).T
        down, across = (self._along(axis, numbers, reaches, tiled.stride, tiled.tile) for axis in AXES)
        read[rows, numbers] = self._table.pixel_bytes[numbers] * down[0] * across[0]
        region[rows, numbers] = self._table.pixel_bytes[numbers] * down[1] * across[1]

    def _aggregated(self, tensors: _Tensors, written: Floats) -> Floats:
        """Return the bytes that are gone over for the global reductions of each segment."""
        found = np.zeros(len(tensors.begins))
        for row, begin in enumerate(tensors.begins):
            reduced = (each for number, each in self._table.reductions.items() if begin < number <= tensors.end)
            sources = {source for each in reduced for source in each}
            if sources:
                more = sum(self._table.nbytes[source] for source in sources if not tensors.writes[row, source])
                found[row] = 2 * (written[row].sum() + more)
        return found

    def _peak(self, tensors: _Tensors, needs: Needs, tiled: _Tiled, region: Floats) -> Floats:
        """Return the most bytes that the maps of a tile take at once: results stay from where they are made.

        Args:
            region: Bytes of what each segment takes of what lies before it, in the largest tile.
        """
        numbers, targets, begins = np.arange(len(self._table.names)), needs.targets, tensors.begins[:, None]
        stays = (numbers >= targets[:, None]) & (numbers > needs.last[targets][:, None])
        taken = tiled.taken + tensors.writes[:, targets] @ (stays * tiled.region[targets][:, None])
        if not tiled.undivided:
            readers, sources = needs.cropped
            np.add.at(taken.T, readers, ((sources > begins) * tiled.region[sources]).T)
        less = np.where((region > 0) & (needs.last > begins), tiled.region - region, 0.0)
        for row, number in zip(*np.nonzero(less), strict=True):
            taken[row, : needs.last[number] + 1] -= less[row, number]
        found = np.where(tensors.inside, taken, 0.0).max(axis=1, initial=0.0)
        for row, begin in enumerate(tensors.begins):
            found[row] = max(found[row], self._peak_before(tensors.needs_before[row], int(begin), needs, region[row]))
        return np.asarray(found)

    def _peak_before(self, one: Before, begin: int, needs: Needs, region: Floats) -> float:
        """Return the most bytes that a segment takes while it computes anew what lies before it."""
        last = {source: number for number in one.recomputed for source, _ in self._table.reads[number]}
        live = peak = float(region[one.reads].sum())
        for number in one.recomputed:
            live += region[number]
            peak = max(peak, live)
            gone = (source for source, _ in self._table.reads[number] if last[source] == number)
            live -= sum(region[source] for source in gone if needs.last[source] <= begin)
        return peak

    def _laid_out(self, needs: Needs, stride: int, tile: Tile) -> _Tiled:
        table, needed, every = self._table, needs.needed, np.arange(len(self._table.names))
        (rows, tallest, down), (columns, widest, across) = (
            self._along(axis, every, needs.reach, stride, tile) for axis in AXES
        )
        area = table.lengths[0] * table.lengths[1]
        share, part = (np.where(needed, one / area, 0.0) for one in (rows * columns, tallest * widest))
        macs = table.macs * share
        for number in table.grows_faster:
            if needed[number]:
                macs[number] = down * across * table.macs_of(number, tallest[number], widest[number])
        region = table.nbytes * part
        freed = np.zeros(len(region) + 1)
        np.add.at(freed, np.maximum(needs.last, every) + 1, region)
        beside = table.scratch * part + (table.reduced_copies if tile is None else 0.0)
        taken = np.cumsum(region) - np.cumsum(freed)[:-1] + beside
        counts = (down, across)
        return _Tiled(stride, tile, table.passed_bytes * share, macs, taken, table.nbytes * share, region, counts)

    def _along(self, axis: int, numbers: Numbers, reach: Floats, stride: int, tile: Tile) -> tuple[Floats, Floats, int]:
        """Return the pixels of some maps over all tiles along an axis, those in the longest tile, and the tiles' count.

        Args:
            reach: Of each map, (6, maps).
        """
        whole, lengths = self._table.graph.size.along(axis), self._table.lengths[axis, numbers]
        side, count = (whole, 1) if tile is None else tile_side(whole, tile, stride)
        if count == 1:
            return lengths, lengths, 1
        around = reach[2 * len(AXES) + axis] > 0
        places = (0, count - 1) if count == 2 else (0, count // 2, count - 1)
        total, longest = np.zeros_like(lengths), np.zeros_like(lengths)
        for place, many in zip(places, (1, 1) if count == 2 else (1, count - 2, 1), strict=True):
            start = np.maximum(0.0, place * side - reach[2 * axis])
            stop = np.minimum(float(whole), (place + 1) * side + reach[2 * axis + 1])
            if place in {0, count - 1}:
                start, stop = np.where(around, 0.0, start), np.where(around, float(whole), stop)
            length = np.minimum(lengths, np.ceil((stop - start) / self._table.scale[axis, numbers]))
            total += many * length
            longest = np.maximum(longest, length)
        return total, longest, count

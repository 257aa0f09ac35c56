"""What a segment costs in time and memory, computed before anything runs.

The rates are those of two cores of a server of 2026. They decide between plans, so only their ratios matter; they are
constants, so that a plan is the same on every machine.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from orchestrator.infer.graphs.node import Placement
from orchestrator.infer.graphs.region import AXES
from orchestrator.infer.planning.segment import Segment, peak_bytes, region_bytes
from orchestrator.infer.session import BLOCK_BYTES

Amount = TypeVar("Amount", float, npt.NDArray[np.float64])

MACS_PER_S = 180e9
PASS_BYTES_PER_S = 5e9
"""Elementwise work, bytes written."""
COPY_BYTES_PER_S = 3e9
"""Copies between tiles and tensor buffers."""
FILE_BYTES_PER_S = 0.8e9
FRESH_BYTES_PER_S = 0.8e9
"""Memory used for the first time: the system clears it page by page."""
SESSION_S = 0.01
TILE_S = 0.002

WORKING = 1.3
"""What ONNX Runtime was seen to take of the peak of the maps: its own layouts of inputs and outputs come on top."""
IN_BLOCKS = 1.1
"""What ONNX Runtime leaves unused where it takes several blocks of the system."""
AHEAD = 2
"""How often a tile's inputs and outputs are in memory besides: read ahead, being written, and as pages of files."""
WEIGHTS = 2
"""How often each session has a segment's weights, besides the graph: while it is made, and in its own layout."""


@dataclass(frozen=True)
class Cost:
    """What one segment costs.

    Attributes:
        rows: How many tiles there are along them.
        columns: See `rows`.
        halo: Most pixels of the picture that a tile reads beyond itself.
        share: Computed multiplications by those of the segment without overlap.
        work_bytes: Of memory, beside live tensors.
    """

    seconds: float
    rows: int
    columns: int
    halo: int
    share: float
    work_bytes: int


def segment_cost(segment: Segment, tile: int | None, filed: frozenset[str] = frozenset()) -> Cost:
    """Return what a segment costs in tiles of a size; None is the whole picture.

    Args:
        filed: Maps that lie in a file.
    """
    rows, columns = (_sampled(segment, axis, tile) for axis in AXES)
    macs = sum(_weighted(rows, columns, node.output, node.macs) for node in segment.maps)
    reduced = sum(node.cost * segment.graph.map(node.input).size.pixels for node in segment.reduction_nodes)
    macs += reduced
    once = reduced + sum(segment.graph.work[node.output] for node in segment.maps)
    passed = sum(4 * node.map.channels * node.passes() * _area(rows, columns, node.output) for node in segment.maps)
    reads = {name: 4 * segment.graph.map(name).channels * _area(rows, columns, name) for name in segment.read}
    writes = {name: segment.graph.map(name).nbytes for name in segment.targets}
    moved = sum(_moved(bytes_, name in filed) for group in (reads, writes) for name, bytes_ in group.items())
    down, across = (max(sampled.placements, key=_extent) for sampled in (rows, columns))
    undivided = tile is None or rows.count * columns.count == 1
    peak = peak_bytes(segment, down, across)
    weights = sum(segment.graph.constants[name].nbytes for name in _constants(segment))
    aggregated = sum(segment.graph.map(name).nbytes for name in segment.owned) * bool(segment.reductions) * 2
    seconds = seconds_of(
        macs=macs,
        passed=passed + aggregated,
        moved=0.0 if undivided else moved,
        fresh=peak + sum(writes.values()),
        weights=weights,
        shapes=len(rows.placements) * len(columns.placements),
        tiles=rows.count * columns.count,
    )
    beside = (
        _moved_by_a_tile(segment, down, across, filed) if undivided else AHEAD * _moved_by_a_tile(segment, down, across)
    )
    work = int(work_bytes_of(peak, weights, len(columns.placements), beside))
    return Cost(float(seconds), rows.count, columns.count, _halo(segment, down, across), macs / max(once, 1.0), work)


def seconds_of(
    *, macs: Amount, passed: Amount, moved: Amount, fresh: Amount, weights: Amount, shapes: int, tiles: int
) -> Amount:
    """Return the seconds of segments.

    Args:
        macs: Multiplications.
        passed: Bytes of elementwise work.
        moved: Seconds to and from tensor buffers.
        fresh: Bytes of memory that is used for the first time.
        weights: Bytes of constants.
        shapes: How many graphs there are.
        tiles: How many tiles.
    """
    computing = macs / MACS_PER_S + passed / PASS_BYTES_PER_S + moved + fresh / FRESH_BYTES_PER_S
    return computing + shapes * (SESSION_S + weights / COPY_BYTES_PER_S) + tiles * TILE_S


def work_bytes_of(peak: Amount, weights: Amount, shapes: Amount, beside: Amount) -> Amount:
    """Return the bytes of memory that segments take while they run, live tensors left out.

    Args:
        peak: Of the maps of a tile.
        weights: Bytes of constants.
        shapes: How many graphs there are along the columns: those of a row of tiles are there together.
        beside: What is read ahead, written, and in pages of files.
    """
    work = peak * WORKING + weights * (1 + WEIGHTS * shapes) + beside
    return work * (1 + (IN_BLOCKS - 1) * (work > BLOCK_BYTES))


@dataclass(frozen=True)
class _Sampled:
    """The first, an inner and the last tile along an axis, and how many there are of each."""

    placements: list[Mapping[str, Placement]]
    weights: list[int]

    @property
    def count(self) -> int:
        return sum(self.weights)

    @functools.cached_property
    def lengths(self) -> dict[str, int]:
        """Return the pixels that are computed of each map, over all tiles."""
        return {
            name: sum(
                weight * placed[name].out.length for placed, weight in zip(self.placements, self.weights, strict=True)
            )
            for name in self.placements[0]
        }


def _sampled(segment: Segment, axis: int, tile: int | None) -> _Sampled:
    owned = segment.cut(axis, tile)
    count = len(owned)
    places = [0] if count == 1 else [0, count - 1] if count == 2 else [0, count // 2, count - 1]
    weights = [1] if count == 1 else [1, 1] if count == 2 else [1, count - 2, 1]
    return _Sampled([segment.placed(axis, owned[place]) for place in places], weights)


def _area(rows: _Sampled, columns: _Sampled, name: str) -> int:
    return rows.lengths[name] * columns.lengths[name]


def _weighted(rows: _Sampled, columns: _Sampled, name: str, macs: Callable[[Placement, Placement], float]) -> float:
    return sum(
        down * across * macs(row[name], column[name])
        for row, down in zip(rows.placements, rows.weights, strict=True)
        for column, across in zip(columns.placements, columns.weights, strict=True)
    )


def _extent(placed: Mapping[str, Placement]) -> int:
    return sum(node.out.length for node in placed.values())


def _moved(count: float, in_file: bool) -> float:
    return count / (FILE_BYTES_PER_S if in_file else COPY_BYTES_PER_S)


def _moved_by_a_tile(
    segment: Segment,
    rows: Mapping[str, Placement],
    columns: Mapping[str, Placement],
    only: frozenset[str] | None = None,
) -> int:
    """Return the bytes of live tensors that a tile reads and writes.

    Args:
        only: Some of them; None for all.
    """
    moved = [name for name in (*segment.read, *segment.targets) if only is None or name in only]
    return sum(region_bytes(segment.graph.map(name), rows[name].out, columns[name].out) for name in moved)


def _constants(segment: Segment) -> set[str]:
    return {name for node in segment.maps for name in node.values if name in segment.graph.constants}


def _halo(segment: Segment, rows: Mapping[str, Placement], columns: Mapping[str, Placement]) -> int:
    """Return how far the tile's reading goes beyond its own part, in pixels of the picture, the sum of both sides."""
    found = [0]
    for axis, placed in zip(AXES, (rows, columns), strict=True):
        whole = segment.graph.size.along(axis)
        own = max(
            (placed[name].out.length * whole / segment.graph.map(name).size.along(axis) for name in segment.owned),
            default=0.0,
        )
        read = max(
            (placed[name].out.length * whole / segment.graph.map(name).size.along(axis) for name in segment.read),
            default=0.0,
        )
        found.append(round(read - own))
    return max(found)

"""Estimates of segments, by which plans are chosen, beside the same segments laid out exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.node import GlobalReduction
from orchestrator.infer.graphs.optimise import optimised_graph
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.planning.cuts import Cuts
from orchestrator.infer.planning.graph_table import GraphTable
from orchestrator.infer.planning.segment import Crossing
from orchestrator.infer.planning.segment_cost import Cost
from orchestrator.infer.planning.segment_estimates import Estimates
from tests.infer.networks import Draft, cut_plan, tileable
from tests.infer.test_chains import WIDTH, attention, batch_statistics, residual

SIZE = Size(275, 390)
TILES = (None, 256, 128, 64)


def halved(draft: Draft) -> str:
    """Half size in the middle, a long connection, global reductions, and a linear resizing with dense weights."""
    x = draft.node("Relu", draft.conv("image", 3, WIDTH))
    down = draft.conv(x, WIDTH, WIDTH, strides=[2, 2])
    down = attention(draft, residual(draft, attention(draft, down)))
    up = draft.node("Resize", down, "", "", draft.size_of("image", WIDTH), mode="linear")
    x = draft.conv(draft.node("Concat", up, x, axis=1), 2 * WIDTH, WIDTH)
    return draft.conv(batch_statistics(draft, x), WIDTH, 3)


def shifted(draft: Draft) -> str:
    """Rows go around, as those of shifted windows do: the last tile reads the first rows."""
    x = draft.conv("image", 3, WIDTH)
    rows = [*range(4, SIZE.height), *range(4)]
    return draft.conv(draft.node("Gather", x, draft.constant(rows), axis=2), WIDTH, 3)


def deep(draft: Draft) -> str:
    x = draft.conv("image", 3, WIDTH)
    for _ in range(4):
        x = residual(draft, x)
    return draft.node("Add", draft.conv(x, WIDTH, 3), "image")


def toggling(draft: Draft) -> str:
    """A sum of enlarged maps that is quicker made anew than held, until what it is made of is gone."""
    early = draft.conv("image", 3, 8)
    x = draft.conv(early, 8, 64, strides=[4, 4])
    for _ in range(3):
        x = draft.conv(x, 64, 64)

    def enlarged(small: str) -> str:
        return draft.node("Resize", small, "", "", draft.size_of("image", 8), mode="linear")

    total = draft.node("Add", enlarged(draft.conv(x, 64, 8, strides=[2, 2])), enlarged(draft.conv(x, 64, 8, 1)))
    total = draft.node("Add", total, enlarged(draft.conv(x, 64, 8, 1)))
    return draft.conv(draft.node("Add", total, early), 8, 3)


def exact(graph: Graph, begin: int, end: int, tile: int | None) -> Cost | None:
    """Return what a segment costs; None where it is none: where it crosses a global reduction."""
    try:
        steps = cut_plan(graph, [cut for cut in (begin, end) if 0 < cut < len(graph.nodes)], tile).steps
    except Crossing:
        return None
    found = {step.begin: step.cost for step in steps}
    next_begin = min((cut for cut in found if cut > begin), default=len(graph.nodes))
    return found.get(begin) if next_begin == end else None


@pytest.mark.parametrize("write", [halved, shifted, deep, toggling])
def test_estimates_are_near_to_what_laying_out_finds(write: Callable[[Draft], str], tmp_path: Path) -> None:
    draft = Draft()
    graph = optimised_graph(tileable(draft.saved(tmp_path / "network.onnx", write(draft)), SIZE))
    cuts = Cuts(graph)
    places = cuts.places(12)
    estimates = Estimates(GraphTable(graph, tuple(cuts.order)), cuts, places, TILES)
    compared = []
    for end in places[1:]:
        seconds, work = estimates.ending_at(end, lambda _begin, _end: frozenset())
        for row, begin in enumerate(place for place in places if place < end):
            for column, tile in enumerate(TILES):
                found = exact(graph, begin, end, tile)
                if found is None or estimates.is_nothing(begin, end):
                    continue
                assert np.isfinite(seconds[row, column])
                compared.append((seconds[row, column] / found.seconds, work[row, column] / found.work_bytes))
    ratios = np.array(compared)
    assert len(ratios) >= 10
    assert np.abs(np.log(np.median(ratios, axis=0))).max() < np.log(1.05)
    assert np.abs(np.log(ratios)).max() < np.log(2)


def test_a_segment_that_crosses_a_global_reduction_has_no_cost(tmp_path: Path) -> None:
    draft = Draft()
    graph = optimised_graph(tileable(draft.saved(tmp_path / "network.onnx", halved(draft)), SIZE))
    cuts = Cuts(graph)
    last = len(cuts.order)
    seconds, work = Estimates(GraphTable(graph, tuple(cuts.order)), cuts, [0, last], TILES).ending_at(
        last, lambda _begin, _end: frozenset()
    )
    assert np.isfinite(seconds[0, 0])
    assert np.isinf(seconds[0, 1:]).all()
    assert np.isinf(work[0, 1:]).all()


def test_files_cost_time_in_tiles_and_memory_in_one_piece(tmp_path: Path) -> None:
    draft = Draft()
    graph = optimised_graph(tileable(draft.saved(tmp_path / "network.onnx", deep(draft)), SIZE))
    cuts = Cuts(graph)
    places = cuts.places(12)
    estimates = Estimates(GraphTable(graph, tuple(cuts.order)), cuts, places, (None, 64))
    end = places[-1]
    in_memory = estimates.ending_at(end, lambda _begin, _end: frozenset())
    in_files = estimates.ending_at(end, lambda begin, _end: frozenset(cuts.live(begin)))
    read = np.array([bool(cuts.live(begin)) for begin in places[:-1]])
    whole, tiles = 0, 1
    assert (in_files[0][read, tiles] > in_memory[0][read, tiles]).all()
    assert np.array_equal(in_files[1][:, tiles], in_memory[1][:, tiles])
    assert (in_files[1][read, whole] > in_memory[1][read, whole]).all()
    assert np.array_equal(in_files[0][:, whole], in_memory[0][:, whole])
    assert all(np.array_equal(one[~read], other[~read]) for one, other in zip(in_files, in_memory, strict=True))


@pytest.mark.parametrize("size", [SIZE, Size(41, 57)], ids=str)
@pytest.mark.parametrize("write", [halved, deep, toggling])
def test_what_has_nothing_to_compute_is_known_between_all_cuts(
    write: Callable[[Draft], str], size: Size, tmp_path: Path
) -> None:
    draft = Draft()
    graph = optimised_graph(tileable(draft.saved(tmp_path / "network.onnx", write(draft)), size))
    cuts = Cuts(graph)
    places = list(range(len(cuts.order) + 1))
    estimates = Estimates(GraphTable(graph, tuple(cuts.order)), cuts, places, (None,))
    results = set(graph.outputs.values())
    reductions = {name for name, node in graph.nodes.items() if isinstance(node, GlobalReduction)}
    for end in places[1:]:
        estimates.ending_at(end, lambda _begin, _end: frozenset())
        for begin in places[:end]:
            inside = cuts.order[begin:end]
            made = {*cuts.live(end), *(results & {*inside})} - {*cuts.live(begin), graph.image}
            assert estimates.is_nothing(begin, end) == (not made and not reductions & {*inside}), (begin, end, made)

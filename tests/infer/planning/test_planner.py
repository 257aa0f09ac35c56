"""Plans: the same every time, within the budget, finer where it is smaller, and no tile crosses a global reduction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.infer.execution.plan_executor import PlanExecutor
from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.node import GlobalReduction, Node, Value
from orchestrator.infer.graphs.optimise import optimised_graph
from orchestrator.infer.graphs.region import AXES, Size
from orchestrator.infer.loading.model_file import read_model
from orchestrator.infer.operations.table import graph_of
from orchestrator.infer.planning.cuts import Cuts
from orchestrator.infer.planning.planner import InferencePlan, NoPlanFits, plan_of
from orchestrator.infer.planning.segment import Crossing, Segment, peak_bytes
from tests.infer.networks import ONE, Draft, cut_plan, picture, tileable, untiled
from tests.infer.planning.test_segment_estimates import halved, shifted, toggling
from tests.infer.test_chains import BLOCKS, WIDTH, attention, batch_statistics, chain, residual, share_of_range

SIZE = Size(275, 390)


def wide(tmp_path: Path) -> Path:
    """A network whose full-size maps are wide, with two global reductions at half size and one at full size."""
    draft = Draft()
    x = draft.node("Relu", draft.conv("image", 3, 4 * WIDTH))
    x = draft.node("Relu", draft.conv(x, 4 * WIDTH, 4 * WIDTH))
    down = residual(draft, draft.conv(x, 4 * WIDTH, WIDTH, strides=[2, 2]))
    down = attention(draft, residual(draft, attention(draft, down)))
    up = draft.node("Resize", down, "", "", draft.size_of("image", WIDTH), mode="linear")
    x = draft.conv(draft.node("Concat", up, "image", axis=1), WIDTH + 3, WIDTH)
    return draft.saved(tmp_path / "wide.onnx", draft.conv(batch_statistics(draft, x), WIDTH, 3))


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return optimised_graph(tileable(wide(tmp_path), SIZE))


def least(graph: Graph) -> int:
    with pytest.raises(NoPlanFits) as refused:
        plan_of(graph, 1)
    assert refused.value.least_bytes is not None
    return refused.value.least_bytes


def budgets(graph: Graph) -> list[int]:
    """Budgets from the least one to more than the whole takes."""
    return [int(share) for share in np.geomspace(least(graph), 1.5 * plan_of(graph, None).peak_bytes, 6)]


@pytest.mark.slow
def test_a_plan_is_the_same_every_time(graph: Graph, tmp_path: Path) -> None:
    for budget in budgets(graph):
        replan = optimised_graph(graph_of(read_model(tmp_path / "wide.onnx"), SIZE))
        assert shown(plan_of(graph, budget)) == shown(plan_of(replan, budget))


def shown(plan: InferencePlan) -> list[tuple[object, ...]]:
    return [(step.begin, step.tile, step.live_after, sorted(step.filed), step.peak_bytes) for step in plan.steps]


def test_a_plan_stays_within_its_budget(graph: Graph) -> None:
    for budget in budgets(graph):
        plan = plan_of(graph, budget)
        assert plan.peak_bytes <= budget
        assert all(step.peak_bytes <= plan.peak_bytes for step in plan.steps)


@pytest.mark.parametrize("block", [attention, batch_statistics], ids=["mean", "variance"])
def test_maps_of_passed_global_reductions_take_no_memory(block: Callable[[Draft, str], str], tmp_path: Path) -> None:
    def maps_bytes(blocks: int) -> int:
        draft = Draft()
        x = draft.conv("image", 3, WIDTH)
        for _ in range(blocks):
            x = block(draft, draft.node("Relu", draft.conv(x, WIDTH, WIDTH)))
        graph = optimised_graph(tileable(draft.saved(tmp_path / "network.onnx", x), SIZE))
        reductions = tuple(one.output for one in graph.reductions())
        whole = Segment(graph, (graph.image,), tuple(graph.outputs.values()), reductions, frozenset(), whole=True)
        rows, columns = (whole.placed(axis, whole.cut(axis, None)[0]) for axis in AXES)
        return peak_bytes(whole, rows, columns)

    one_map = 4 * WIDTH * SIZE.pixels
    assert maps_bytes(9) == maps_bytes(2)
    assert 2 * one_map <= maps_bytes(9) <= 4 * one_map


def test_smaller_budgets_take_more_time_and_finer_tiles(graph: Graph) -> None:
    plans = [plan_of(graph, budget) for budget in budgets(graph)]
    seconds = [plan.seconds for plan in plans]
    assert seconds == sorted(seconds, reverse=True)
    assert len(plans[-1].steps) == 1
    assert plans[-1].steps[0].tile is None
    assert len(plans[0].steps) > 1
    assert min(step.tile or SIZE.width for step in plans[0].steps) < SIZE.height


def test_the_least_budget_that_a_refusal_names_has_a_plan_with_the_right_result(graph: Graph, tmp_path: Path) -> None:
    plan = plan_of(graph, least(graph))
    found = PlanExecutor(graph, ONE, tmp_path).run(plan, picture(SIZE))["transmission"]
    assert share_of_range(found, untiled(tmp_path / "wide.onnx", picture(SIZE))["transmission"]) <= 1e-5


def test_a_budget_below_all_tiles_is_refused(graph: Graph) -> None:
    for budget in (0, 1, least(graph) // 2):
        with pytest.raises(NoPlanFits):
            plan_of(graph, budget)


def test_memory_that_segments_were_seen_to_take_makes_plans_finer(graph: Graph) -> None:
    budget = budgets(graph)[3]
    usual, careful = plan_of(graph, budget), plan_of(graph, budget, working=1.4)
    assert careful.peak_bytes <= budget
    assert careful.seconds > usual.seconds


def test_the_rest_of_a_picture_is_planned_from_where_it_stopped(graph: Graph) -> None:
    plan = plan_of(graph, budgets(graph)[1])
    for step in plan.steps[1:]:
        rest = plan_of(graph, budgets(graph)[1], begin=step.begin)
        assert rest.steps[0].begin == step.begin
        live = {graph.image, *Cuts(graph).live(step.begin)}
        assert {name for one in rest.steps[:1] for name in one.segment.read} <= live


def test_tiles_read_no_global_reduction_that_they_compute(graph: Graph) -> None:
    for budget in budgets(graph):
        reduced_before: set[str] = set()
        for step in plan_of(graph, budget).steps:
            assert_known(step.segment, reduced_before)
            reduced_before.update(step.segment.reductions)
        assert reduced_before == {one.output for one in graph.reductions()}


def assert_known(segment: Segment, reduced_before: set[str]) -> None:
    """What a segment in tiles reads of global reductions was decided before it."""
    assert segment.known <= reduced_before
    for node in () if segment.whole else segment.nodes:
        assert not isinstance(node, GlobalReduction)
        assert not set(node.values) & set(segment.reductions)


@pytest.mark.parametrize("write", [toggling, shifted, halved])
def test_steps_read_what_was_made_before_them(write: Callable[[Draft], str], tmp_path: Path) -> None:
    draft = Draft()
    graph = optimised_graph(tileable(draft.saved(tmp_path / "network.onnx", write(draft)), SIZE))
    whole = plan_of(graph, None).peak_bytes
    for plan in (
        *(plan_of(graph, None, tile) for tile in (32, 64)),
        *(plan_of(graph, whole // 10 * n) for n in (4, 7)),
    ):
        there = {graph.image}
        for step in plan.steps:
            assert {*step.segment.read} <= there
            there = (there | {*step.segment.targets}) & {graph.image, *step.live_after, *graph.outputs.values()}


def test_a_segment_in_tiles_across_a_global_reduction_is_refused(graph: Graph) -> None:
    reductions = tuple(one.output for one in graph.reductions())
    across = Segment(graph, (graph.image,), tuple(graph.outputs.values()), reductions, frozenset(), whole=False)
    with pytest.raises(Crossing):
        _ = across.nodes


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    st.lists(st.sampled_from(list(BLOCKS)), min_size=1, max_size=3),
    st.integers(1, 150),
    st.integers(1, 150),
    st.integers(1, 80),
)
def test_tiles_own_every_pixel_once_and_read_no_pixel_beyond_the_picture(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[str], height: int, width: int, tile: int
) -> None:
    draft, last = chain(kinds)
    path = draft.saved(tmp_path_factory.getbasetemp() / "owned.onnx", last)
    graph = optimised_graph(tileable(path, Size(height, width)))
    for step in cut_plan(graph, Cuts(graph).places(9), tile).steps:
        for axis in AXES:
            assert_covered(step.segment, axis, tile)


def assert_covered(segment: Segment, axis: int, tile: int) -> None:
    parts = segment.cut(axis, tile)
    for name in segment.owned:
        ends = [0, *(part[name].stop for part in parts)]
        assert [part[name].start for part in parts] == ends[:-1]
        assert ends[-1] == segment.graph.map(name).size.along(axis)
        assert all(part[name].length > 0 for part in parts)
    for part in parts:
        for name, lies in segment.placed(axis, part).items():
            node = segment.graph.nodes.get(name)
            assert 0 <= lies.out.start < lies.out.stop <= segment.graph.map(name).size.along(axis)
            if isinstance(node, Node):
                assert 0 <= lies.need.start < lies.need.stop <= node.before.along(axis)


def test_nodes_come_after_what_they_read(graph: Graph) -> None:
    done = {graph.image}
    for name, node in graph.nodes.items():
        assert set(graph.reads(name)) <= done
        assert isinstance(node, Node | Value | GlobalReduction)
        done.add(name)


def leaky(write: Callable[[Draft], str], tmp_path: Path) -> Graph:
    draft = Draft()
    return tileable(draft.saved(tmp_path / "leaky.onnx", write(draft)), Size(150, 131))


def test_a_spoilt_row_reaches_a_tile_from_its_halo_and_from_nowhere_else(tmp_path: Path) -> None:
    """What a tile says that it reads is what it reads: no pixel less, and none more that changes the result."""
    graph = leaky(
        lambda draft: draft.conv(draft.conv("image", 3, WIDTH, 5), WIDTH, 3, dilations=[3, 3], pads=[3] * 4), tmp_path
    )
    (step,) = cut_plan(graph, [], 50).steps
    middle = step.segment.cut(0, 50)[1]
    (own,) = middle.values()
    read = step.segment.placed(0, middle)[graph.image].out
    assert (own.start - read.start, read.stop - own.stop) == (5, 5)
    clean = PlanExecutor(graph, ONE).run(cut_plan(graph, [], None), picture(graph.size))["transmission"]
    for row in (read.start - 1, read.start, read.stop - 1, read.stop):
        marked = picture(graph.size)
        marked[:, :, row] = 1e6
        found = PlanExecutor(graph, ONE).run(cut_plan(graph, [], 50), marked)["transmission"]
        changed = np.any(found != clean, axis=(0, 1, 3))[own.slice].any()
        assert changed == (read.start <= row < read.stop), row

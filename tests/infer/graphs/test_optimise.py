"""Optimisations leave the result as it is, and do what they are for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from orchestrator.infer.execution.plan_executor import PlanExecutor
from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.node import Array, Node, Pointwise
from orchestrator.infer.graphs.optimise import (
    affine_maps,
    batch_variances,
    early_convolutions,
    optimised_graph,
    widest,
    without_zero_inputs,
)
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.graphs.resampling import Linear
from orchestrator.infer.graphs.spread_nodes import Spread
from tests.infer.networks import ONE, Draft, cut_plan, picture, tileable

SIZE = Size(45, 62)


def run(graph: Graph) -> dict[str, Array]:
    return PlanExecutor(graph, ONE).run(cut_plan(graph, [], None), picture(graph.size))


def assert_same(before: Graph, after: Graph, tolerance: float = 3e-6) -> None:
    found = run(after)
    for name, expected in run(before).items():
        assert np.abs(found[name] - expected).max() <= tolerance * np.ptp(expected), name


def count(graph: Graph, kind: type) -> int:
    return sum(isinstance(node, kind) for node in graph.nodes.values())


def drafted(tmp_path: Path, write: Callable[[Draft], str], **others: str) -> Graph:
    draft = Draft()
    return tileable(draft.saved(tmp_path / "network.onnx", write(draft), **others), SIZE)


@pytest.mark.parametrize("first", [True, False], ids=["zeros-last", "zeros-first"])
@pytest.mark.parametrize(
    ("seen", "zeros", "made"),
    [
        pytest.param(16, 16, 16, id="16-of-32"),
        pytest.param(32, 16, 64, id="32-of-48"),
        pytest.param(8, 8, 5, id="8-of-16"),
        pytest.param(12, 5, 7, id="12-of-17"),
    ],
)
def test_without_zero_inputs_the_result_is_the_same(
    seen: int, zeros: int, made: int, first: bool, tmp_path: Path
) -> None:
    def write(draft: Draft) -> str:
        x = draft.conv("image", 3, seen)
        nothing = draft.node("ConstantOfShape", draft.size_of("image", zeros))
        return draft.conv(draft.node("Concat", *([x, nothing] if first else [nothing, x]), axis=1), seen + zeros, made)

    before = drafted(tmp_path, write)
    after = without_zero_inputs(before)
    np.testing.assert_array_equal(run(after)["transmission"], run(before)["transmission"])


def test_without_zero_inputs_convolutions_read_what_is_left(tmp_path: Path) -> None:
    def write(draft: Draft) -> str:
        x, y = draft.conv("image", 3, 16), draft.conv("image", 3, 32)
        nothing = draft.node("ConstantOfShape", draft.size_of("image", 48))
        return draft.conv(draft.node("Concat", x, nothing, y, axis=1), 96, 16)

    before = drafted(tmp_path, write)
    after = without_zero_inputs(before)
    assert (count(before, Spread), count(after, Spread)) == (1, 0)
    assert sum(after.work.values()) < 0.7 * sum(before.work.values())
    assert_same(before, after)


def test_constant_inputs_other_than_zero_are_kept(tmp_path: Path) -> None:
    def write(draft: Draft) -> str:
        half = draft.node("Expand", draft.constant(np.full((1, 1, 1, 1), 0.5, np.float32)), draft.size_of("image", 16))
        return draft.conv(draft.node("Concat", draft.conv("image", 3, 16), half, axis=1), 32, 16)

    before = drafted(tmp_path, write)
    assert without_zero_inputs(before).nodes == before.nodes


def squares(draft: Draft, x: str, mean_of: str, other: str | None = None) -> str:
    """A normalisation by the mean of products of what is apart from a mean."""
    apart = draft.node("Sub", x, draft.reduced("ReduceMean", mean_of))
    variance = draft.reduced("ReduceMean", draft.node("Mul", apart, other or apart))
    return draft.node(
        "Div", apart, draft.node("Sqrt", draft.node("Add", draft.node("Abs", variance), draft.numbers(0.01)))
    )


def test_a_mean_of_squared_distances_becomes_one_reduction_with_the_mean(tmp_path: Path) -> None:
    before = drafted(tmp_path, lambda draft: squares(draft, x := draft.conv("image", 3, 16), x))
    after = batch_variances(before)
    assert len({one.input for one in before.reductions()}) == 2
    assert sorted(one.kind for one in after.reductions()) == ["mean", "variance"]
    assert len({one.input for one in after.reductions()}) == 1
    assert_same(before, after)


def test_means_of_other_products_are_no_variances(tmp_path: Path) -> None:
    def other_mean(draft: Draft) -> str:
        x = draft.conv("image", 3, 16)
        return squares(draft, x, draft.conv("image", 3, 16))

    def other_factor(draft: Draft) -> str:
        x = draft.conv("image", 3, 16)
        return squares(draft, x, x, draft.conv("image", 3, 16))

    for write in (other_mean, other_factor):
        before = drafted(tmp_path, write)
        assert {one.kind for one in batch_variances(before).reductions()} == {"mean"}


def hypercolumn(draft: Draft, *, factor: bool = False, kernel: int = 1, mode: str = "linear") -> str:
    """Two maps of coarse sizes and the picture, all at the picture's size, and a convolution over all of them."""
    half = draft.conv("image", 3, 24, strides=[2, 2])
    quarter = draft.conv(draft.node("Relu", half), 24, 40, strides=[2, 2])
    more = {"mode": mode, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    parts = [
        draft.node("Resize", x, "", "", draft.size_of("image", width), **more)
        for x, width in ((half, 24), (quarter, 40))
    ]
    if factor:
        parts = [draft.node("Mul", part, draft.numbers(1.7)) for part in parts]
    concat = draft.node("Concat", parts[0], "image", parts[1], axis=1)
    return draft.conv(concat, 67, 16, kernel)


@pytest.mark.parametrize("factor", [False, True], ids=["as-it-is", "times-a-number"])
def test_convolutions_before_resizing_leave_no_wide_map_at_full_size(factor: bool, tmp_path: Path) -> None:
    before = drafted(tmp_path, lambda draft: hypercolumn(draft, factor=factor))
    after = early_convolutions(before)
    assert max(node.map.channels for node in full_size(before)) == 67
    assert max(node.map.channels for node in full_size(after)) == 16
    assert widest(after)[1][widest(after)[0]] < 0.5 * widest(before)[1][widest(before)[0]]
    assert count(after, Linear) == count(before, Linear) == 2
    assert_same(before, after)


def test_parts_of_a_hypercolumn_are_added_up_as_they_come(tmp_path: Path) -> None:
    after = early_convolutions(drafted(tmp_path, hypercolumn))
    order = list(after.nodes)
    sums = [place for place, name in enumerate(order) if "|sum" in name]
    made = [place for place, name in enumerate(order) if isinstance(after.nodes[name], Linear)]
    assert len(sums) == 1
    assert made[0] < made[1] < sums[0] < order.index(next(name for name in order if name.endswith("|0")))


def test_convolutions_of_resized_maps_alone_count_their_bias_once(tmp_path: Path) -> None:
    def write(draft: Draft) -> str:
        small = [draft.conv("image", 3, 24, strides=[step, step]) for step in (2, 3)]
        parts = [draft.node("Resize", x, "", "", draft.size_of("image", 24), mode="linear") for x in small]
        bias = draft.constant(np.arange(50, 66, dtype=np.float32))
        return draft.node("Conv", draft.node("Concat", *parts, axis=1), draft.weight(16, 48, 1, 1), bias)

    before = drafted(tmp_path, write)
    after = early_convolutions(before)
    assert max(node.map.channels for node in full_size(after)) == 16
    assert_same(before, after)


@pytest.mark.parametrize(("kernel", "mode"), [(3, "linear"), (1, "nearest")], ids=["wider-window", "nearest"])
def test_convolutions_that_cannot_come_first_stay(kernel: int, mode: str, tmp_path: Path) -> None:
    before = drafted(tmp_path, lambda draft: hypercolumn(draft, kernel=kernel, mode=mode))
    assert early_convolutions(before).nodes == before.nodes


def full_size(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes.values() if isinstance(node, Node) and node.map.size == graph.size]


def normalised(draft: Draft) -> str:
    x = draft.conv("image", 3, 16)
    mean, high = draft.reduced("ReduceMean", x), draft.node("GlobalMaxPool", x)
    normal = draft.node("Mul", draft.node("Sub", x, mean), draft.node("Reciprocal", high))
    normal = draft.node("Add", draft.node("Mul", normal, draft.weight(16, 1, 1)), draft.weight(16, 1, 1))
    return draft.conv(
        draft.node("Add", draft.node("Mul", draft.numbers(0.3), x), draft.node("Mul", normal, draft.numbers(0.7))),
        16,
        3,
    )


def test_differences_products_and_sums_with_numbers_of_the_picture_become_one_of_each(tmp_path: Path) -> None:
    before = drafted(tmp_path, normalised)
    after = affine_maps(before)
    assert (count(before, Pointwise), count(after, Pointwise)) == (8, 4), "subtracted, scaled, added to, convolved"
    assert_same(before, after)


@pytest.mark.parametrize("kind", ["Add", "Mul", "Sub"])
@pytest.mark.parametrize("swapped", [False, True], ids=["map-first", "value-first"])
def test_every_order_of_a_product_a_sum_and_a_difference_is_kept(kind: str, swapped: bool, tmp_path: Path) -> None:
    def write(draft: Draft) -> str:
        x, mean = draft.conv("image", 3, 16), draft.node("GlobalAveragePool", draft.conv("image", 3, 16))
        for step in ("Mul", kind, "Sub", kind, "Add"):
            given = [x, mean if step == kind else draft.weight(16, 1, 1)]
            x = draft.node(step, *(given[::-1] if swapped and step == kind else given))
        return x

    before = drafted(tmp_path, write)
    assert_same(before, affine_maps(before))


def test_maps_inside_a_chain_that_others_read_or_that_are_outputs_keep_their_values(tmp_path: Path) -> None:
    draft = Draft()
    x, mean = draft.conv("image", 3, 16), draft.node("GlobalAveragePool", "image")
    steps = [draft.node("Mul", x, draft.weight(16, 1, 1))]
    steps.append(draft.node("Add", steps[-1], draft.conv(mean, 3, 16, 1)))
    steps.append(draft.node("Mul", steps[-1], draft.weight(16, 1, 1)))
    side = draft.conv(draft.node("Relu", steps[1]), 16, 16)
    others = {f"transmission_{place}": step for place, step in enumerate(steps)}
    before = tileable(draft.saved(tmp_path / "network.onnx", draft.node("Add", steps[-1], side), **others), SIZE)
    assert_same(before, affine_maps(before))


def test_a_network_without_global_reductions_keeps_its_nodes(tmp_path: Path) -> None:
    before = drafted(
        tmp_path,
        lambda draft: draft.node("Add", draft.node("Mul", hypercolumn(draft), draft.numbers(2)), draft.numbers(1)),
    )
    assert optimised_graph(before).nodes == before.nodes


def test_all_optimisations_together_leave_the_result(tmp_path: Path) -> None:
    def write(draft: Draft) -> str:
        x = squares(draft, y := hypercolumn(draft, factor=True), y)
        return squares(draft, y := draft.conv(draft.node("Relu", x), 16, 16), y)

    before = drafted(tmp_path, write)
    assert_same(before, optimised_graph(before), 1e-5)

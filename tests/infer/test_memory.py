"""Pictures that run short of memory on the way: what was done is kept, and the rest goes on in a new plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from orchestrator.infer.execution.plan_executor import PlanExecutor
from orchestrator.infer.graphs.node import Array
from orchestrator.infer.graphs.optimise import optimised_graph
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import PROCESS_BYTES, InferenceEngine
from orchestrator.infer.loading.model_file import NetworkError, read_model
from orchestrator.infer.planning.planner import InferencePlan, NoPlanFits, PlanStep, plan_of
from orchestrator.infer.session import MemoryShort, Resources, Session
from tests.infer.networks import ONE, cut_plan, picture, tileable, untiled
from tests.infer.test_chains import chain, share_of_range

SIZE = Size(107, 138)
KINDS = ["batch-statistics", "dilated", "attention", "spread", "instance-norm"]

Given = Mapping[str, Array]
Fails = Callable[[int, Sequence[str], Given], bool]
"""Whether a run, of a number counted from 1, with what is asked and fed, is short of memory."""


class Runs:
    """What sessions were asked for and fed, run after run."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.pixels: list[int] = []
        self.short: list[int] = []


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fails], Runs]:
    """Return a function that lets sessions run short when told so, and notes all runs."""
    run = Session.run

    def watch(fails: Fails) -> Runs:
        seen = Runs()

        def watched_run(self: Session, wanted: Sequence[str], given: Given, *, shrink: bool = False) -> list[Array]:
            seen.asked.append(list(wanted))
            seen.pixels.append(pixels(given))
            if fails(len(seen.asked), wanted, given):
                seen.short.append(len(seen.asked))
                raise MemoryShort("Failed to allocate memory for requested buffer of size 1")
            return run(self, wanted, given, shrink=shrink)

        monkeypatch.setattr(Session, "run", watched_run)
        return seen

    return watch


@pytest.fixture
def network(tmp_path: Path) -> Path:
    draft, last = chain(KINDS)
    return draft.saved(tmp_path / "network.onnx", last)


def never(_number: int, _wanted: Sequence[str], _given: Given) -> bool:
    return False


def engine(path: Path, budget: int, folder: Path | None = None) -> InferenceEngine:
    weights = sum(value.nbytes for value in read_model(path).constants.values())
    return InferenceEngine(path, Resources("cpu", 1, budget + PROCESS_BYTES + 2 * weights), folder)


def least(path: Path) -> int:
    with pytest.raises(NoPlanFits) as refused:
        plan_of(optimised_graph(tileable(path, SIZE)), 1)
    return refused.value.least_bytes or 0


def shown() -> Array:
    return np.moveaxis(picture(SIZE)[0], 0, -1)


@pytest.mark.parametrize("number", [1, 2, 5, 8])
def test_a_picture_short_of_memory_once_comes_out_the_same(
    number: int, network: Path, watched: Callable[[Fails], Runs]
) -> None:
    expected = np.moveaxis(untiled(network, picture(SIZE))["transmission"][0], 0, -1)
    runs = watched(lambda place, _wanted, _given: place == number)
    shares_done: list[float] = []
    found = engine(network, 3 * least(network) // 2)(shown(), shares_done.append)["transmission"]
    assert runs.short == [number]
    assert share_of_range(found, expected) <= 1e-5
    assert shares_done == sorted(shares_done)
    assert shares_done[0] > 0
    assert shares_done[-1] == pytest.approx(1)


def test_segments_before_the_one_that_ran_short_are_not_run_again(
    network: Path, watched: Callable[[Fails], Runs]
) -> None:
    graph = optimised_graph(tileable(network, SIZE))
    plan, finer = cut_plan(graph, [], 48), cut_plan(graph, [], 24)
    begun: list[int] = []

    def replan(begin: int) -> InferencePlan:
        begun.append(begin)
        return InferencePlan(tuple(step for step in finer.steps if step.begin >= begin), None)

    runs = watched(lambda place, _wanted, _given: place == tiles(plan.steps[:2]) + 3)
    found = PlanExecutor(graph, ONE, replan=replan).run(plan, picture(SIZE))["transmission"]
    assert begun == [plan.steps[2].begin]
    assert len(runs.asked) == tiles(plan.steps[:2]) + 3 + tiles(finer.steps[2:])
    assert share_of_range(found, untiled(network, picture(SIZE))["transmission"]) <= 1e-5


def tiles(steps: Sequence[PlanStep]) -> int:
    return sum(step.cost.rows * step.cost.columns for step in steps)


def test_tiles_of_a_size_that_never_fits_give_way_to_smaller_ones(
    network: Path, watched: Callable[[Fails], Runs]
) -> None:
    budget = 3 * least(network)
    usual = watched(never)
    expected = engine(network, budget)(shown())["transmission"]
    most = int(0.8 * max(usual.pixels))
    runs = watched(lambda _place, _wanted, given: pixels(given) > most)
    found = engine(network, budget)(shown())["transmission"]
    assert runs.short
    assert share_of_range(found, expected) <= 1e-5


def pixels(given: Given) -> int:
    """How many pixels the largest map that is fed has."""
    return max(value.shape[2] * value.shape[3] for value in given.values() if value.ndim == 4)


def test_memory_that_is_short_every_time_is_given_up_after_some_attempts(
    network: Path, watched: Callable[[Fails], Runs]
) -> None:
    runs = watched(lambda place, _wanted, _given: place > 1)
    with pytest.raises(MemoryShort):
        engine(network, 2 * least(network))(shown())
    assert 1 < len(runs.short) <= 4
    assert len(runs.asked) == 1 + len(runs.short)


@pytest.mark.slow
def test_the_next_picture_goes_through_after_one_that_was_given_up(
    network: Path, watched: Callable[[Fails], Runs]
) -> None:
    one = engine(network, 2 * least(network))
    expected = one(shown())["transmission"]
    watched(lambda _place, _wanted, _given: True)
    with pytest.raises(MemoryShort):
        one(shown())
    watched(never)
    assert share_of_range(one(shown())["transmission"], expected) <= 1e-5


def test_memory_that_is_short_without_a_way_to_plan_anew_is_said_as_it_is(
    network: Path, watched: Callable[[Fails], Runs]
) -> None:
    graph = optimised_graph(tileable(network, SIZE))
    watched(lambda place, _wanted, _given: place == 5)
    with pytest.raises(MemoryShort, match="Failed to allocate"):
        PlanExecutor(graph, ONE).run(cut_plan(graph, [], 48), picture(SIZE))


def test_a_picture_that_is_stopped_leaves_no_files(network: Path, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def shares_done(share: float) -> None:
        if share > 0.5:
            raise Stopped

    folder = tmp_path / "maps"
    folder.mkdir()
    with pytest.raises(Stopped):
        engine(network, least(network), folder)(shown(), shares_done)
    assert list(folder.iterdir()) == []


def test_progress_grows_with_every_tile_and_ends_at_one(network: Path) -> None:
    graph = optimised_graph(tileable(network, SIZE))
    plan = cut_plan(graph, [], 48)
    shares_done: list[float] = []
    PlanExecutor(graph, ONE, progress=shares_done.append).run(plan, picture(SIZE))
    assert shares_done == sorted(set(shares_done))
    assert len(shares_done) == tiles(plan.steps)
    assert shares_done[0] > 0
    assert shares_done[-1] == pytest.approx(1)


@pytest.mark.parametrize(("row", "column", "tile"), [(3, 5, 1), (3, 130, 3), (100, 70, 8)])
def test_a_value_that_is_not_finite_is_named_with_the_segment_and_the_tile_that_holds_it(
    row: int, column: int, tile: int, network: Path
) -> None:
    graph = optimised_graph(tileable(network, SIZE))
    marked = picture(SIZE)
    marked[0, 1, row, column] = np.nan
    with pytest.raises(NetworkError, match=rf"not finite \(segment 1 of \d+, tile {tile} of 9\)"):
        PlanExecutor(graph, ONE).run(cut_plan(graph, [], 48), marked)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_is_named_with_its_tile(value: float, tmp_path: Path) -> None:
    draft, last = chain(["dilated"])
    graph = tileable(draft.saved(tmp_path / "network.onnx", last), SIZE)
    marked = picture(SIZE)
    marked[0, 2, 60, 60] = value
    with pytest.raises(NetworkError, match=r"transmission holds values .* \(segment 1 of 1, tile 5 of 9\)"):
        PlanExecutor(graph, ONE).run(cut_plan(graph, [], 48), marked)


def test_an_infinity_that_the_network_takes_away_again_is_no_error(tmp_path: Path) -> None:
    draft, last = chain(["dilated"])
    last = draft.node(
        "Clip", draft.node("Div", last, draft.numbers(0)), draft.constant(np.float32(-1)), draft.constant(np.float32(1))
    )
    path = draft.saved(tmp_path / "network.onnx", last)
    graph = tileable(path, SIZE)
    found = PlanExecutor(graph, ONE).run(cut_plan(graph, [], 48), picture(SIZE))["transmission"]
    np.testing.assert_array_equal(found, untiled(path, picture(SIZE))["transmission"])

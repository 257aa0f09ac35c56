"""Small graphs drawn of the operations that are proven: in tiles, cut anywhere, as untiled or as float64 has it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.infer.execution.plan_executor import PlanExecutor
from orchestrator.infer.graphs.node import Array
from orchestrator.infer.graphs.optimise import optimised_graph
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.loading.model_file import NetworkError, read_model
from orchestrator.infer.operations.table import graph_of
from orchestrator.infer.planning.cuts import Cuts
from orchestrator.infer.planning.planner import NoPlanFits, plan_of
from tests.infer.networks import ONE, Draft, cut_plan, in_float64, picture, tiled, untiled
from tests.infer.proof import PROOFS
from tests.infer.proof.case import CHANNELS, Proof
from tests.infer.test_proof import OF_RANGE, off, span

pytestmark = pytest.mark.slow

OPSETS = (18, 21)
SIDES = st.integers(2, 26)
TILES = st.sampled_from([4, 7, 8, 16])

STEPS = frozenset(
    {
        *(
            "ArgMax",
            "ArgMin",
            "Ceil",
            "Equal",
            "Floor",
            "Greater",
            "GreaterOrEqual",
            "Hardmax",
            "IsInf",
            "IsNaN",
            "Less",
        ),
        *(
            "LessOrEqual",
            "Mod",
            "Not",
            "QuantizeLinear",
            "Round",
            "Shrink",
            "Sign",
            "TopK",
            "Where",
            "And",
            "Or",
            "Xor",
        ),
    }
)
"""Operations that make a step of the last digit: what comes before them rounds otherwise in tiles."""


def pieces() -> Iterator[tuple[Proof, str]]:
    for proof in PROOFS:
        if proof.double and proof.sets[0] <= OPSETS[0] and proof.sets[1] >= OPSETS[-1]:
            yield from ((proof, operation) for operation in proof.operations if operation not in STEPS)


PIECES = sorted(pieces(), key=lambda one: (one[1], one[0].settings))


class Drawing(Draft):
    """A draft in which `image` stands for what was drawn last."""

    source = "image"

    def nodes(self, kind: str, *inputs: str, count: int = 1, **attributes: Any) -> list[str]:
        named = [self.source if name == "image" else name for name in inputs]
        return super().nodes(kind, *named, count=count, **attributes)


def shape(draft: Draft, answer: str, folder: Path, size: Size) -> tuple[int, ...]:
    path = draft.saved(folder / "so-far.onnx", answer)
    return untiled(path, picture(size, CHANNELS))["transmission"].shape


def drawn(data: st.DataObject, folder: Path, size: Size) -> tuple[Drawing, str] | None:
    """Return a graph of a few pieces, each bounded, with connections past them where shapes allow; None for no picture.

    What comes out of each has as many channels as the picture.
    """
    draft = Drawing(CHANNELS, data.draw(st.sampled_from(OPSETS)))
    for _ in range(data.draw(st.integers(2, 4))):
        proof, operation = data.draw(st.sampled_from(PIECES))
        made = draft.node("Tanh", proof.build(operation)(data.draw, draft))
        found, before = shape(draft, made, folder, size), shape(draft, draft.node("Identity", "image"), folder, size)
        if len(found) != 4 or found[0] != 1 or 0 in found:
            return None
        if found[1] != CHANNELS:
            made = draft.conv(made, found[1], CHANNELS, 1)
        if found[2:] == before[2:] and data.draw(st.booleans()):
            made = draft.node("Add", made, "image")
        draft.source = made
    return draft, draft.source


def test_graphs_of_proven_operations_are_exact_in_tiles_and_cut_anywhere(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    compared = 0

    @settings(deadline=None, max_examples=60, derandomize=True, database=None)
    @given(data=st.data(), height=SIDES, width=SIDES, tile=TILES, cuts=st.sets(st.integers(1, 60), max_size=4))
    def compare(data: st.DataObject, height: int, width: int, tile: int, cuts: set[int]) -> None:
        nonlocal compared
        size = Size(height, width)
        try:
            graph = drawn(data, folder, size)
        except NetworkError:
            return
        if graph is None:
            return
        path = graph[0].saved(folder / "drawn.onnx", graph[1])
        shown = picture(size, CHANNELS)
        whole = untiled(path, shown)["transmission"]
        if graph_of(read_model(path), size).not_tileable or not np.isfinite(whole).all():
            return
        right = in_float64(graph[0], {"transmission": graph[1]}, shown)["transmission"]
        allowed = max(OF_RANGE * span(right), 1.5 * off(whole, right))
        assert off(tiled(path, shown, tile)["transmission"], right) <= allowed
        assert off(in_segments(path, shown, tile, cuts), right) <= allowed
        assert all(off(found, right) <= allowed for found in in_short_memory(path, shown))
        compared += 1

    compare()
    assert compared >= 30


def in_segments(path: Path, shown: Array, tile: int, chosen: set[int]) -> Array:
    graph = optimised_graph(graph_of(read_model(path), Size(*shown.shape[2:])))
    places = [cut for cut in chosen if cut < len(Cuts(graph).order)]
    return PlanExecutor(graph, ONE).run(cut_plan(graph, places, tile), shown)["transmission"]


def in_short_memory(path: Path, shown: Array) -> Iterator[Array]:
    """Yield what comes out in less and less of the memory that the whole picture takes."""
    graph = optimised_graph(graph_of(read_model(path), Size(*shown.shape[2:])))
    whole = plan_of(graph, None).peak_bytes
    for share in (0.7, 0.4, 0.2):
        with contextlib.suppress(NoPlanFits):
            plan = plan_of(graph, int(whole * share))
            yield PlanExecutor(graph, ONE, path.parent).run(plan, shown)["transmission"]

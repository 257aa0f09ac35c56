"""Each operation in each operator set, with every attribute: in tiles as untiled, and as double precision has it.

What is not proven here cannot be registered, and what is refused is refused for the reason that the page gives.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import defs

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.loading.model_file import OLDEST_OPSET, NetworkError, read_model
from orchestrator.infer.operations.table import ON_VIEWS, OPERATIONS, graph_of
from tests.infer.networks import Draft, in_float64, picture, tiled, untiled
from tests.infer.proof import PROOFS
from tests.infer.proof.case import BITS, CHANNELS, ROUNDING, WEIGHTS, Proof, Refusal, is_left_out
from tests.infer.proof.page import page

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "operations.md"
Writer = Callable[[Draft, str, str], str]

SIDES = st.integers(1, 26)
TILES = st.sampled_from([3, 4, 7, 8, 16])
OF_RANGE = 2e-5
"""Of the range of what is right: what an exact result may be off, unless ONNX Runtime's own is off by more."""


@cache
def schemas() -> list[defs.OpSchema]:
    """Return all that operations have been: ONNX makes them anew for everybody who asks."""
    return list(defs.get_all_schemas_with_history())


@cache
def sets_of(operation: str) -> list[int]:
    """Return the operator sets from the oldest taken on in which an operation began or changed, and the newest."""
    began = {one.since_version for one in schemas() if (one.domain, one.name) == ("", operation)}
    first = max(OLDEST_OPSET, min(began))
    return sorted({first, defs.onnx_opset_version(), *(one for one in began if one > first)})


def proven() -> Iterator[tuple[Proof, str, int]]:
    for proof in PROOFS:
        for operation in proof.operations:
            for opset in sets_of(operation):
                if proof.sets[0] <= opset <= proof.sets[1]:
                    yield proof, operation, opset


def refusals() -> Iterator[tuple[Refusal, int]]:
    for proof in PROOFS:
        sets = sorted({opset for operation in proof.operations for opset in sets_of(operation)})
        for refusal in proof.refused:
            yield from ((refusal, opset) for opset in sets if refusal.sets[0] <= opset <= refusal.sets[1])


def test_every_operation_that_is_registered_is_proven() -> None:
    assert {operation for proof in PROOFS for operation in proof.operations} == {*OPERATIONS, *ON_VIEWS}


def test_every_operation_of_pictures_in_other_shapes_is_proven() -> None:
    assert {operation for proof in PROOFS if proof.views for operation in proof.operations} >= set(ON_VIEWS)


def test_the_page_of_operations_is_current() -> None:
    if os.environ.get("SIRR_ACCEPT_GOLDEN"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "run: SIRR_ACCEPT_GOLDEN=1 pytest tests/infer/test_proof.py"


@pytest.mark.parametrize(
    ("proof", "operation", "opset"),
    [
        pytest.param(*one, id=f"{one[1]}-{one[2]}-{'views' if one[0].views else one[0].settings.split()[0]}")
        for one in proven()
    ],
)
def test_in_tiles_an_operation_is_what_it_is_of_the_whole_picture(
    tmp_path_factory: pytest.TempPathFactory, proof: Proof, operation: str, opset: int
) -> None:
    drawn: set[str] = set()
    compared = 0

    @settings(deadline=None, max_examples=proof.examples, derandomize=True, database=None)
    @given(data=st.data(), height=SIDES, width=SIDES, tile=TILES)
    def compare(data: st.DataObject, height: int, width: int, tile: int) -> None:
        nonlocal compared
        draft = Draft(CHANNELS, opset)
        answer = proof.build(operation)(data.draw, draft)
        drawn.update(draft.attributes_of(operation))
        compared += agrees(tmp_path_factory.getbasetemp(), draft, answer, Size(height, width), tile, proof)

    compare()
    known = set(defs.get_schema(operation, opset).attributes)
    assert known - set(proof.left_out) <= drawn, "not every attribute was drawn"
    assert compared >= proof.examples // 2


def agrees(folder: Path, draft: Draft, answer: str, size: Size, tile: int, proof: Proof) -> bool:
    """Compare the picture in tiles with the whole and with double precision; return whether anything was compared."""
    path, shown = draft.saved(folder / "proof.onnx", answer), picture(size, CHANNELS)
    try:
        whole = untiled(path, shown)["transmission"]
    except NetworkError:
        return False
    if whole.size == 0 or is_left_out(path, size):
        return False
    found = tiled(path, shown, tile)["transmission"]
    if proof.agreement == BITS:
        np.testing.assert_array_equal(found, whole)
    elif proof.agreement == ROUNDING:
        np.testing.assert_allclose(found, whole, rtol=2e-6, atol=2e-6 * max(1.0, float(np.abs(whole).max())))
    elif proof.agreement == WEIGHTS:
        np.testing.assert_allclose(found, whole, atol=1e-5)
    if proof.double:
        right = in_float64(draft, {"transmission": answer}, shown)["transmission"]
        assert off(found, right) <= max(OF_RANGE * span(right), 1.01 * off(whole, right))
    return True


def off(found: Array, right: Array) -> float:
    return float(np.abs(found.astype(np.float64) - right).max())


def span(right: Array) -> float:
    return float(max(right.max() - right.min(), np.abs(right).max()))


@pytest.mark.parametrize(("refusal", "opset"), [pytest.param(*one, id=f"{one[0].what}-{one[1]}") for one in refusals()])
def test_what_cannot_be_computed_in_parts_is_refused_with_the_reason(
    tmp_path: Path, refusal: Refusal, opset: int
) -> None:
    draft = Draft(CHANNELS, opset)
    path = draft.saved(tmp_path / "refused.onnx", refusal.build(draft))
    left_out = graph_of(read_model(path), Size(13, 17)).not_tileable
    assert any(refusal.why in one.why for one in left_out), left_out


def normalised(draft: Draft, scale: str, bias: str) -> str:
    return draft.node("InstanceNormalization", "image", scale, bias)


def normalised_step_by_step(draft: Draft, scale: str, bias: str) -> str:
    apart = draft.node("Sub", "image", draft.reduced("ReduceMean", "image"))
    variance = draft.reduced("ReduceMean", draft.node("Mul", apart, apart))
    deviation = draft.node("Sqrt", draft.node("Add", variance, draft.numbers(1e-5)))
    normal = draft.node("Mul", apart, draft.node("Reciprocal", deviation))
    each = [draft.node("Reshape", one, draft.constant([1, CHANNELS, 1, 1])) for one in (scale, bias)]
    return draft.node("Add", draft.node("Mul", normal, each[0]), each[1])


@pytest.mark.parametrize("write", [normalised, normalised_step_by_step])
@pytest.mark.parametrize("mean", [0.0, 30.0, 3000.0])
def test_normalising_numbers_far_from_zero_keeps_their_digits(write: Writer, mean: float, tmp_path: Path) -> None:
    """A product that a sum takes back would leave a tenth of the digits; ONNX Runtime's own normalisation does so."""
    draft = Draft(CHANNELS)
    answer = write(draft, draft.weight(CHANNELS), draft.weight(CHANNELS))
    path, shown = draft.saved(tmp_path / "far.onnx", answer), picture(Size(23, 29), CHANNELS) + np.float32(mean)
    right = in_float64(draft, {"transmission": answer}, shown)["transmission"]
    untiled_off = off(untiled(path, shown)["transmission"], right)
    found = off(tiled(path, shown, 7)["transmission"], right)
    assert found <= max(OF_RANGE * span(right), 1.5 * untiled_off)
    assert found <= 1.5 * OF_RANGE * span(right), "the mean itself has no more digits"

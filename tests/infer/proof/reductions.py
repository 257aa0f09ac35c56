"""Operations over the whole picture, or over the channels of each pixel."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.infer.networks import Draft
from tests.infer.proof.case import CHANNELS, DOUBLE, ROUNDING, Draw, Kind, Proof, Refusal, maybe

_AXES_GIVEN = 18
"""Operator set from which axes are an input; for sums 13."""


def reduced(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        axes = draw(st.sampled_from([[2, 3], [-1, -2], [0, 2, 3], [1]]))
        keep = 1 if axes == [1] else draw(st.integers(0, 1))
        more = maybe(draw, noop_with_empty_axes=st.integers(0, 1)) if _takes_axes(operation, draft.opset) else {}
        value = written(draft, operation, axes, keepdims=keep, **more)
        if not keep:
            rest = draft.constant([1, CHANNELS, 1, 1])
            value = draft.node("Reshape", value, rest)
        return draft.node("Sub", "image", value)

    return write


def _takes_axes(operation: str, opset: int) -> bool:
    return opset >= (13 if operation == "ReduceSum" else _AXES_GIVEN)


def written(draft: Draft, operation: str, axes: list[int] | None, **more: int) -> str:
    if axes is None:
        return draft.node(operation, "image", **more)
    if _takes_axes(operation, draft.opset):
        return draft.node(operation, "image", draft.constant(axes), **more)
    return draft.node(operation, "image", axes=axes, **more)


def pooled(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        return draft.node("Sub", "image", draft.node(operation, "image"))

    return write


def instance(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        scale, bias = draft.weight(CHANNELS), draft.weight(CHANNELS)
        return draft.node(operation, "image", scale, bias, **maybe(draw, epsilon=st.sampled_from([1e-5, 1e-3])))

    return write


def _over(axes: list[int] | None) -> Refusal:
    shown = "no axes: everything" if axes is None else f"axes {', '.join(map(str, axes))}"

    def build(draft: Draft) -> str:
        return draft.node("Add", "image", written(draft, "ReduceMean", axes))

    return Refusal(shown, "not over rows and columns together", build, operations=("ReduceMean",))


PROOFS = (
    Proof(
        ("ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceMax", "ReduceMin"),
        reduced,
        ROUNDING,
        "over rows and columns together, or over the channels; added up in float64",
        (_over(None), _over([2]), _over([3]), _over([1, 2, 3])),
    ),
    Proof(("GlobalAveragePool", "GlobalMaxPool"), pooled, ROUNDING, "all; added up in float64"),
    Proof(("InstanceNormalization",), instance, DOUBLE, "with scale and shift that are constants; in float64"),
)

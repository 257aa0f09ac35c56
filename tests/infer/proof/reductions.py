"""Operations over the whole picture, or over the channels of each pixel."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.infer.networks import Draft
from tests.infer.proof.case import CHANNELS, DOUBLE, ROUNDING, WEIGHTS, Draw, Kind, Proof, Refusal, maybe

_AXES_GIVEN = 18
"""Operator set from which axes are an input; for sums 13."""


def reduced(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        axes = draw(st.sampled_from([[2, 3], [-1, -2], [0, 2, 3], [1], [1, 2, 3], None]))
        keep = 1 if axes == [1] else draw(st.integers(0, 1))
        more = maybe(draw, noop_with_empty_axes=st.integers(0, 1)) if _takes_axes(operation, draft.opset) else {}
        if axes is None:
            more |= {"noop_with_empty_axes": 0} if more else {}
        value = written(draft, operation, axes, keepdims=keep, **more)
        if not keep:
            rest = draft.constant([1, CHANNELS if axes and 1 not in axes else 1, 1, 1])
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


def positive(operation: str) -> Kind:
    """Of values whose logarithm there is."""

    def write(draw: Draw, draft: Draft) -> str:
        x = draft.node("Add", draft.node("Abs", "image"), draft.numbers(0.5))
        axes = [1] if operation == "ReduceProd" else draw(st.sampled_from([[2, 3], [1], [-1, -2, -3], [0, 2, 3]]))
        more = maybe(draw, noop_with_empty_axes=st.integers(0, 1)) if _takes_axes(operation, draft.opset) else {}
        if _takes_axes(operation, draft.opset):
            return draft.node("Add", x, draft.node(operation, x, draft.constant(axes), keepdims=1, **more))
        return draft.node("Add", x, draft.node(operation, x, axes=axes, keepdims=1))

    return write


def mvn(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        nothing = draft.numbers() if draft.opset < 13 else ""
        wide = draft.node("Resize", "image", nothing, draft.numbers(1, 1, 3, 3), mode="nearest")
        x = draft.conv(wide, CHANNELS, CHANNELS)  # a single pixel has no variance, and no answer of ONNX Runtime
        axes = [[0, 2, 3], [2, 3], [0, 1, 2, 3], [1, 2, 3]]
        return draft.node(operation, x, **maybe(draw, axes=st.sampled_from(axes)))

    return write


def _product(draft: Draft) -> str:
    return draft.node("Mul", "image", written(draft, "ReduceProd", [2, 3]))


def pooled(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        more = maybe(draw, p=st.sampled_from([1, 2, 3])) if operation == "GlobalLpPool" else {}
        return draft.node("Sub", "image", draft.node(operation, "image", **more))

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
        "over rows and columns together, over the channels, or over all; added up in float64",
        (_over([2]), _over([3])),
    ),
    Proof(
        ("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp"),
        positive,
        DOUBLE,
        "over rows and columns together, over the channels, or over all; added up in float64",
    ),
    Proof(
        ("ReduceProd",),
        positive,
        ROUNDING,
        "over the channels",
        (Refusal("rows and columns", "a product over axes", _product),),
    ),
    Proof(
        ("MeanVarianceNormalization",), mvn, WEIGHTS, "of each channel, or of all together; in float64", double=False
    ),
    Proof(("GlobalAveragePool", "GlobalMaxPool"), pooled, ROUNDING, "all; added up in float64"),
    Proof(("GlobalLpPool",), pooled, ROUNDING, "all; added up in float64", sets=(11, 21), double=False),
    Proof(("InstanceNormalization",), instance, DOUBLE, "with scale and shift that are constants; in float64"),
)

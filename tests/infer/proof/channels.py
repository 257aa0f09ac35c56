"""Operations that order, count or add up the channels of each pixel."""

from __future__ import annotations

from hypothesis import strategies as st
from onnx import TensorProto

from tests.infer.networks import Draft
from tests.infer.proof.case import BITS, CHANNELS, ROUNDING, Draw, Kind, Proof, Refusal, maybe

_AXIS = st.sampled_from([1, -3])


def place(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        more = maybe(draw, keepdims=st.just(1))
        if draft.opset >= 12:
            more |= maybe(draw, select_last_index=st.integers(0, 1))
        x = draft.node("Round", draft.node("Mul", "image", draft.numbers(2)))
        found = draft.node(operation, x, axis=draw(_AXIS), **more)
        return draft.node("Mul", draft.node("Cast", found, to=TensorProto.FLOAT), "image")

    return write


def top(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        count = draft.constant([draw(st.integers(1, CHANNELS))])
        more = maybe(draw, largest=st.integers(0, 1), sorted=st.just(1))
        values, places = draft.nodes(operation, "image", count, count=2, axis=draw(_AXIS), **more)
        return draft.node("Add", values, draft.node("Cast", places, to=TensorProto.FLOAT))

    return write


def summed(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        more = maybe(draw, exclusive=st.integers(0, 1), reverse=st.integers(0, 1))
        return draft.node(operation, "image", draft.constant(draw(_AXIS)), **more)

    return write


def largest(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        return draft.node("Mul", "image", draft.node(operation, "image", axis=draw(_AXIS)))

    return write


def neighbours(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        more = maybe(draw, alpha=st.just(0.5), beta=st.just(0.6), bias=st.just(1.5))
        return draft.node(operation, "image", size=draw(st.sampled_from([1, 3, 5])), **more)

    return write


def written_over(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        count = draw(st.integers(1, CHANNELS))
        places = draw(st.permutations(range(CHANNELS)))[:count]
        new = draft.conv("image", CHANNELS, count)
        more = maybe(draw, reduction=st.just("none")) if draft.opset >= 16 else {}
        if draw(st.booleans()):
            index = draft.constant([[[0, place] for place in places]])
            return draft.node(operation, "image", index, new, **more)
        index = draft.constant([[place] for place in places])
        turned = [draft.node("Transpose", x, perm=[1, 0, 2, 3]) for x in ("image", new)]
        return draft.node("Transpose", draft.node(operation, turned[0], index, turned[1], **more), perm=[1, 0, 2, 3])

    return write


def _added_up(draft: Draft) -> str:
    index = draft.constant([[[0, 2]]])
    return draft.node("ScatterND", "image", index, draft.conv("image", CHANNELS, 1), reduction="add")


def _pixels(draft: Draft) -> str:
    return draft.node("ScatterND", "image", draft.constant([[0, 1, 2, 3]]), draft.numbers(1))


def _rows(operation: str) -> Refusal:
    def build(draft: Draft) -> str:
        if operation == "CumSum":
            return draft.node(operation, "image", draft.constant(2))
        if operation == "TopK":
            return draft.nodes(operation, "image", draft.constant([1]), count=2, axis=2)[0]
        found = draft.node(operation, "image", axis=2, keepdims=1)
        return draft.node("Cast", found, to=TensorProto.FLOAT)

    words = "else than the channels" if operation.startswith("Arg") else "along rows or columns"
    return Refusal("rows or columns", words, build, operations=(operation,))


def _unordered(draft: Draft) -> str:
    return draft.nodes("TopK", "image", draft.constant([2]), count=2, axis=1, sorted=0)[0]


PROOFS = (
    Proof(("ArgMax", "ArgMin"), place, BITS, "over the channels", (_rows("ArgMax"), _rows("ArgMin")), double=False),
    Proof(
        ("TopK",),
        top,
        BITS,
        "over the channels, values and places",
        (_rows("TopK"), Refusal("sorted: 0", "leaves their order open", _unordered)),
        double=False,
    ),
    Proof(("CumSum",), summed, BITS, "over the channels", (_rows("CumSum"),)),
    Proof(("Hardmax",), largest, BITS, "along the channels", sets=(13, 99)),
    Proof(
        ("ScatterND",),
        written_over,
        BITS,
        "whole channels that are written over others",
        (
            Refusal("reduction", "adds what it writes", _added_up, (16, 99)),
            Refusal("single pixels", "something else than whole channels", _pixels),
        ),
        views=True,
    ),
    Proof(("LRN",), neighbours, ROUNDING, "all"),
)

"""Operations that compare, choose, and change what values are."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from onnx import TensorProto

from tests.infer.networks import Draft
from tests.infer.proof.case import BITS, CHANNELS, WEIGHTS, Draw, Kind, Proof, Refusal, maybe


def other(draw: Draw, draft: Draft) -> str:
    """Return what a map is compared with: another, a number, one a channel, or a value of the whole picture."""
    reverse = draft.constant(list(range(CHANNELS))[::-1])
    ways = [
        lambda: draft.node("Gather", "image", reverse, axis=1),
        lambda: draft.numbers(0.4),
        lambda: draft.weight(1, CHANNELS, 1, 1),
        lambda: draft.node("GlobalMaxPool", "image"),
    ]
    return draw(st.sampled_from(ways))()


def as_number(draft: Draft, truth: str) -> str:
    return draft.node("Mul", draft.node("Cast", truth, to=TensorProto.FLOAT), "image")


def compared(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        second = other(draw, draft)
        given = ["image", second] if draw(st.booleans()) else [second, "image"]
        if operation == "Equal" and draft.opset < 11:
            given = [draft.node("Cast", name, to=TensorProto.INT64) for name in given]
        return as_number(draft, draft.node(operation, *given))

    return write


def truths(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        first = draft.node("Greater", "image", draft.numbers(0.3))
        second = draft.node("Less", "image", other(draw, draft))
        if draw(st.booleans()):
            second = draft.constant(np.arange(CHANNELS).reshape(1, CHANNELS, 1, 1) % 3 == 0)
        return as_number(draft, draft.node(operation, first, second))

    return write


def tested(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        if operation == "Not":
            return as_number(draft, draft.node("Not", draft.node("Greater", "image", other(draw, draft))))
        odd = draft.node("Log", draft.node("Relu", draft.node("Sub", "image", draft.numbers(0.5))))
        if operation == "IsNaN":
            return as_number(draft, draft.node("IsNaN", draft.node("Mul", odd, draft.numbers(0.0))))
        more = maybe(draw, detect_negative=st.integers(0, 1), detect_positive=st.integers(0, 1))
        return as_number(draft, draft.node("IsInf", odd, **more))

    return write


def chosen(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        condition = draft.node("Greater", "image", other(draw, draft))
        if draw(st.integers(0, 3)) == 0:
            condition = draft.constant(np.arange(CHANNELS).reshape(CHANNELS, 1, 1) % 3 == 0)
        return draft.node(operation, condition, "image", other(draw, draft))

    return write


_WHOLE = [TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL]


def cast(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        x = draft.node("Mul", "image", draft.numbers(7))
        for kind in draw(st.lists(st.sampled_from(_WHOLE), max_size=3)):
            x = changed(draft, operation, x, kind)
        return draft.node("Add", changed(draft, operation, x, TensorProto.FLOAT), draft.numbers(1))

    return write


def changed(draft: Draft, operation: str, x: str, kind: int, **more: Any) -> str:
    if operation == "Cast":
        return draft.node("Cast", x, to=kind, **more)
    like = np.zeros(1, {TensorProto.FLOAT: np.float32, 6: np.int32, 7: np.int64, 9: bool}[kind])
    return draft.node("CastLike", x, draft.constant(like), **more)


def half(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        def numbers(*shape: int) -> str:
            values = np.random.default_rng(len(shape)).normal(0, 0.2, shape)
            return draft.constant(values.astype(np.float16))

        x = draft.node("Cast", "image", to=TensorProto.FLOAT16)
        x = draft.node("Conv", x, numbers(CHANNELS, CHANNELS, 3, 3), numbers(CHANNELS), pads=[1] * 4)
        gate = draft.node("Sigmoid", x)
        x = draft.node("Mul", draft.node("GlobalAveragePool", x) if draw(st.booleans()) else x, gate)
        return draft.node("Cast", draft.node("Add", x, numbers(CHANNELS, 1, 1)), to=TensorProto.FLOAT)

    return write


def rounded(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        half = draft.node("Cast", draft.node("Mul", "image", draft.numbers(700)), to=TensorProto.FLOAT16)
        most = draft.constant(np.float16(500))
        ways = [
            lambda x: draft.node("Gather", x, draft.constant(list(range(CHANNELS))[::-1]), axis=1),
            lambda x: draft.node("Concat", x, half, axis=1),
            lambda x: draft.node("Neg", x),
            lambda x: draft.node("Max", x, most) if draft.opset > 11 else draft.node("Round", x),
        ]
        x = half
        for place in draw(st.lists(st.sampled_from([0, 1, 2, 3]), max_size=4)):
            x = ways[place](x)
        back = draw(st.sampled_from([TensorProto.FLOAT, TensorProto.INT32]))
        return draft.node("Neg", draft.node("Cast", draft.node(operation, x, to=back), to=TensorProto.FLOAT))

    return write


def in_and_out_of_steps(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        kind = draw(st.sampled_from([np.uint8, np.int8]))
        each = draw(st.booleans())
        scale = np.linspace(0.01, 0.03, CHANNELS, dtype=np.float32) if each else np.float32(0.02)
        zero = np.full(np.shape(scale), 3, kind)
        axis = {"axis": draw(st.sampled_from([1, -3]))} if draft.opset >= 13 and each else {}
        if not each or draft.opset >= 13:
            given = [draft.constant(scale), draft.constant(zero)]
            steps = draft.node("QuantizeLinear", "image", *given, **axis)
            return draft.node("DequantizeLinear", steps, *given, **axis)
        given = [draft.constant(np.float32(0.02)), draft.constant(kind(3))]
        return draft.node("DequantizeLinear", draft.node("QuantizeLinear", "image", *given), *given)

    return write


def _doubled(draft: Draft) -> str:
    return draft.node("Cast", draft.node("Sin", draft.node("Cast", "image", to=TensorProto.DOUBLE)), to=1)


def _counted(draft: Draft) -> str:
    whole = draft.node("Cast", "image", to=TensorProto.INT64)
    return draft.node("Cast", draft.node("Mul", whole, whole), to=TensorProto.FLOAT)


def _turned(draft: Draft) -> str:
    half = draft.node("Cast", "image", to=TensorProto.FLOAT16)
    turned = draft.node("Neg", draft.node("Transpose", half, perm=[0, 2, 3, 1]))
    return draft.node("Cast", draft.node("Transpose", turned, perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)


def _fused(draft: Draft) -> str:
    half, weight = draft.node("Cast", "image", to=TensorProto.FLOAT16), np.ones((1, CHANNELS, 1, 1), np.float16)
    added = draft.node("Add", draft.node("Conv", half, draft.constant(weight)), draft.constant(np.float16(0.1)))
    return draft.node("Cast", added, to=TensorProto.FLOAT)


def _answered(draft: Draft) -> str:
    return draft.node("Cast", "image", to=TensorProto.FLOAT16)


def _in_blocks(draft: Draft) -> str:
    scale = draft.constant(np.full((1, 2, 1, 1), 0.02, np.float32))
    steps = draft.node("QuantizeLinear", "image", scale, axis=1, block_size=4, output_dtype=TensorProto.UINT8)
    return draft.node("DequantizeLinear", steps, scale, axis=1, block_size=4)


_ONLY_FLOAT8 = {"saturate": "of float8 alone", "round_mode": "of float8 alone"}

PROOFS = (
    Proof(
        ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"),
        compared,
        BITS,
        "maps of one size, with constants and values of the whole picture",
    ),
    Proof(("And", "Or", "Xor"), truths, BITS, "all"),
    Proof(("Not",), tested, BITS, "all"),
    Proof(("IsNaN", "IsInf"), tested, BITS, "of floats", double=False),
    Proof(("Where",), chosen, BITS, "of maps, constants and values of the whole picture"),
    Proof(
        ("Cast", "CastLike"),
        cast,
        BITS,
        "to float32, booleans and whole numbers up to 2^24",
        (
            Refusal("to double precision", "leaves float32 for float64", _doubled, operations=("Cast",)),
            Refusal("arithmetic of whole numbers", "computes with values of int64", _counted, operations=("Cast",)),
        ),
        _ONLY_FLOAT8,
    ),
    Proof(
        ("Cast",),
        half,
        WEIGHTS,
        "to float16 and back, with arithmetic between, which ONNX Runtime computes in float32 on processors",
        (
            Refusal(
                "channels last in float16", "rounds to float16 in it in a way of its own", _turned, operations=("Cast",)
            ),
            Refusal("constants added to a convolution in float16", "in a way of its own", _fused, operations=("Cast",)),
            Refusal("answers in float16", "answers in float16", _answered, operations=("Cast",)),
        ),
        left_out=_ONLY_FLOAT8,
    ),
    Proof(
        ("Cast",),
        rounded,
        BITS,
        "to float16, rounded, where ONNX Runtime rounds: between casts, and before what it computes in float16",
        left_out=_ONLY_FLOAT8,
        double=False,
    ),
    Proof(
        ("QuantizeLinear", "DequantizeLinear"),
        in_and_out_of_steps,
        BITS,
        "to whole numbers of 8 bits and back, with constants of one number or one a channel",
        (Refusal("scales of blocks", "for each block", _in_blocks, (21, 99)),),
        {
            "block_size": "refused",
            "output_dtype": "told by the zero point",
            "precision": "of float16 scales alone",
            "saturate": "of float8 alone",
        },
        sets=(11, 27),
        double=False,
    ),
)

"""Operations that look at every pixel by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.infer.networks import Draft
from tests.infer.proof.case import BITS, CHANNELS, ROUNDING, Draw, Kind, Proof, Refusal, maybe

_SMALL = st.sampled_from([0.1, 0.5, 0.9, 1.5])

_ATTRIBUTES = {
    "Celu": ("alpha",),
    "Elu": ("alpha",),
    "HardSigmoid": ("alpha", "beta"),
    "LeakyRelu": ("alpha",),
    "Selu": ("alpha", "gamma"),
    "ThresholdedRelu": ("alpha",),
}


def one_input(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        more = maybe(draw, **dict.fromkeys(_ATTRIBUTES.get(operation, ()), _SMALL))
        if operation == "Gelu":
            more = maybe(draw, approximate=st.sampled_from(["none", "tanh"]))
        return draft.node(operation, draft.conv("image", CHANNELS, 5), **more)

    return write


def positive_input(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        return draft.node(operation, draft.node("Add", draft.node("Abs", "image"), draft.numbers(0.1)))

    return write


def in_its_range(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        small = draft.node("Mul", draft.node("Tanh", "image"), draft.numbers(0.9))
        if operation == "Acosh":
            small = draft.node("Add", draft.node("Abs", "image"), draft.numbers(1.1))
        more: dict[str, Any] = {}
        if operation == "Shrink":
            more = maybe(draw, bias=_SMALL, lambd=_SMALL)
        if operation == "Swish":
            more = maybe(draw, alpha=_SMALL)
        return draft.node(operation, small, **more)

    return write


def remainder(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        second = draw(st.sampled_from([(), (CHANNELS, 1, 1)]))
        divisor = draft.node("Add", draft.node("Abs", draft.weight(*second)), draft.numbers(0.25))
        return draft.node(operation, "image", divisor, fmod=1)

    return write


def clip(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        low, high = (draft.constant(np.float32(value)) if draw(st.booleans()) else "" for value in (-0.1, 0.7))
        return draft.node(operation, "image", low, high)

    return write


def several_inputs(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        shapes = [(), (1,), (1, 1), (CHANNELS, 1, 1), (1, CHANNELS, 1, 1), None]
        shape = draw(st.sampled_from(shapes))
        first = draft.node("Add", draft.node("Abs", "image"), draft.numbers(0.1))
        other = draft.conv("image", CHANNELS, CHANNELS) if shape is None else draft.weight(*shape)
        if operation == "PRelu":
            return draft.node(operation, "image", other)
        if operation == "Pow" or not draw(st.booleans()):
            return draft.node(operation, first, other)
        if operation in {"Max", "Min", "Mean", "Sum"}:
            return draft.node(operation, first, other, "image")
        return draft.node(operation, other, first)

    return write


def unchanged(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        return draft.node("Abs", draft.node(operation, "image"))

    return write


def dropout(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        if draft.opset < 12:
            return draft.node("Abs", draft.node(operation, "image", **maybe(draw, ratio=st.just(0.3))))
        more, ratio = maybe(draw, seed=st.just(3)), draft.constant(np.float32(0.3))
        given = draw(
            st.sampled_from(
                [[], [ratio], [ratio, draft.constant(np.array(False))], ["", draft.constant(np.array(False))]]
            )
        )
        return draft.node("Abs", draft.node(operation, "image", *given, **more))

    return write


def normalised(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        axis = draw(st.sampled_from([1, -3]))
        more = maybe(draw, p=st.sampled_from([1, 2])) if operation == "LpNormalization" else {}
        return draft.node(operation, "image", axis=axis, **more)

    return write


def batch(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        positive = draft.constant(np.linspace(0.5, 2, CHANNELS, dtype=np.float32))
        more = maybe(draw, epsilon=st.sampled_from([1e-5, 1e-3]), momentum=st.just(0.5))
        if draft.opset >= 14:
            more |= maybe(draw, training_mode=st.just(0))
        return draft.node(
            operation, "image", positive, draft.weight(CHANNELS), draft.weight(CHANNELS), positive, **more
        )

    return write


def concat(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        other = draft.conv("image", CHANNELS, 5)
        return draft.node(operation, other, "image", other, axis=draw(st.sampled_from([1, -3])))

    return write


def parts(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        axis = draw(st.sampled_from([2, 3, -1, -2]))
        if draw(st.booleans()):  # a picture that is turned round
            begin, end = draft.constant([0]), draft.constant([2**62])
            ends = [draft.constant([axis]), draft.constant([1])]
            first = draft.node("Slice", "image", begin, draft.constant([draw(st.integers(1, 5))]), *ends)
            start = draft.constant([draw(st.integers(-4, 0))])
            return draft.node(operation, first, draft.node("Slice", "image", start, end, *ends), axis=axis)
        others = [draft.conv("image", CHANNELS, CHANNELS) for _ in range(draw(st.integers(0, 2)))]
        return draft.node(operation, *others, "image", axis=axis)

    return write


def _of_pictures(draft: Draft) -> str:
    return draft.node("Concat", "image", "image", axis=0)


def split(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        axis, first = draw(st.sampled_from([1, -3, 2, -1])), draw(st.integers(1, CHANNELS - 1))
        given, x = [first, CHANNELS - first], "image"
        if axis in {2, -1}:
            nothing = draft.numbers() if draft.opset < 13 else ""
            size = draft.constant([1, CHANNELS, CHANNELS, CHANNELS])
            x = draft.node("Resize", "image", nothing, nothing, size, mode="nearest")
        if draw(st.booleans()):
            more = {"num_outputs": 3} if draft.opset >= 18 else {}
            count = 3 if draft.opset >= 18 else 2
            parts = draft.nodes(operation, x, axis=axis, count=count, **more)
        elif draft.opset >= 13:
            parts = draft.nodes(operation, x, draft.constant(given), axis=axis, count=2)
        else:
            parts = draft.nodes(operation, x, axis=axis, count=2, split=given)
        if axis in {2, -1}:
            return draft.node("Relu", draw(st.sampled_from(parts)))
        return draft.node("Concat", parts[-1], "image", *parts, axis=1)

    return write


def _apart(draft: Draft) -> str:
    more = {"num_outputs": 1} if draft.opset >= 18 else {}
    return draft.nodes("Split", "image", axis=0, count=1, **more)[0]


def along(operation: str, axis: int | None) -> Refusal:
    shown = "no axis" if axis is None else f"axis {axis}"
    more = {} if axis is None else {"axis": axis}
    sets = (11, 99) if operation == "LpNormalization" else (13, 99)

    def build(draft: Draft) -> str:
        return draft.node(operation, "image", **more)

    return Refusal(shown, "along rows or columns", build, sets, (operation,))


def flattened(operation: str) -> Refusal:
    return Refusal(
        "any axis in operator sets 11 and 12",
        "flatten",
        lambda draft: draft.node(operation, "image", axis=1),
        (11, 12),
        (operation,),
    )


def pixels_of_its_own(operation: str) -> Refusal:
    def build(draft: Draft) -> str:
        return draft.node(operation, "image", draft.weight(CHANNELS, 5, 1))

    return Refusal("a constant of other rows than the map's", "different sizes", build, operations=(operation,))


def _trained(draft: Draft) -> str:
    values = [draft.weight(CHANNELS) for _ in range(4)]
    return draft.nodes("BatchNormalization", "image", *values, count=3, training_mode=1)[0]


def _dropping(draft: Draft) -> str:
    return draft.node("Dropout", "image", draft.constant(np.float32(0.5)), draft.constant(np.array(True)))


PROOFS = (
    Proof(
        (
            "Abs",
            "Ceil",
            "Erf",
            "Exp",
            "Floor",
            "HardSigmoid",
            "HardSwish",
            "LeakyRelu",
            "Neg",
            "Relu",
            "Round",
            "Sigmoid",
            "Sign",
            "Softsign",
            "Tanh",
            "ThresholdedRelu",
        ),
        one_input,
        BITS,
        "all",
    ),
    Proof(("Celu", "Cos", "Elu", "Gelu", "Mish", "Selu", "Sin", "Softplus"), one_input, ROUNDING, "all"),
    Proof(("Log", "Reciprocal", "Sqrt"), positive_input, BITS, "all"),
    Proof(
        ("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cosh", "Shrink", "Sinh", "Tan"),
        in_its_range,
        ROUNDING,
        "all",
    ),
    Proof(("Swish",), in_its_range, ROUNDING, "all", sets=(24, 27)),
    Proof(("Mod",), remainder, BITS, "of floats"),
    Proof(("Clip",), clip, BITS, "bounds that are constants or computed from the whole picture"),
    Proof(
        ("Add", "Div", "Max", "Mean", "Min", "Mul", "PRelu", "Pow", "Sub", "Sum"),
        several_inputs,
        BITS,
        "maps of one size, with constants of one number or one a channel",
        (pixels_of_its_own("Add"),),
    ),
    Proof(("Identity",), unchanged, BITS, "all"),
    Proof(
        ("Dropout",),
        dropout,
        BITS,
        "out of training",
        (Refusal("training mode", "training mode", _dropping, (12, 99)),),
    ),
    Proof(
        ("Softmax", "LogSoftmax"),
        normalised,
        BITS,
        "along the channels",
        tuple(
            refusal
            for one in ("Softmax", "LogSoftmax")
            for refusal in (flattened(one), *(along(one, axis) for axis in (None, 2, -1)))
        ),
        sets=(13, 99),
    ),
    Proof(
        ("LpNormalization",),
        normalised,
        BITS,
        "along the channels",
        (along("LpNormalization", None), along("LpNormalization", 2), along("LpNormalization", -1)),
    ),
    Proof(
        ("BatchNormalization",),
        batch,
        BITS,
        "with numbers that are constants",
        (Refusal("training mode", "training mode", _trained, (14, 99)),),
    ),
    Proof(("Concat",), concat, BITS, "of channels", (Refusal("pictures", "puts pictures together", _of_pictures),)),
    Proof(("Concat",), parts, BITS, "of rows or columns"),
    Proof(("Split",), split, BITS, "of channels, rows and columns", (Refusal("pictures", "splits the batch", _apart),)),
)

"""Operations of pictures in other shapes: what gives them their shapes, and what computes with them there."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from orchestrator.infer.operations.op_pointwise import ELEMENTWISE
from tests.infer.networks import Draft
from tests.infer.proof.case import BITS, CHANNELS, ROUNDING, Draw, Kind, Proof, Refusal, maybe
from tests.infer.proof.shapes import (
    ANYWHERE,
    Shaped,
    all_axes,
    drawn,
    heads,
    large,
    pixels_last,
    reshaped,
    sides,
    tokens,
    turned,
)

_FLOAT8 = dict.fromkeys(("saturate", "round_mode"), "of float8 alone")
_EACH = dict.fromkeys(("alpha", "beta", "gamma", "approximate", "bias", "lambd"), "of each value by itself, as above")


def shuffled(operation: str) -> Kind:
    """Pixels from channels and back, channels in groups, tokens and windows: nothing but reshaping and transposing."""

    def write(draw: Draw, draft: Draft) -> str:
        kind = draw(st.sampled_from(["pixels", "channels", "shaped"]))
        if operation == "Reshape":
            draft.node(operation, "image", draft.constant([1, -1]), **_zeros(draw, draft))
        if kind == "shaped":
            shaped = drawn(draw, draft)
            return draft.node("Abs", shaped.back(shaped.name))
        height, width = sides(draft, "image")
        if kind == "channels":
            grouped = draft.node("Reshape", "image", draft.constant([0, 4, -1, 1]))
            grouped = reshaped(draft, grouped, 1, 4, 2, height, width)
            return reshaped(draft, turned(draft, grouped, 0, 2, 1, 3, 4), 1, CHANNELS, height, width)
        split = reshaped(draft, "image", 1, 2, 2, 2, height, width)
        order = draw(st.sampled_from([(0, 1, 4, 2, 5, 3), (0, 3, 4, 1, 5, 2)]))
        down, across = (draft.node("Mul", side, draft.constant([2])) for side in (height, width))
        split = draft.node("Identity", split)
        return draft.node("Abs", reshaped(draft, turned(draft, split, *order), 1, 2, down, across))

    return write


def _zeros(draw: Draw, draft: Draft) -> dict[str, int]:
    return maybe(draw, allowzero=st.just(0)) if draft.opset >= 14 else {}


def flattened(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        height, width = sides(draft, "image")
        axis = draw(st.sampled_from([None, 1, 2, 3, -1, -2]))
        flat = draft.node(operation, "image", **({} if axis is None else {"axis": axis}))
        return draft.node("Abs", reshaped(draft, flat, 1, CHANNELS, height, width))

    return write


def unit_axes(operation: str) -> Kind:
    """Axes of length 1 put in, and taken out."""

    def write(draw: Draw, draft: Draft) -> str:
        places = draw(st.sampled_from([[0], [2], [-1], [1, 3], [0, 5]]))
        if draft.opset < 13:
            longer = draft.node("Unsqueeze", "image", axes=[place % (4 + len(places)) for place in places])
            shorter = draft.node("Squeeze", longer, axes=[place % (4 + len(places)) for place in places])
        else:
            longer = draft.node("Unsqueeze", "image", draft.constant(places))
            shorter = draft.node("Squeeze", longer, draft.constant(places))
        return draft.node("Abs", shorter)

    return write


def elementwise(operation: str) -> Kind:
    """With numbers, constants of channels, tokens and pixels, values of the picture, and other pictures."""

    def write(draw: Draw, draft: Draft) -> str:
        shaped = drawn(draw, draft)
        x = draft.node("Add", draft.node("Abs", shaped.name), draft.numbers(0.1))
        if operation == "Clip":
            return shaped.back(draft.node(operation, x, draft.constant(np.float32(0.3)), draft.constant(np.float32(1))))
        if operation not in {"Add", "Div", "Max", "Mean", "Min", "Mod", "Mul", "PRelu", "Pow", "Sub", "Sum"}:
            inside = draft.node("Sigmoid", shaped.name)
            if operation == "Acosh":
                inside = draft.node("Add", inside, draft.numbers(1.5))
            return shaped.back(draft.node(operation, x if operation in {"Log", "Reciprocal"} else inside))
        if operation == "Mod":
            return shaped.back(draft.node(operation, x, draft.weight(*shaped.shape), fmod=1))
        if operation == "PRelu":
            return shaped.back(draft.node(operation, shaped.name, draft.weight(*shaped.shape)))
        return shaped.back(draft.node(operation, x, _other(draw, draft, shaped, x)))

    return write


def _other(draw: Draw, draft: Draft, shaped: Shaped, x: str) -> str:
    kind = draw(st.sampled_from(["constant", "few", "value", "picture", "mean"]))
    if kind == "constant":
        return draft.weight(*shaped.shape)
    if kind == "few":
        kept = draw(st.sampled_from(shaped.axes))
        return draft.weight(*(side if axis == kept else 1 for axis, side in enumerate(shaped.shape)))
    if kind == "value":
        return draft.node("Add", draft.reduced("ReduceMax", x, axes=all_axes(shaped)), draft.weight(*shaped.shape))
    if kind == "mean":
        return draft.reduced("ReduceMean", x, axes=[draw(st.sampled_from(shaped.axes))])
    return draft.node("Sin", shaped.name)


def along(operation: str) -> Kind:
    """Along the channels or tokens of each pixel or window; a softmax also over all pixels."""

    def write(draw: Draw, draft: Draft) -> str:
        shaped = drawn(draw, draft)
        axis = draw(st.sampled_from(shaped.axes))
        if draft.opset < 13 and operation in {"Softmax", "LogSoftmax"}:
            shaped = tokens(draft, "image")
            axis = draw(st.sampled_from([2, -1]))
        elif operation != "LpNormalization" and draw(st.booleans()):
            shaped, axis = heads(draft, "image"), draw(st.sampled_from([3, -1]))
        more = maybe(draw, p=st.sampled_from([1, 2])) if operation == "LpNormalization" else {}
        return shaped.back(draft.node(operation, shaped.name, axis=axis, **more))

    return write


def parts(operation: str) -> Kind:
    """Channels or tokens taken apart, and rows or columns shifted around."""

    def write(draw: Draw, draft: Draft) -> str:
        if operation in {"Slice", "Concat"} and draw(st.booleans()):
            return _shifted(draft, draw(st.sampled_from([1, 2])), draw(st.sampled_from([-3, -1, 1, 2])))
        shaped = drawn(draw, draft)
        axis = draw(st.sampled_from(shaped.axes))
        length = shaped.shape[axis]
        if length == 1:
            return shaped.back(shaped.name)
        if operation == "Gather" and draw(st.booleans()):
            return _overlapping(draw, draft)
        if operation == "Gather":
            place = draw(st.integers(-length, length - 1))
            index = draw(st.sampled_from([place, [place], [0, length - 1, 0]]))
            rank = len(shaped.shape)
            taken = draft.node("Gather", shaped.name, draft.constant(index), axis=axis - rank * draw(st.integers(0, 1)))
            taken = draft.unsqueezed(taken, [axis]) if isinstance(index, int) else taken
            several = isinstance(index, list) and len(index) > 1
            taken = draft.reduced("ReduceSum", taken, axes=[axis]) if several else taken
            return shaped.back(draft.node("Sub", shaped.name, taken))
        first = draw(st.integers(1, length - 1))
        if operation == "Split":
            pieces = _pieces(draw, draft, shaped.name, axis, [first, length - first])
        else:
            bounds = [(0, first), (first, length + 5)]
            pieces = [
                draft.node("Slice", shaped.name, *(draft.constant([one]) for one in (*bound, axis))) for bound in bounds
            ]
        return shaped.back(draft.node("Concat", pieces[-1], *pieces[:-1], axis=axis))

    return write


def _overlapping(draw: Draw, draft: Draft) -> str:
    """Windows that overlap, as torch.nn.Unfold is written; a map of all of their pixels."""
    count, stride = draw(st.sampled_from([(3, 1), (3, 2), (2, 2)]))
    wide = draft.node("DepthToSpace", draft.conv("image", CHANNELS, 32, 1), blocksize=4)
    height, width = sides(draft, wide)
    padded = draft.node("Pad", wide, draft.constant([0, 0, 0, 0, 0, 0, 3, 3]))
    x = padded
    for axis, side in ((2, height), (4, width)):
        first = draft.node("Range", *(_number(draft, one) for one in (0, side, stride)))
        places = draft.node("Add", draft.unsqueezed(first, [0]), draft.constant([[one] for one in range(count)]))
        x = draft.node("Gather", x, places, axis=axis)
    down, across = (
        draft.node("Div", draft.node("Add", side, draft.constant([stride - 1])), draft.constant([stride]))
        for side in (height, width)
    )
    return reshaped(draft, turned(draft, x, 0, 1, 2, 4, 3, 5), 1, 2 * count * count, down, across)


def _number(draft: Draft, value: int | str) -> str:
    if isinstance(value, int):
        return draft.constant(np.array(value, np.int64))
    return (
        draft.node("Squeeze", value, draft.constant([0]))
        if draft.opset >= 13
        else draft.node("Squeeze", value, axes=[0])
    )


def _pieces(draw: Draw, draft: Draft, x: str, axis: int, lengths: list[int]) -> list[str]:
    if draft.opset >= 18 and draw(st.booleans()):
        return draft.nodes("Split", x, axis=axis, count=2, num_outputs=2)
    if draft.opset >= 13:
        return draft.nodes("Split", x, draft.constant(lengths), axis=axis, count=2)
    return draft.nodes("Split", x, axis=axis, count=2, split=lengths)


def _shifted(draft: Draft, axis: int, shift: int) -> str:
    """As torch.roll is written, of pixels whose channels are last."""
    wide = draft.node("DepthToSpace", draft.conv("image", CHANNELS, 32, 1), blocksize=4)
    shaped = pixels_last(draft, wide, 2)
    bounds = [(shift, 2**40), (0, shift)]
    pieces = [draft.node("Slice", shaped.name, *(draft.constant([one]) for one in (*bound, axis))) for bound in bounds]
    return shaped.back(draft.node("Concat", *pieces, axis=axis))


def padded(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        shaped = pixels_last(draft, "image")
        ends = [draw(st.integers(0, 3)) for _ in range(4)]
        more = maybe(draw, mode=st.sampled_from(["constant", "edge", "reflect"]))
        pads = draft.constant([0, ends[0], ends[1], 0, 0, ends[2], ends[3], 0])
        return shaped.back(draft.node(operation, shaped.name, pads, **more))

    return write


def cast(draw: Draw, draft: Draft) -> str:
    shaped = drawn(draw, draft)
    return draft.node("Abs", shaped.back(draft.node("Cast", shaped.name, to=1)))


def spread(operation: str) -> Kind:
    """Lengths of vectors, as exporters write their norm."""

    def write(draw: Draw, draft: Draft) -> str:
        shaped = drawn(draw, draft)
        axes = draw(st.sampled_from([[shaped.axes[-1]], all_axes(shaped)]))
        x = draft.node("Abs", shaped.name)
        lengths = draft.node("Add", draft.reduced("ReduceMax", x, axes=axes), draft.numbers(0.1))
        return shaped.back(draft.node("Div", x, draft.node(operation, lengths, draft.node("Shape", x))))

    return write


def _spread_and_summed(draft: Draft) -> str:
    shaped = heads(draft, "image")
    lengths = draft.reduced("ReduceMax", shaped.name, axes=[2])
    spread = draft.node("Expand", lengths, draft.node("Shape", shaped.name))
    return shaped.back(draft.node("Sub", shaped.name, draft.reduced("ReduceSum", spread, axes=[2])))


def _stacked(draft: Draft) -> str:
    first, second = pixels_last(draft, "image").name, pixels_last(draft, draft.conv("image", CHANNELS, CHANNELS)).name
    return draft.node("Concat", first, second, axis=1)


def _turned_part(draft: Draft) -> str:
    """Rows of which some are given with columns and channels exchanged; both have eight."""
    x = pixels_last(draft, draft.node("Slice", "image", *(draft.constant([one]) for one in (0, CHANNELS, 3)))).name
    top, bottom = (
        draft.node("Slice", x, *(draft.constant([one]) for one in bounds)) for bounds in ((0, 5, 1), (5, 99, 1))
    )
    return draft.node("Concat", bottom, turned(draft, top, 0, 1, 3, 2), axis=1)


def _table(draft: Draft) -> str:
    return draft.node("Gather", pixels_last(draft, "image").name, draft.constant([[0, 1], [2, 3]]), axis=3)


def _channels_added(draft: Draft) -> str:
    return draft.node("Pad", pixels_last(draft, "image").name, draft.constant([0, 0, 0, 1, 0, 0, 0, 1]))


def _across(draft: Draft) -> str:
    return draft.node("Reshape", "image", draft.constant([1, 13, 17, CHANNELS]))


def _softmax_along_rows(draft: Draft) -> str:
    return draft.node("Softmax", pixels_last(draft, large(draft)).name, axis=1)


PROOFS = (
    Proof(
        ("Reshape", "Transpose"),
        shuffled,
        BITS,
        "of channels, tokens, heads, and windows that divide rows and columns; pixels from channels and back",
        (Refusal("axes that end within a row", "across", _across, operations=("Reshape",)),),
        views=True,
    ),
    Proof(("Flatten",), flattened, BITS, "all", views=True),
    Proof(("Squeeze", "Unsqueeze"), unit_axes, BITS, "all", views=True),
    Proof(
        tuple(one for one in ELEMENTWISE if one != "Swish"),
        elementwise,
        ROUNDING,
        "pictures in other shapes, with others, values, and constants of any axes",
        left_out=_EACH,
        examples=4,
        views=True,
        double=False,
    ),
    Proof(
        ("Swish",),
        elementwise,
        ROUNDING,
        "pictures in other shapes, with others, values, and constants of any axes",
        left_out=_EACH,
        examples=4,
        sets=(24, 27),
        views=True,
        double=False,
    ),
    Proof(
        ("Softmax", "LogSoftmax"),
        along,
        ROUNDING,
        ANYWHERE,
        (
            Refusal(
                "along rows that are no window", "all over the picture", _softmax_along_rows, (13, 99), ("Softmax",)
            ),
        ),
        views=True,
    ),
    Proof(
        ("LpNormalization",),
        along,
        ROUNDING,
        "along channels and within windows of pictures in other shapes",
        views=True,
    ),
    Proof(
        ("Gather", "Slice", "Split", "Concat"),
        parts,
        BITS,
        "of channels, tokens of a window, or rows or columns, of pictures in other shapes; shifted rows and columns",
        (
            Refusal(
                "parts of different pictures, along rows", "of different pictures", _stacked, operations=("Concat",)
            ),
            Refusal("a part that is turned", "turned", _turned_part, operations=("Concat",)),
            Refusal("a table of channels", "a table", _table, operations=("Gather",)),
        ),
        views=True,
    ),
    Proof(
        ("Pad",),
        padded,
        BITS,
        "of rows and columns of pictures in other shapes",
        (Refusal("channels of pixels", "adds channels", _channels_added),),
        views=True,
    ),
    Proof(
        ("Expand",),
        spread,
        BITS,
        "pictures in other shapes, and values of the picture, for an elementwise operation that spreads them anyway",
        (Refusal("to be summed up", "spread over the picture", _spread_and_summed),),
        views=True,
    ),
    Proof(
        ("Cast",),
        lambda _operation: cast,
        BITS,
        "to float32, of pictures in other shapes",
        left_out=_FLOAT8,
        views=True,
    ),
    Proof(("Identity",), lambda _operation: shuffled("Identity"), BITS, "pictures in other shapes", views=True),
)

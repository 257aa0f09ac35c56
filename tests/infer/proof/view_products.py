"""Products, normalisations and reductions of pictures in other shapes: what layers and attention are made of."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.infer.networks import Draft
from tests.infer.proof.case import CHANNELS, DOUBLE, ROUNDING, Draw, Kind, Proof, Refusal, maybe
from tests.infer.proof.shapes import (
    ANYWHERE,
    HEADS,
    all_axes,
    drawn,
    enlarged,
    heads,
    large,
    pixels_last,
    reshaped,
    sides,
    tokens,
    turned,
    windows,
)


def layers(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        shaped = draw(st.sampled_from([pixels_last, tokens]))(draft, "image")
        first = len(shaped.shape) - 1
        if draw(st.booleans()):
            shaped, first = windows(draft, *enlarged(draw, draft)), draw(st.sampled_from([1, 2]))
        names = [draft.weight(*shaped.shape[first:]) for _ in range(draw(st.integers(1, 2)))]
        more = maybe(draw, epsilon=st.sampled_from([1e-5, 1e-3]), stash_type=st.just(1))
        if first < len(shaped.shape) - 1 or draw(st.booleans()):
            more["axis"] = draw(st.sampled_from([first, first - len(shaped.shape)]))
        return shaped.back(draft.node(operation, shaped.name, *names, **more))

    return write


def groups(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        more = maybe(draw, epsilon=st.sampled_from([1e-5, 1e-3]), stash_type=st.just(1))
        pair = draft.weight(CHANNELS), draft.weight(CHANNELS)
        return draft.node(operation, "image", *pair, num_groups=draw(st.sampled_from([1, 2, 4, 8])), **more)

    return write


def grouped_instances(operation: str) -> Kind:
    """As exporters write group normalisation."""

    def write(draw: Draw, draft: Draft) -> str:
        height, width = sides(draft, "image")
        count = draw(st.sampled_from([1, 2, 4]))
        split = reshaped(draft, "image", 1, count, -1)
        made = draft.node(
            operation, split, draft.weight(count), draft.weight(count), **maybe(draw, epsilon=st.just(1e-3))
        )
        return reshaped(draft, made, 1, CHANNELS, height, width)

    return write


def reduced(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        shaped = drawn(draw, draft)
        inside = [[axis] for axis in shaped.axes] + [list(shaped.axes)]
        axes = draw(st.sampled_from([*inside, all_axes(shaped)]))
        x = draft.node("Add", draft.node("Abs", shaped.name), draft.numbers(0.1))
        keep = draw(st.sampled_from([None, 1, 0]))
        more = {} if keep is None else {"keepdims": keep}
        if draft.takes_axes(operation):
            more |= maybe(draw, noop_with_empty_axes=st.integers(0, 1))
            value = draft.node(operation, x, draft.constant(axes), **more)
        else:
            value = draft.node(operation, x, axes=axes, **more)
        if keep == 0:
            value = draft.unsqueezed(value, axes)
        return shaped.back(draft.node("Sub", shaped.name, value))

    return write


def products(operation: str) -> Kind:
    """Linear layers, mixed tokens, attention within windows, and attention over channels."""

    def write(draw: Draw, draft: Draft) -> str:
        kind = draw(st.sampled_from(["linear", "weights first", "mixed", "windows", "channels"]))
        if kind == "linear":
            shaped = draw(st.sampled_from([pixels_last, tokens]))(draft, "image")
            return shaped.back(draft.node(operation, shaped.name, draft.weight(CHANNELS, CHANNELS)))
        if kind == "weights first":
            shaped = heads(draft, "image")
            weight = draw(st.sampled_from([(4, 4), (HEADS, 4, 4), (1, 1, 4, 4)]))
            return shaped.back(draft.node(operation, draft.weight(*weight), shaped.name))
        if kind == "channels":
            return _over_channels(draft, operation)
        x, block = enlarged(draw, draft)
        count = block[0] * block[1]
        shaped = windows(draft, x, block)
        if kind == "mixed":
            return shaped.back(draft.node(operation, draft.weight(count, count), shaped.name))
        parts = [_heads_of_tokens(draft, shaped.name, count) for _ in range(3)]
        attention = draft.node(operation, parts[0], turned(draft, parts[1], 0, 1, 3, 2))
        attention = draft.node("Add", attention, draft.weight(HEADS, count, count))
        mixed = draft.node(operation, attention, parts[2])
        return shaped.back(reshaped(draft, turned(draft, mixed, 0, 2, 1, 3), -1, count, CHANNELS))

    return write


def _heads_of_tokens(draft: Draft, x: str, count: int) -> str:
    linear = draft.node("MatMul", x, draft.weight(CHANNELS, CHANNELS))
    return turned(draft, reshaped(draft, linear, -1, count, HEADS, CHANNELS // HEADS), 0, 2, 1, 3)


def _over_channels(draft: Draft, operation: str) -> str:
    query, key, value = (heads(draft, draft.conv("image", CHANNELS, CHANNELS)) for _ in range(3))
    lengths = draft.reduced("ReduceL2", query.name, axes=[-1])
    unit = draft.node("Div", query.name, draft.node("Add", lengths, draft.numbers(1e-6)))
    attention = draft.node(operation, unit, turned(draft, key.name, 0, 1, 3, 2))
    return value.back(draft.node(operation, attention, value.name))


def matrices(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        height, width = sides(draft, "image")
        flip, flips = draw(st.booleans()), draw(st.booleans())
        x = reshaped(draft, turned(draft, "image", 0, 2, 3, 1), -1, CHANNELS)
        more = maybe(draw, alpha=st.just(0.5), beta=st.just(2.0))
        if flip:
            x, more = turned(draft, x, 1, 0), more | {"transA": 1}
        more |= {"transB": 1} if flips else {}
        term = [draft.weight(CHANNELS)] if draw(st.booleans()) else []
        made = draft.node(operation, x, draft.weight(CHANNELS, CHANNELS), *term, **more)
        return turned(draft, reshaped(draft, made, 1, height, width, CHANNELS), 0, 3, 1, 2)

    return write


def sums(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        weight, other = draft.weight(CHANNELS, CHANNELS), draft.conv("image", CHANNELS, 4)
        kind = draw(st.sampled_from(["after", "before", "channels"]))
        if kind == "after":
            return draft.node(operation, "image", weight, equation="nchw, oc -> nohw")
        if kind == "before":
            return draft.node(operation, weight, "image", equation="oc,nchw->nohw")
        gram = draft.node(operation, "image", other, equation="nchw,nohw->noc")
        return draft.node(operation, gram, "image", equation="noc,nchw->nohw")

    return write


def _everywhere(draft: Draft) -> str:
    x = tokens(draft, large(draft)).name
    return draft.node("MatMul", x, turned(draft, x, 0, 2, 1))


def _vector(draft: Draft) -> str:
    return draft.node("MatMul", pixels_last(draft, "image").name, draft.weight(CHANNELS))


def _of_nothing(draft: Draft) -> str:
    return draft.node("ReduceL2", pixels_last(draft, "image").name, noop_with_empty_axes=1)


def _once(draft: Draft) -> str:
    return draft.node("Einsum", "image", draft.weight(3, 1), equation="nchw,oc->nohw")


def _diagonal(draft: Draft) -> str:
    return draft.node("Einsum", "image", equation="ncij->nc")


def _statistics(draft: Draft) -> str:
    return draft.nodes("LayerNormalization", pixels_last(draft, "image").name, draft.weight(CHANNELS), count=2)[0]


def _old_groups(draft: Draft) -> str:
    return draft.node("GroupNormalization", "image", draft.weight(4), draft.weight(4), num_groups=4)


PROOFS = (
    Proof(
        ("LayerNormalization",),
        layers,
        ROUNDING,
        "along channels and within windows, with scale and shift that are constants",
        (Refusal("mean and deviation asked for", "statistics", _statistics, (17, 99)),),
        views=True,
    ),
    Proof(
        ("GroupNormalization",),
        groups,
        DOUBLE,
        "with scale and shift that are constants; in float64",
        (Refusal("operator sets 18 to 20, where ONNX itself withdrew it", "deprecated", _old_groups, (18, 20)),),
        sets=(21, 99),
        views=True,
    ),
    Proof(
        ("InstanceNormalization",),
        grouped_instances,
        DOUBLE,
        "of groups of channels, as exporters write group normalisation; in float64",
        views=True,
    ),
    Proof(
        (
            *("ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceMax", "ReduceMin"),
            *("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp"),
        ),
        reduced,
        ROUNDING,
        ANYWHERE,
        (Refusal("no axes, where none are meant", "no axis", _of_nothing, (18, 99), ("ReduceL2",)),),
        views=True,
    ),
    Proof(
        ("MatMul",),
        products,
        ROUNDING,
        "over channels with weights, of the tokens of a window, and over all pixels: attention within windows, and "
        "over channels (its sums added up in float64)",
        (
            Refusal("attention over all pixels", "all over the picture", _everywhere),
            Refusal("a vector", "multiplies a vector", _vector),
        ),
        views=True,
    ),
    Proof(("Gemm",), matrices, ROUNDING, "of channels with weights", views=True),
    Proof(
        ("Einsum",),
        sums,
        ROUNDING,
        "of two operands, each letter once in each, as for `MatMul`",
        (
            Refusal("a summed axis that one operand has once", "a single place", _once, (12, 99)),
            Refusal("one operand", "none of two operands", _diagonal, (12, 99)),
        ),
        views=True,
    ),
)

"""Operations that read pixels from elsewhere."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.infer.networks import Draft
from tests.infer.proof.case import BITS, CHANNELS, WEIGHTS, Draw, Kind, Proof, Refusal, maybe, pair


def pad(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        modes = ["reflect", "edge", "constant", *(["wrap"] if draft.opset >= 19 else [])]
        mode = draw(st.sampled_from(modes))
        low = 0 if mode in {"constant", "wrap"} else -2
        rows, columns = pair(draw, low, 5), pair(draw, low, 5)
        given = [rows[0], columns[0], rows[1], columns[1]]
        number = [draft.constant(np.float32(0))] if mode == "constant" and draw(st.booleans()) else []
        if draft.opset >= 18 and draw(st.booleans()):
            return draft.node(operation, "image", draft.constant(given), "", draft.constant([2, -1]), mode=mode)
        whole = [0, 0, *given[:2], 0, 0, *given[2:]]
        return draft.node(operation, "image", draft.constant(whole), *number, mode=mode)

    return write


def slice_(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        axes = draw(
            st.lists(st.sampled_from([1, 2, 3, -1, -2]), min_size=1, max_size=3, unique_by=lambda axis: axis % 4)
        )
        starts = [draw(st.integers(-6, 4)) for _ in axes]
        ends = [draw(st.sampled_from([-1, -2, 7, 2**62])) for _ in axes]
        steps = [draw(st.integers(1, 3)) for _ in axes]
        for place in range(len(axes)):
            if draw(st.integers(0, 4)) == 0:
                starts[place], ends[place], steps[place] = -1, -(2**62), -steps[place]
        return draft.node(operation, "image", *map(draft.constant, (starts, ends, axes, steps)))

    return write


def gather(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        axis = draw(st.sampled_from([1, 2, 3]))
        index = draw(st.lists(st.integers(-1, 6 if axis == 1 else 0), min_size=1, max_size=12))
        return draft.node(operation, "image", draft.constant(index), axis=axis)

    return write


def resize(mode: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        modes = ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]
        more = {"mode": mode, **maybe(draw, coordinate_transformation_mode=st.sampled_from(modes))}
        if mode == "nearest":
            ways = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]
            more |= maybe(draw, nearest_mode=st.sampled_from(ways))
        if draft.opset >= 18:
            more |= maybe(draw, antialias=st.just(0), keep_aspect_ratio_policy=st.just("stretch"))
        nothing = draft.numbers() if draft.opset < 13 else ""
        if draw(st.booleans()):
            size = draft.constant([1, CHANNELS, *pair(draw, 1, 40)])
            return draft.node("Resize", "image", nothing, nothing, size, **more)
        scales = [draw(st.sampled_from([0.5, 0.3, 0.71, 1.0, 1.37, 2.0, 2.6, 3.0])) for _ in range(2)]
        return draft.node("Resize", "image", nothing, draft.numbers(1, 1, *scales), **more)

    return write


def nearest(operation: str) -> Kind:
    return resize("nearest")


def linear(operation: str) -> Kind:
    return resize("linear")


def into_space(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        return draft.node(operation, "image", blocksize=2, **maybe(draw, mode=st.sampled_from(["DCR", "CRD"])))

    return write


def into_channels(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        nothing = draft.numbers() if draft.opset < 13 else ""
        even = draft.node("Resize", "image", nothing, draft.numbers(1, 1, 6, 6), mode="nearest")
        more = maybe(draw, mode=st.sampled_from(["DCR", "CRD"])) if draft.opset >= 28 else {}
        return draft.node(operation, even, blocksize=draw(st.sampled_from([2, 3])), **more)

    return write


def resized(**attributes: object) -> Refusal:
    name, value = next((key, value) for key, value in attributes.items() if key != "sets")

    def build(draft: Draft) -> str:
        nothing = draft.numbers() if draft.opset < 13 else ""
        axes = {"axes": [2, 3]} if name == "axes" else {}
        scales = draft.numbers(2, 2) if axes else draft.numbers(1, 1, 2, 2)
        more = {"mode": "linear", name: value, **axes}
        if name == "keep_aspect_ratio_policy":
            return draft.node("Resize", "image", "", "", draft.constant([1, CHANNELS, 20, 30]), **more)
        region = draft.numbers(0, 0, 0, 0, 1, 1, 1, 1) if value == "tf_crop_and_resize" else nothing
        return draft.node("Resize", "image", region, scales, **more)

    words = "in a way that is not known" if name in {"axes", "keep_aspect_ratio_policy"} else "not known here"
    first = (
        18
        if name in {"antialias", "axes", "keep_aspect_ratio_policy"}
        else 19
        if value == "half_pixel_symmetric"
        else 11
    )
    return Refusal(f"{name}: {value}", words, build, (first, 99))


def _filled(draft: Draft) -> str:
    return draft.node("Pad", "image", draft.constant([0, 0, 1, 1, 0, 0, 1, 1]), draft.constant(np.float32(0.5)))


def _cropped(draft: Draft) -> str:
    return draft.node("Pad", "image", draft.constant([0, 0, -1, 0, 0, 0, 0, 0]))


def _channels_added(draft: Draft) -> str:
    return draft.node("Pad", "image", draft.constant([0, 1, 0, 0, 0, 0, 0, 0]))


def _single(draft: Draft) -> str:
    return draft.node("Gather", "image", draft.constant(0), axis=1)


PROOFS = (
    Proof(
        ("Pad",),
        pad,
        BITS,
        "of rows and columns, by edges, mirror images, wrapping and zeros",
        (
            Refusal("a number other than zero", "it pads with 0.5", _filled),
            Refusal("less than nothing, with zeros", "less than nothing", _cropped),
            Refusal("channels", "adds channels", _channels_added),
        ),
        double=False,
    ),
    Proof(("Slice",), slice_, BITS, "of rows, columns and channels"),
    Proof(
        ("Gather",),
        gather,
        BITS,
        "of several rows, columns or channels",
        (Refusal("a single row, column or channel", "single rows, columns or channels", _single),),
    ),
    Proof(("DepthToSpace",), into_space, BITS, "both orders"),
    Proof(("SpaceToDepth",), into_channels, BITS, "sides that are multiples of the block"),
)

_REFUSED = tuple(
    resized(**one)
    for one in (
        {"mode": "cubic"},
        {"coordinate_transformation_mode": "half_pixel_symmetric"},
        {"coordinate_transformation_mode": "tf_crop_and_resize"},
        {"antialias": 1},
        {"axes": [2, 3]},
        {"keep_aspect_ratio_policy": "not_larger"},
    )
)
_LEFT_OUT = {
    "axes": "refused",
    "cubic_coeff_a": "of cubic alone",
    "exclude_outside": "of cubic alone",
    "extrapolation_value": "of tf_crop_and_resize alone",
}

RESIZE = (
    Proof(("Resize",), nearest, BITS, "nearest", (), _LEFT_OUT, double=False),
    Proof(("Resize",), linear, WEIGHTS, "linear", _REFUSED, {**_LEFT_OUT, "nearest_mode": "of nearest alone"}),
)

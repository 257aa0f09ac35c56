"""Operations that read pixels from elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.infer.networks import Draft
from tests.infer.proof.case import BITS, CHANNELS, ROUNDING, WEIGHTS, Draw, Kind, Proof, Refusal, maybe, pair


def pad(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        modes = ["reflect", "edge", "constant", *(["wrap"] if draft.opset >= 19 else [])]
        mode = draw(st.sampled_from(modes))
        low = 0 if mode == "wrap" else -2
        rows, columns = pair(draw, low, 5), pair(draw, low, 5)
        channels = pair(draw, 0, 2) if draw(st.booleans()) else [0, 0]
        number = draft.constant(np.float32(draw(st.sampled_from([0, 0.5, -3])))) if mode == "constant" else ""
        more = maybe(draw, mode=st.just(mode)) if mode == "constant" else {"mode": mode}
        if draft.opset >= 18 and draw(st.booleans()):
            given = [rows[0], columns[0], rows[1], columns[1]]
            return draft.node(operation, "image", draft.constant(given), number, draft.constant([2, -1]), **more)
        whole = [0, channels[0], rows[0], columns[0], 0, channels[1], rows[1], columns[1]]
        return draft.node(operation, "image", draft.constant(whole), *([number] if number else []), **more)

    return write


def padded_to_multiples(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        side = draft.node("Slice", draft.node("Shape", "image"), *map(draft.constant, ([2], [4], [0])))
        multiple = draft.constant([draw(st.sampled_from([2, 4, 8]))])
        cells = draft.node("Div", draft.node("Sub", draft.node("Add", side, multiple), draft.constant([1])), multiple)
        missing = draft.node("Sub", draft.node("Mul", cells, multiple), side)
        pads = draft.node("Concat", draft.constant([0] * 6), missing, axis=0)
        return draft.node(operation, "image", pads, draft.constant(np.float32(0.25)), mode="constant")

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


def resize(mode: str, *, antialias: bool = False) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        modes = ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]
        modes += ["half_pixel_symmetric"] if draft.opset >= 19 else []
        more: dict[str, Any] = {"mode": mode, **maybe(draw, coordinate_transformation_mode=st.sampled_from(modes))}
        if mode == "nearest":
            ways = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]
            more |= maybe(draw, nearest_mode=st.sampled_from(ways))
        if mode == "cubic":
            more |= maybe(draw, cubic_coeff_a=st.sampled_from([-0.5, -0.75]), exclude_outside=st.integers(0, 1))
        if draft.opset >= 18:
            more |= {"antialias": 1} if antialias else maybe(draw, antialias=st.just(0))
        nothing = draft.numbers() if draft.opset < 13 else ""
        scales = [draw(st.sampled_from([0.5, 0.3, 0.71, 1.0, 1.37, 2.0, 2.6, 3.0])) for _ in range(2)]
        if draft.opset >= 18 and draw(st.integers(0, 2)):
            counted = [
                [2, 3],
                [3, 2],
                *([[-1, -2]] if mode == "nearest" else []),
            ]  # ONNX's evaluator counts no other way
            axes, policies = draw(st.sampled_from(counted)), ["stretch", "not_larger", "not_smaller"]
            if draw(st.integers(0, 2)) == 0:
                return draft.node("Resize", "image", "", draft.numbers(*scales), axes=axes, **more)
            more["keep_aspect_ratio_policy"] = draw(
                st.sampled_from(policies[: 1 if mode == "nearest" or antialias else 3])
            )
            return draft.node("Resize", "image", "", "", draft.constant(pair(draw, 2, 30)), axes=axes, **more)
        if draw(st.booleans()):
            size = draft.constant([1, CHANNELS, *pair(draw, 1, 40)])
            return draft.node("Resize", "image", nothing, nothing, size, **more)
        return draft.node("Resize", "image", nothing, draft.numbers(1, 1, *scales), **more)

    return write


def cubic(operation: str) -> Kind:
    return resize("cubic")


def smoothed(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        return resize(draw(st.sampled_from(["linear", "cubic"])), antialias=True)(draw, draft)

    return write


def from_value(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        nothing = draft.numbers() if draft.opset < 13 else ""
        value = draft.node("GlobalAveragePool", "image")
        mode = draw(st.sampled_from(["nearest", "linear", "cubic"]))
        spread = draft.node("Resize", value, nothing, nothing, draft.size_of("image", CHANNELS), mode=mode)
        return draft.node("Concat", "image", spread, axis=1)

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


def _cropped_and_resized(draft: Draft) -> str:
    region = draft.numbers(0, 0, 0, 0, 1, 1, 1, 1)
    more = {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize"}
    return draft.node("Resize", "image", region, draft.numbers(1, 1, 2, 2), **more)


def _nearest_in_ratio(draft: Draft) -> str:
    more = {"mode": "nearest", "keep_aspect_ratio_policy": "not_larger", "axes": [2, 3]}
    return draft.node("Resize", "image", "", "", draft.constant([20, 30]), **more)


def _smoothed_in_ratio(draft: Draft) -> str:
    more = {"mode": "linear", "keep_aspect_ratio_policy": "not_larger", "axes": [2, 3], "antialias": 1}
    return draft.node("Resize", "image", "", "", draft.constant([20, 30]), **more)


def _more_channels(draft: Draft) -> str:
    nothing = draft.numbers() if draft.opset < 13 else ""
    return draft.node("Resize", "image", nothing, draft.numbers(1, 2, 2, 2), mode="nearest")


def _pictures_added(draft: Draft) -> str:
    return draft.node("Pad", "image", draft.constant([1, 0, 0, 0, 0, 0, 0, 0]))


PROOFS = (
    Proof(
        ("Pad",),
        pad,
        BITS,
        "of rows, columns and channels, by edges, mirror images, wrapping and any number; less than nothing crops",
        (Refusal("pictures", "adds pictures", _pictures_added),),
        double=False,
    ),
    Proof(
        ("Pad",),
        padded_to_multiples,
        BITS,
        "by amounts that follow from the picture's size",
        left_out={"mode": "drawn"},
        double=False,
    ),
    Proof(("Slice",), slice_, BITS, "of rows, columns and channels"),
    Proof(
        ("Gather",),
        gather,
        BITS,
        "of several rows, columns or channels",
    ),
    Proof(("DepthToSpace",), into_space, BITS, "both orders"),
    Proof(("SpaceToDepth",), into_channels, BITS, "sides that are multiples of the block"),
)

_REFUSED = (
    Refusal("coordinate_transformation_mode: tf_crop_and_resize", "not known here", _cropped_and_resized),
    Refusal("channels", "resizes channels", _more_channels),
    Refusal("nearest, in a kept ratio", "are not known here", _nearest_in_ratio, (18, 99)),
    Refusal("antialiasing, in a kept ratio", "are not known here", _smoothed_in_ratio, (18, 99)),
)
_NOT_CUBIC = {"cubic_coeff_a": "of cubic alone", "exclude_outside": "of cubic alone"}
_NOT_NEAREST = {"nearest_mode": "of nearest alone"}
_NO_CROP = {"extrapolation_value": "of tf_crop_and_resize alone"}
_ELSEWHERE = dict.fromkeys(
    ("axes", "antialias", "coordinate_transformation_mode", "keep_aspect_ratio_policy", "exclude_outside"),
    "drawn elsewhere",
)

RESIZE = (
    Proof(("Resize",), nearest, BITS, "nearest", (), {**_NOT_CUBIC, **_NO_CROP}, double=False),
    Proof(("Resize",), linear, WEIGHTS, "linear", _REFUSED, {**_NOT_CUBIC, **_NOT_NEAREST, **_NO_CROP}),
    Proof(("Resize",), cubic, WEIGHTS, "cubic", (), {**_NOT_NEAREST, **_NO_CROP}),
    Proof(
        ("Resize",),
        smoothed,
        WEIGHTS,
        "linear and cubic, with antialiasing",
        (),
        {**_NOT_NEAREST, **_NO_CROP, **_NOT_CUBIC, **_ELSEWHERE},
        sets=(18, 99),
        double=False,
    ),
    Proof(
        ("Resize",),
        from_value,
        ROUNDING,
        "of a value of the whole picture, which is the same everywhere",
        (),
        {**_NOT_NEAREST, **_NO_CROP, **_NOT_CUBIC, **_ELSEWHERE, "mode": "drawn"},
    ),
)

"""Operations that look at a window around each pixel."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.infer.networks import Draft
from tests.infer.proof.case import BITS, CHANNELS, ROUNDING, WEIGHTS, Draw, Kind, Proof, Refusal, maybe, pair


def padding(draw: Draw, most: int) -> dict[str, Any]:
    auto = draw(st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    return {"auto_pad": auto} if auto != "NOTSET" else {"pads": pair(draw, 0, most) + pair(draw, 0, most)}


def conv(operation: str) -> Kind:
    return convolved(operation, [(1, 3), (1, 5), (1, 8), (1, 16), (CHANNELS, CHANNELS)])


def grouped(operation: str) -> Kind:
    return convolved(operation, [(2, 6), (2, 16), (4, 8)])


def convolved(operation: str, groups: list[tuple[int, int]]) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        group, after = draw(st.sampled_from(groups))
        kernel, more = pair(draw, 1, 4), padding(draw, 4)
        more |= maybe(draw, kernel_shape=st.just(kernel))
        dilations = [1, 1] if "auto_pad" in more else pair(draw, 1, 3)
        bias = [draft.weight(after)] if draw(st.booleans()) else []
        weight = draft.weight(after, CHANNELS // group, *kernel)
        strides = pair(draw, 1, 3)
        return draft.node(operation, "image", weight, *bias, strides=strides, dilations=dilations, group=group, **more)

    return write


def transposed(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        group, after = draw(st.sampled_from([(1, 5), (1, 8), (2, 4), (CHANNELS, 1)]))
        strides, kernel = pair(draw, 1, 3), pair(draw, 1, 5)
        more: dict[str, Any] = maybe(draw, kernel_shape=st.just(kernel))
        if draw(st.integers(0, 3)) == 0:
            more |= {"auto_pad": "VALID"}
        else:
            more |= {
                "pads": pair(draw, 0, 2) + pair(draw, 0, 2),
                "dilations": pair(draw, 1, 2),
                "output_padding": [draw(st.integers(0, stride - 1)) for stride in strides],
            }
        bias = [draft.weight(after * group)] if draw(st.booleans()) else []
        return draft.node(
            operation, "image", draft.weight(CHANNELS, after, *kernel), *bias, strides=strides, group=group, **more
        )

    return write


def pool(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        kernel, strides = pair(draw, 1, 4), pair(draw, 1, 3)
        more = padding(draw, min(kernel) - 1)
        if operation == "AveragePool":
            more |= maybe(draw, count_include_pad=st.integers(0, 1))
        if operation == "LpPool":
            more |= maybe(draw, p=st.integers(1, 3))
            strides = [min(strides[0], kernel[0]), min(strides[1], kernel[1])]
        ceils = {"MaxPool": 11, "AveragePool": 11, "LpPool": 18}
        dilates = {"MaxPool": 11, "AveragePool": 19, "LpPool": 18}
        if "pads" in more and draft.opset >= ceils[operation]:
            more |= {"ceil_mode": draw(st.integers(0, 1))}
        if "pads" in more and draft.opset >= dilates[operation]:
            more |= {"dilations": pair(draw, 1, 2)}
        if operation == "MaxPool":
            more |= maybe(draw, storage_order=st.integers(0, 1))
        return draft.node(operation, "image", kernel_shape=kernel, strides=strides, **more)

    return write


def _places(draft: Draft) -> str:
    return draft.nodes("MaxPool", "image", count=2, kernel_shape=[2, 2])[0]


def _sized(draft: Draft) -> str:
    weight = draft.weight(CHANNELS, 3, 2, 2)
    return draft.node("ConvTranspose", "image", weight, strides=[2, 2], output_shape=[20, 22])


def _same(draft: Draft) -> str:
    weight = draft.weight(CHANNELS, 3, 3, 3)
    return draft.node("ConvTranspose", "image", weight, strides=[2, 2], auto_pad="SAME_UPPER")


def moving(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        mean = draft.node("GlobalAveragePool", "image")
        weights = draft.node("Expand", mean, draft.constant([CHANNELS, CHANNELS, *pair(draw, 1, 3)]))
        weights = draft.node("Mul", weights, draft.weight(CHANNELS, CHANNELS, 1, 1))
        more = padding(draw, 2) if operation == "Conv" else {}
        return draft.node(operation, "image", weights, strides=pair(draw, 1, 2), **more)

    return write


def _of_pixels(draft: Draft) -> str:
    return draft.node("Conv", "image", draft.node("Sigmoid", "image"))


def _dilated(operation: str) -> Refusal:
    def build(draft: Draft) -> str:
        more = {"kernel_shape": [2, 2], "dilations": [2, 2], "auto_pad": "SAME_UPPER"}
        return draft.node(operation, "image", **more)

    since = {"MaxPool": 11, "AveragePool": 19, "LpPool": 18}[operation]
    return Refusal("SAME padding with dilations", "dilations", build, (since, 99))


_DRAWN_ABOVE = ("auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads")

PROOFS = (
    Proof(
        ("Conv",),
        conv,
        BITS,
        "of all channels together or each by itself, with weights that are constants",
        (Refusal("weights that are pixels of the picture", "weights are pixels", _of_pixels),),
    ),
    Proof(
        ("Conv", "ConvTranspose"),
        moving,
        WEIGHTS,
        "with weights that are computed from the whole picture",
        left_out=dict.fromkeys(_DRAWN_ABOVE, "drawn elsewhere"),
    ),
    Proof(("Conv",), grouped, ROUNDING, "in other groups"),
    Proof(
        ("ConvTranspose",),
        transposed,
        ROUNDING,
        "with weights that are constants and padding by numbers",
        (
            Refusal("output_shape", "in a way that is not known", _sized),
            Refusal("SAME padding", "in a way that is not known", _same),
        ),
        {"output_shape": "refused"},
        double=False,
    ),
    Proof(
        ("MaxPool",),
        pool,
        BITS,
        "the values",
        (Refusal("the places", "it gives places", _places), _dilated("MaxPool")),
        double=False,
        examples=16,
    ),
    Proof(("AveragePool",), pool, ROUNDING, "all", (_dilated("AveragePool"),), double=False, examples=16),
    Proof(("LpPool",), pool, ROUNDING, "all", (_dilated("LpPool"),), double=False, examples=16),
)

"""Operations that repeat what they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.infer.networks import Draft
from tests.infer.proof.case import BITS, CHANNELS, ROUNDING, Draw, Kind, Proof, Refusal, pair


def everywhere(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        value = draft.node("GlobalAveragePool", draft.conv("image", CHANNELS, 5))
        ways = [value, draft.weight(5, 1, 1), draft.weight(1, 5, 1, 1)]
        if operation == "Tile":
            ends = draft.node("Slice", draft.node("Shape", "image"), *map(draft.constant, ([2], [4], [0])))
            spread = draft.node("Tile", value, draft.node("Concat", draft.constant([1, 1]), ends, axis=0))
        else:
            spread = draft.node("Expand", draw(st.sampled_from(ways)), draft.size_of("image", 5))
        return draft.node("Concat", "image", spread, draft.conv(spread, 5, 3), axis=1)

    return write


def repeated(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        if operation == "Tile":
            times = [1, draw(st.integers(1, 3)), *pair(draw, 1, 3)]
            return draft.node("Tile", "image", draft.constant(times))
        single = draft.node("Gather", "image", draft.constant([2]), axis=1)
        return draft.node("Expand", single, draft.constant([1, draw(st.integers(1, 9)), 1, 1]))

    return write


def _several(operation: str) -> Refusal:
    def build(draft: Draft) -> str:
        return draft.node(operation, "image", draft.constant([2, 1, 1, 1]))

    return Refusal("several pictures", "several pictures of one", build, operations=(operation,))


def each_repeated(operation: str) -> Kind:
    """Every channel so many times, one after the other, as `repeat_interleave` is written."""

    def write(draw: Draw, draft: Draft) -> str:
        count = draw(st.integers(1, 3))
        if draft.opset < 13:
            apart = draft.node("Unsqueeze", "image", axes=[2])
        else:
            apart = draft.node("Unsqueeze", "image", draft.constant([2]))
        tiled = draft.node(operation, apart, draft.constant([1, 1, count, 1, 1]))
        return draft.node("Reshape", tiled, draft.size_of("image", CHANNELS * count))

    return write


def _windows_repeated(draft: Draft) -> str:
    turned = draft.node("Transpose", "image", perm=[0, 2, 3, 1])
    return draft.node("Transpose", draft.node("Tile", turned, draft.constant([1, 1, 1, 2])), perm=[0, 3, 1, 2])


def with_grid(operation: str) -> Kind:
    def write(draw: Draw, draft: Draft) -> str:
        rows, columns = pair(draw, 2, 20)
        cut = draft.node("Resize", "image", *nothing(draft), draft.constant([1, CHANNELS, rows, columns]))
        sides: list[Any] = [draw(st.sampled_from([1, rows])), draw(st.sampled_from([1, columns]))]
        shape = draw(st.sampled_from([[1, CHANNELS, *sides], [CHANNELS, *sides], [1, *sides], sides]))
        grid = draft.constant(np.random.default_rng(3).random(shape).astype(np.float32))
        if operation == "Concat":
            whole = draft.constant(np.random.default_rng(4).random((1, 2, rows, columns)).astype(np.float32))
            return draft.node(operation, whole, cut, axis=1)
        return draft.node(operation, *draw(st.permutations([cut, grid])))

    return write


def nothing(draft: Draft) -> tuple[str, str]:
    empty = draft.numbers() if draft.opset < 13 else ""
    return (empty, empty)


PROOFS = (
    Proof(
        ("Expand", "Tile"),
        everywhere,
        ROUNDING,
        "of values of the whole picture and of constants, to the size of the picture",
    ),
    Proof(
        ("Expand", "Tile"),
        repeated,
        BITS,
        "of channels, and of the picture so many times",
        (_several("Expand"), _several("Tile")),
    ),
    Proof(
        ("Tile",),
        each_repeated,
        BITS,
        "of pictures in another shape, along axes of one place",
        (Refusal("of more in another shape", "more than single places", _windows_repeated),),
        views=True,
    ),
    Proof(
        ("Add", "Mul", "Concat"),
        with_grid,
        BITS,
        "with constants that have rows and columns of their own",
        left_out={"axis": "drawn elsewhere"},
    ),
)

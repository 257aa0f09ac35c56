"""Pictures in other shapes, as exporters write them: pixels last, tokens, heads, windows, groups of channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from tests.infer.networks import Draft
from tests.infer.proof.case import CHANNELS, Draw

ANYWHERE = "along channels, within windows, or over all pixels (then added up in float64), of pictures in other shapes"
HEADS = 2


@dataclass(frozen=True)
class Shaped:
    """A picture in another shape.

    Attributes:
        name: Of the tensor.
        axes: Which of its axes hold channels or tokens of a window, and no more.
        shape: Of those axes, 1 for the others.
        back: Returns the map, (1, channels, height, width), of a tensor of this shape.
    """

    name: str
    axes: tuple[int, ...]
    shape: tuple[int, ...]
    back: Callable[[str], str]


def reshaped(draft: Draft, x: str, *parts: int | str) -> str:
    """Reshape to lengths that are numbers or tensors of one number."""
    names = [draft.constant([part]) if isinstance(part, int) else part for part in parts]
    return draft.node("Reshape", x, draft.node("Concat", *names, axis=0))


def sides(draft: Draft, x: str) -> tuple[str, str]:
    """Return height and width of a map, computed in the network."""
    shape = draft.node("Shape", x)
    first, second = (
        draft.node("Slice", shape, *(draft.constant([value]) for value in (axis, axis + 1, 0))) for axis in (2, 3)
    )
    return first, second


def turned(draft: Draft, x: str, *order: int) -> str:
    return draft.node("Transpose", x, perm=list(order))


def pixels_last(draft: Draft, x: str, channels: int = CHANNELS) -> Shaped:
    made = turned(draft, x, 0, 2, 3, 1)
    return Shaped(made, (3,), (1, 1, 1, channels), lambda tensor: turned(draft, tensor, 0, 3, 1, 2))


def tokens(draft: Draft, x: str, channels: int = CHANNELS) -> Shaped:
    height, width = sides(draft, x)
    made = reshaped(draft, turned(draft, x, 0, 2, 3, 1), 1, -1, channels)

    def back(tensor: str) -> str:
        return turned(draft, reshaped(draft, tensor, 1, height, width, channels), 0, 3, 1, 2)

    return Shaped(made, (2,), (1, 1, channels), back)


def heads(draft: Draft, x: str, channels: int = CHANNELS) -> Shaped:
    height, width = sides(draft, x)
    made = reshaped(draft, x, 1, HEADS, channels // HEADS, -1)
    shape = (1, HEADS, channels // HEADS, 1)
    return Shaped(made, (1, 2), shape, lambda tensor: reshaped(draft, tensor, 1, channels, height, width))


def windows(draft: Draft, x: str, block: tuple[int, int], channels: int = CHANNELS) -> Shaped:
    """Windows of rows and columns that divide the map's."""
    height, width = sides(draft, x)
    down, across = (
        draft.node("Div", side, draft.constant([part])) for side, part in zip((height, width), block, strict=True)
    )
    parts = (1, down, block[0], across, block[1], channels)
    split = turned(draft, reshaped(draft, turned(draft, x, 0, 2, 3, 1), *parts), 0, 1, 3, 2, 4, 5)
    made = reshaped(draft, split, -1, block[0] * block[1], channels)

    def back(tensor: str) -> str:
        apart = reshaped(draft, tensor, 1, down, across, *block, channels)
        whole = reshaped(draft, turned(draft, apart, 0, 1, 3, 2, 4, 5), 1, height, width, channels)
        return turned(draft, whole, 0, 3, 1, 2)

    return Shaped(made, (1, 2), (1, block[0] * block[1], channels), back)


def enlarged(draw: Draw, draft: Draft) -> tuple[str, tuple[int, int]]:
    """Return a map of `CHANNELS` channels whose sides are multiples of a block, and the block."""
    side = draw(st.integers(2, 4))
    wide = draft.conv("image", CHANNELS, 2 * side * side, 1)
    x = draft.conv(draft.node("DepthToSpace", wide, blocksize=side), 2, CHANNELS, 1)
    return x, draw(st.sampled_from([(side, side), (side, 1), (1, side)]))


def drawn(draw: Draw, draft: Draft, x: str = "image") -> Shaped:
    """Return a picture in a drawn shape."""
    kind = draw(st.sampled_from(["last", "tokens", "heads", "windows"]))
    if kind == "windows":
        return windows(draft, *enlarged(draw, draft))
    return {"last": pixels_last, "tokens": tokens, "heads": heads}[kind](draft, x)


def large(draft: Draft) -> str:
    """A picture whose sides no window has."""
    scales = draft.constant(np.array([1, 1, 6, 6], np.float32))
    return draft.node("Resize", "image", draft.constant(np.zeros(0, np.float32)), scales)


def all_axes(shaped: Shaped) -> list[int]:
    return list(range(len(shaped.shape)))

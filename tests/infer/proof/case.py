"""What a proof of one operation is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from orchestrator.infer.graphs.region import Size
from orchestrator.infer.loading.model_file import read_model
from orchestrator.infer.operations.table import graph_of
from tests.infer.networks import Draft

Draw = Callable[[st.SearchStrategy[Any]], Any]
"""Draws a value, as of `st.data`."""

Kind = Callable[[Draw, Draft], str]
"""Adds nodes with drawn settings that read `image`, of `CHANNELS` channels; returns the last output."""

CHANNELS = 8
"""ONNX Runtime has its own layout for channels in eights."""

BITS = "bit for bit"
ROUNDING = "within rounding"
WEIGHTS = "within 1e-5"
DOUBLE = "as double precision has it"
"""Not held to ONNX Runtime, whose own rounding is larger."""


@dataclass(frozen=True)
class Refusal:
    """Settings that cannot be computed in parts.

    Attributes:
        what: The settings, in words, for the page.
        why: Part of what the engine says.
        build: Adds the node.
        sets: First and last operator set.
        operations: Those that are meant, where the proof is of more.
    """

    what: str
    why: str
    build: Callable[[Draft], str]
    sets: tuple[int, int] = (11, 99)
    operations: Sequence[str] = ()


@dataclass(frozen=True)
class Proof:
    """What is proven of some operations.

    Attributes:
        build: For each operation, from its name.
        agreement: With ONNX Runtime over the whole picture: `BITS`, `ROUNDING`, `WEIGHTS` or `DOUBLE`.
        settings: What is computed in parts, in words, for the page.
        refused: What is not.
        left_out: Attributes that no drawn node has, and why; every other one of the operation's is drawn.
        sets: First and last operator set in which anything is computed in parts.
        double: Whether it is compared with double precision, too: not what copies numbers, nor what ONNX's own
            evaluator refuses or gets wrong (see findings/onnx-two-oracles.sh).
        examples: How many are drawn in each operator set.
        views: Whether it is of pictures in other shapes than (1, channels, height, width).
    """

    operations: Sequence[str]
    build: Callable[[str], Kind]
    agreement: str
    settings: str
    refused: Sequence[Refusal] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    sets: tuple[int, int] = (11, 99)
    double: bool = True
    views: bool = False
    examples: int = 8


_RIGHTLY = ("smaller than its window", "by more than ONNX Runtime pads", "leaves nothing of a picture")


def is_left_out(path: Path, size: Size) -> bool:
    """Whether drawn settings cannot be computed in parts at a size of picture; only these reasons are right ones."""
    left_out = graph_of(read_model(path), size).not_tileable
    assert all(any(why in one.why for why in _RIGHTLY) for one in left_out), left_out
    return bool(left_out)


def pair(draw: Draw, low: int, high: int) -> list[int]:
    """Return two whole numbers."""
    return [draw(st.integers(low, high)) for _ in range(2)]


def maybe(draw: Draw, **attributes: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Return some of the attributes, so that each is left to its default at times."""
    return {name: draw(values) for name, values in attributes.items() if draw(st.booleans())}

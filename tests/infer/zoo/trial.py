"""What becomes of a network of the zoo: exact, or refused with the node and the reason; and how far off it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.loading.model_file import NetworkError
from orchestrator.infer.onnx_network import OnnxNetwork
from orchestrator.infer.session import Resources
from tests.infer.zoo.states import EXACT

OF_RANGE = 2e-5
"""What an exact answer may be off, of the range of what is right."""
FAR_OFF = 1e-3
"""A file that is further from double precision than this is not the network that was exported."""
TILE = 32
"""Sides of the tiles, in pixels: several of them in each picture of the zoo."""
ONE = Resources(threads=1)


@dataclass(frozen=True)
class Comparison:
    """How far apart answers of one output are, in shares of the range of the right one.

    Attributes:
        tiled: In tiles against untiled.
        tiled_double: In tiles against double precision.
        untiled_double: Untiled against double precision.
    """

    where: str
    tiled: float
    tiled_double: float
    untiled_double: float

    @property
    def holds(self) -> bool:
        """Whether tiles give what untiled gives; where that is off itself, whether they are no further off."""
        if self.tiled <= OF_RANGE:
            return True
        return OF_RANGE < self.untiled_double <= FAR_OFF and self.tiled_double <= self.untiled_double


def pictures(answers: Path) -> Iterator[tuple[Array, dict[str, Array]]]:
    """Yield each picture of an architecture, (H, W, 3), and its answers in double precision, by output."""
    with np.load(answers) as arrays:
        for size in dict.fromkeys(name.partition("/")[0] for name in arrays.files):
            found = {name.partition("/")[2]: arrays[name] for name in arrays.files if name.startswith(f"{size}/")}
            yield found.pop("image"), found


def state(network: Path, answers: Path) -> str:
    """Return "exact", or why it is not, at the first of its pictures that shows it."""
    engine = InferenceEngine(network, ONE)
    for picture, _right in pictures(answers):
        try:
            not_tileable = engine.not_tileable(Size(*picture.shape[:2]))
        except NetworkError as error:
            return str(error)
        if not_tileable:
            return str(not_tileable[0])
    return EXACT


def comparisons(network: Path, answers: Path) -> Iterator[Comparison]:
    """Yield how far off each output of each picture is."""
    whole = OnnxNetwork(network, ONE)
    engine = InferenceEngine(network, ONE, tile=TILE)
    for picture, right in pictures(answers):
        tiled, untiled = engine(picture), whole(picture)
        for name, double in right.items():
            range_ = float(np.ptp(untiled[name]))
            where = f"{name} at {picture.shape[1]} x {picture.shape[0]}"
            yield Comparison(
                where,
                _apart(tiled[name], untiled[name]) / range_,
                _apart(tiled[name], double) / range_,
                _apart(untiled[name], double) / range_,
            )


def _apart(found: Array, right: Array) -> float:
    return float(np.abs(found.astype(np.float64) - right).max())

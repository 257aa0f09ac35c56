"""Takes one picture through a network, whole or in overlapping tiles."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from orchestrator.infer.network import Network, Picture
from orchestrator.infer.region import Region, Size
from orchestrator.infer.tiles import axis_weights, tiles

EXACT = "exact"
APPROXIMATE = "approximate: overlapping tiles with blending"


@dataclass(frozen=True)
class Settings:
    """How pictures go through a network; tile and overlap in pixels, for mode 'tiles' alone."""

    mode: Literal["whole", "tiles"] = "whole"
    tile: int = 512
    overlap: int = 64


@dataclass(frozen=True)
class Answer:
    """What a network answered: its outputs by name, not clipped, and 'exact' or why not."""

    outputs: dict[str, Picture]
    label: str


def infer(network: Network, picture: Picture, settings: Settings, done: Callable[[int], None] | None = None) -> Answer:
    """Return the network's answer to a picture, float32, (H, W, 3), RGB, 0 to 1; `done` hears pixels as they end.

    Raises: what `Network.__call__` raises.
    """
    told = done or (lambda _pixels: None)
    size = Size(*picture.shape[:2])
    regions = tiles(size, settings.tile, settings.overlap) if settings.mode == "tiles" else []
    if len(regions) <= 1:
        outputs = network(picture)
        told(size.height * size.width)
        return Answer(outputs, EXACT)
    return Answer(_blended(network, picture, regions, settings, told), APPROXIMATE)


def _blended(
    network: Network, picture: Picture, regions: list[Region], settings: Settings, told: Callable[[int], None]
) -> dict[str, Picture]:
    """Sum the tiles' answers by their weights; in float64, so that many tiles add no error of their own."""
    height, width = picture.shape[:2]
    rows = list(axis_weights(height, settings.tile, settings.overlap))
    columns = list(axis_weights(width, settings.tile, settings.overlap))
    sums = {name: np.zeros(picture.shape) for name in network.outputs}
    for place, region in enumerate(regions):
        row, column = divmod(place, len(columns))
        weight = (rows[row][:, None] * columns[column][None, :])[..., None]
        for name, answer in network(picture[region.slices]).items():
            sums[name][region.slices] += weight * answer
        told(height * width * (place + 1) // len(regions) - height * width * place // len(regions))
    return {name: total.astype(np.float32) for name, total in sums.items()}

"""Takes one picture through a network, whole or in overlapping tiles."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from orchestrator.infer.network import Picture
from orchestrator.infer.region import Size
from orchestrator.infer.tiles import spans, tile_count, tiles

EXACT = "exact"
APPROXIMATE = "approximate: overlapping tiles with blending"

Run = Callable[[Picture], Mapping[str, Picture]]
"""A network: a picture to every output by its name, all of one size."""

Told = Callable[[int, int], None]
"""Hears after each tile how many are done, and of how many; it may raise to stop."""


@dataclass(frozen=True)
class Settings:
    """How pictures go through a network; tile and overlap in pixels, for mode 'tiles' alone."""

    mode: Literal["whole", "tiles"] = "whole"
    tile: int = 512
    overlap: int = 64

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Settings":
        """Return the settings that plain values describe.

        Raises: ValueError that says which of them cannot be.
        """
        unknown = sorted(set(values) - {"mode", "tile", "overlap"})
        if unknown:
            raise ValueError(f"inference has no setting {', '.join(unknown)}")
        settings = cls(**values)
        if settings.mode not in {"whole", "tiles"}:
            raise ValueError(f"inference has no mode {settings.mode!r}: it is 'whole' or 'tiles'")
        if not all(isinstance(side, int) for side in (settings.tile, settings.overlap)):
            raise ValueError(f"tile {settings.tile!r} and overlap {settings.overlap!r} are not whole numbers of pixels")
        spans(1, settings.tile, settings.overlap)
        return settings


@dataclass(frozen=True)
class Answer:
    """What a network answered: its outputs by name, not clipped, and 'exact' or why not."""

    outputs: Mapping[str, Picture]
    label: str


def infer(network: Run, picture: Picture, settings: Settings, told: Told | None = None) -> Answer:
    """Return the network's answer to a picture, float32, (H, W, 3), RGB, 0 to 1.

    A picture that one tile holds goes through whole.

    Raises: what `network` and `told` raise.
    """
    size = Size(*picture.shape[:2])
    count = tile_count(size, settings.tile, settings.overlap) if settings.mode == "tiles" else 1
    if count > 1:
        return Answer(_blended(network, picture, settings, count, told), APPROXIMATE)
    outputs = network(picture)
    if told is not None:
        told(1, 1)
    return Answer(outputs, EXACT)


def _blended(
    network: Run, picture: Picture, settings: Settings, count: int, told: Told | None
) -> Mapping[str, Picture]:
    """Return the tiles' answers, summed by their weights; one sum of the picture's size per output is held."""
    sums: dict[str, Picture] = {}
    for number, tile in enumerate(tiles(Size(*picture.shape[:2]), settings.tile, settings.overlap), 1):
        place, weights = tile.region.slices, tile.weights[..., None]
        for name, answer in network(picture[place]).items():
            sums.setdefault(name, np.zeros(picture.shape, np.float32))[place] += weights * answer
        if told is not None:
            told(number, count)
    return sums

"""Takes one picture through a network: exactly in tiles, whole, in blended tiles, or made smaller first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from orchestrator.infer.graphs.region import Size
from orchestrator.infer.onnx_network import TRANSMISSION, Picture
from orchestrator.infer.session import MemoryShort
from orchestrator.infer.tiles import spans, tile_count, tiles

EXACT = "exact"
APPROXIMATE = "approximate: overlapping tiles with blending"

_MODES = {"exact", "whole", "tiles"}

Run = Callable[[Picture], Mapping[str, Picture]]
"""A network: a picture to every output by its name, all of one size."""

TileProgressCallback = Callable[[int, int], None]
"""Called after each tile with how many are done, and of how many; it may raise to stop."""


@dataclass(frozen=True)
class Settings:
    """How pictures go through a network.

    Attributes:
        mode: "exact" streams tiles that give the untiled result; "whole" takes the picture at once, as a reference;
            "tiles" blends overlapping tiles, which changes results.
        tile: In pixels, for mode "tiles" alone.
        overlap: In pixels, for mode "tiles" alone.
        short_edge: Pictures whose short side is longer are made smaller first, and answers larger again; None changes
            none.
    """

    mode: Literal["exact", "whole", "tiles"] = "exact"
    tile: int = 512
    overlap: int = 64
    short_edge: int | None = None

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Settings":
        """Return the settings that plain values describe.

        Raises:
            ValueError: Says which of them cannot be.
        """
        values = dict(values)
        resize = values.pop("resize", None)
        unknown = sorted(set(values) - {"mode", "tile", "overlap"})
        if unknown:
            raise ValueError(f"inference has no setting {', '.join(unknown)}")
        settings = cls(**values, short_edge=None if resize is None else resize["short_edge"])
        if settings.mode not in _MODES:
            raise ValueError(f"inference has no mode {settings.mode!r}: it is 'exact', 'whole' or 'tiles'")
        if not all(isinstance(side, int) for side in (settings.tile, settings.overlap)):
            raise ValueError(f"tile {settings.tile!r} and overlap {settings.overlap!r} are not whole numbers of pixels")
        spans(1, settings.tile, settings.overlap)
        return settings


@dataclass(frozen=True)
class Answer:
    """What a network answered: its outputs by name, not clipped, and 'exact' or why not."""

    outputs: Mapping[str, Picture]
    label: str


def infer(network: Run, picture: Picture, settings: Settings, progress: TileProgressCallback | None = None) -> Answer:
    """Return the network's answer to a picture, float32, (H, W, 3), RGB, 0 to 1: at once, or for mode "tiles" blended.

    A picture that one tile holds goes through whole.

    Raises what `network` and `progress` raise.
    """
    size = Size(*picture.shape[:2])
    count = tile_count(size, settings.tile, settings.overlap) if settings.mode == "tiles" else 1
    if count > 1:
        return Answer(_blended(network, picture, settings, count, progress), APPROXIMATE)
    outputs = network(picture)
    if progress is not None:
        progress(1, 1)
    return Answer(outputs, EXACT)


def infer_not_tileable(
    network: Run, picture: Picture, settings: Settings, why: str, progress: TileProgressCallback | None = None
) -> Answer:
    """Return the answer of a network that cannot be computed in parts: whole where memory suffices, else blended.

    Raises what `infer` raises.

    Args:
        why: The operation that stands in the way, for the label.
    """
    try:
        return infer(network, picture, Settings("whole"), progress)
    except MemoryShort:
        blended = Settings("tiles", settings.tile, settings.overlap)
        answer = infer(network, picture, blended, progress)
        return Answer(answer.outputs, answer.label if answer.label == EXACT else f"approximate: {why}")


def resized(run: Callable[[Picture], Answer], picture: Picture, short_edge: int) -> Answer:
    """Return the answer to a picture made smaller until its short side has `short_edge` pixels, at the picture's size.

    Both ways bicubic, as ERRNet's author advises for large pictures. A picture that is small enough is left as it is.
    """
    height, width = picture.shape[:2]
    if min(height, width) <= short_edge:
        return run(picture)
    scale = short_edge / min(height, width)
    answer = run(np.clip(_scaled(picture, round(height * scale), round(width * scale)), 0, 1))
    small = answer.outputs[TRANSMISSION].shape[:2]
    outputs = {
        name: _scaled(values, height, width) for name, values in answer.outputs.items() if values.shape[:2] == small
    }
    return Answer(outputs, f"resized: short edge {short_edge}" + ("" if answer.label == EXACT else f"; {answer.label}"))


def _scaled(picture: Picture, height: int, width: int) -> Picture:
    channels = [
        np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC))
        for channel in np.ascontiguousarray(picture.transpose(2, 0, 1))
    ]
    return np.stack(channels, axis=-1)


def _blended(
    network: Run, picture: Picture, settings: Settings, count: int, progress: TileProgressCallback | None
) -> Mapping[str, Picture]:
    """Return the tiles' answers, summed by their weights; one sum of the picture's size per output stays in memory."""
    sums: dict[str, Picture] = {}
    for number, tile in enumerate(tiles(Size(*picture.shape[:2]), settings.tile, settings.overlap), 1):
        place, weights = tile.region.slices, tile.weights[..., None]
        whole = picture[place].shape
        for name, answer in network(picture[place]).items():
            if answer.shape != whole:
                continue  # of another size: only whole pictures have such outputs
            sums.setdefault(name, np.zeros(picture.shape, np.float32))[place] += weights * answer
        if progress is not None:
            progress(number, count)
    return sums

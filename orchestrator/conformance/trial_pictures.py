"""Prepared datasets of generated pictures, by which plug-ins are tried: odd sizes, grey, 16 bits; and layers."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from orchestrator.png import write_png
from stagekit.results.dataset import DatasetFile, DatasetItem

DATASET = "trial-pictures"

_SIZES = {
    "odd": (37, 53),
    "grey": (29, 41),
    "deep": (33, 47),
    "narrow": (64, 17),
    "large": (513, 769),
    "last": (514, 767),
}
"""Height and width of each picture; the large ones take a program some time, in which it can be killed."""

SIZES_OF_NETWORKS = {
    "odd": (37, 53),
    "grey": (29, 41),
    "deep": (33, 47),
    "narrow": (64, 17),
    "beyond": (65, 97),
    "tiled": (131, 195),
}
"""Of the pictures that a network is tried with: 'beyond' has one pixel more than multiples of 32, the last one goes in
tiles."""

LAYERS = "trial-layers"
_LAYERS = 6
_LAYER_SIZE = (72, 56)


def write_trial_layers(folder: Path) -> DatasetFile:
    """Write a prepared dataset of layers to train on into an empty folder, and return what it holds."""
    items, random = [], np.random.default_rng(0)
    height, width = _LAYER_SIZE
    for number in range(_LAYERS):
        coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        name = f"{number}.png"
        coarse.resize((width, height), Image.Resampling.BICUBIC).save(folder / name)
        items.append(DatasetItem(str(number), height, width, origin=name, transmission=name, reflection=name))
    dataset = DatasetFile(name=LAYERS, role="layers", items=tuple(items), title="Generated layers")
    dataset.save(folder)
    return dataset


def write_trial_pictures(folder: Path, sizes: Mapping[str, tuple[int, int]] = _SIZES) -> DatasetFile:
    """Write the prepared dataset into an empty folder, as the stage `prepare` leaves one, and return what it holds."""
    items = []
    for number, (name, (height, width)) in enumerate(sizes.items()):
        bits = 16 if name == "deep" else 8
        pixels = _picture(height, width, number, grey=name == "grey")
        content = np.rint(pixels * (2**bits - 1)).astype("u2" if bits == 16 else "u1")
        (folder / f"{name}.png").write_bytes(write_png(content))
        items.append(
            DatasetItem(
                id=name,
                height=height,
                width=width,
                origin=f"{name}.png",
                notes=("was grey",) if name == "grey" else (),
                blended=f"{name}.png",
                bits=16 if bits == 16 else 8,
            )
        )
    dataset = DatasetFile(name=DATASET, role="photos", items=tuple(items), title="Generated pictures")
    dataset.save(folder)
    return dataset


def cut_off(folder: Path, item: DatasetItem) -> None:
    """Damage a picture: its file ends in the middle of its pixels."""
    path = folder / str(item.blended)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _picture(height: int, width: int, seed: int, *, grey: bool) -> np.ndarray:
    """Return a scene of slopes, an edge and grain that no two pictures share: float64, (H, W, 3), 0 to 1."""
    rows, columns = np.mgrid[0:height, 0:width]
    slopes = np.stack([rows / height, columns / width, (rows + 2 * columns) / (height + 2 * width)], axis=2)
    edge = 0.25 * (columns > width // 3)[..., None]
    grain = np.random.default_rng(seed).normal(0, 0.03, (height, width, 3))
    picture = np.clip(0.6 * slopes + edge + 0.05 + grain, 0, 1)
    return np.repeat(picture[..., :1], 3, axis=2) if grey else picture

"""Generated raw trees in every layout in which the published sets go about."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from orchestrator.spec.library import load_catalogue

TEST_NUMBERS = [str(n) for n in (3, 4, 9, 12, 15, 22, 23, 25, 29, 39, 46, 47, 58, 86, 87, 89, 93, 103, 107, 110)]
"""The published numbers of Berkeley's test pairs."""

TRAIN_NUMBERS = [str(n) for n in range(1, 111) if str(n) not in TEST_NUMBERS and n != 55]
"""All others but one; which one was never published is not known, so any will do."""


def pixels(seed: int, height: int = 40, width: int = 52) -> np.ndarray:
    """Return a picture with detail that no other seed has: uint8, (H, W, 3)."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (height // 4 + 2, width // 4 + 2, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def write(path: Path, picture: np.ndarray) -> Path:
    """Write a picture in the format that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **({"quality": 90} if path.suffix.lower() in {".jpg", ".jpeg"} else {}))
    return path


def triple(seed: int, **size: int) -> dict[str, np.ndarray]:
    """Return the layers of a scene: the blended picture is made of the others."""
    transmission, reflection = pixels(2 * seed, **size), pixels(2 * seed + 1, **size)
    blended = (transmission * 0.75 + reflection * 0.25).astype(np.uint8)
    return {"blended": blended, "transmission": transmission, "reflection": reflection}


def folders(root: Path, names: Iterable[str], parts: dict[str, str], end: str = "png", **size: int) -> Path:
    """Write pairs in a folder for each layer. parts: layer to the folder's name; end: of all files"""
    for seed, name in enumerate(names):
        layers = triple(seed, **size)
        for layer, folder in parts.items():
            write(root / folder / f"{name}.{end}", layers[layer])
    return root


PACK = {"blended": "blended", "transmission": "transmission_layer"}
FULL_PACK = {**PACK, "reflection": "reflection"}


def berkeley(root: Path, numbers: Iterable[object], **size: int) -> Path:
    """Write Berkeley's real pairs under their numbers."""
    return folders(root, map(str, numbers), PACK, "jpg", **size)


def ceilnet(root: Path, count: int = 5) -> Path:
    """Write CEILNet's table 2: all layers in one folder."""
    for seed in range(count):
        layers = triple(seed, height=32, width=32)
        for layer, tag in (("blended", "input"), ("transmission", "label1"), ("reflection", "label2")):
            write(root / "testdata_reflection_synthetic_table2" / f"2009_{seed:06}-{tag}.png", layers[layer])
    return root


TAG = {"blended": "m", "transmission": "g", "reflection": "r"}


def sir2_objects(root: Path, scenes: int = 2, settings: int = 3) -> Path:
    """Write SIR2's objects as its authors give them out; the tag stands last."""
    for scene in range(scenes):
        for setting in range(settings):
            for layer, picture in triple(10 * scene + setting).items():
                name = f"{scene}-Focus-{setting}-{TAG[layer]}.png"
                write(root / "SolidObjectDataset" / f"{scene}" / "Focus" / f"{setting}" / name, picture)
    return root


def sir2_postcard(root: Path, *, own_numbers: bool = False) -> Path:
    """Write SIR2's postcards: the tag stands before a number, which may be the layer's own."""
    for scene, pair in enumerate(("ab", "ac")):
        for setting in (9, 10):
            for number, (layer, picture) in enumerate(triple(10 * scene + setting).items(), 1):
                name = f"{pair}-{setting}-{TAG[layer]}-{number if own_numbers else 3}.png"
                write(root / "Postcard Dataset" / "Focus (4)" / pair / name, picture)
    return root


def sir2_wild(root: Path, groups: dict[str, int]) -> Path:
    """Write SIR2's wild scenes: files called by their tag alone, equal scene names in different groups."""
    for place, (group, scenes) in enumerate(groups.items()):
        for scene in range(scenes):
            for layer, picture in triple(100 * place + scene).items():
                write(root / "Wildscene" / group / str(scene) / f"{TAG[layer]}.png", picture)
    return root


def rrw(root: Path, groups: dict[str, dict[str, int]]) -> Path:
    """Write RRW's videos. groups: group to its videos, and how many frames each has"""
    for place, (group, videos) in enumerate(groups.items()):
        for number, (video, frames) in enumerate(videos.items()):
            truth = pixels(1000 * place + 100 * number)
            write(root / group / f"GT_{group.rpartition('_')[2]}" / f"{video}_GT.png", truth)
            for frame in range(frames):
                write(root / group / video / f"frame_{frame}.jpg", truth // 2 + pixels(7000 + frame) // 4)
    return root


def voc(root: Path, names: Iterable[str], **size: int) -> Path:
    """Write VOC's photographs where its archive has them."""
    for seed, name in enumerate(names):
        write(root / "VOCdevkit" / "VOC2012" / "JPEGImages" / f"{name}.jpg", pixels(seed, **size))
    return root


def published(name: str):
    """Return what the catalogue knows of a set."""
    found = load_catalogue()[name].published
    assert found is not None
    return found

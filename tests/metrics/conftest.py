"""The reference pictures of tests/parity/metrics.json, and prepared datasets with predictions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netkit.seeded import seeded_image
from stagekit.measures import PROTOCOLS, Metric
from stagekit.results.dataset import DatasetFile, DatasetItem, Role
from stagekit.results.predictions import PredictionItem, PredictionsFile

PARITY = json.loads((Path(__file__).parents[1] / "parity" / "metrics.json").read_text())


def parity_pictures(tag: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a tag's prediction and truth, as tests/parity/README.md defines them: uint8, (H, W, 3)."""
    height, width, noise = (PARITY[tag][name] for name in ("height", "width", "noise"))
    exact = seeded_image(f"metrics_{tag}/truth", height, width)
    other = seeded_image(f"metrics_{tag}/other", height, width)
    prediction = np.clip(exact + (other - 0.5) * noise / 100, 0, 1)
    return np.round(255 * prediction).astype(np.uint8), np.round(255 * exact).astype(np.uint8)


def picture(name: str, height: int = 40, width: int = 50) -> np.ndarray:
    """Return a picture that depends on its name: uint8, (H, W, 3)."""
    return np.round(255 * seeded_image(name, height, width)).astype(np.uint8)


def metrics_of(protocol: str, names: Sequence[str]) -> tuple[Metric, ...]:
    """Return metrics of a protocol by their names."""
    return tuple(PROTOCOLS[protocol].metric(name) for name in names)


WritePictures = Callable[..., Path]


@pytest.fixture
def write_dataset(tmp_path: Path) -> WritePictures:
    """Return a function that writes a prepared dataset of pairs with the given ids."""

    def written(*ids: str, role: Role = "pairs") -> Path:
        folder = tmp_path / "dataset"
        items = []
        for identifier in ids:
            paths = [f"{part}/{identifier}.png" for part in ("blended", "transmission")]
            for path in paths:
                save(folder / path, picture(path.removesuffix(".png")))
            items.append(DatasetItem(identifier, 40, 50, "", (), *paths))
        DatasetFile("postcard", role, tuple(items)).save(folder)
        return folder

    return written


@pytest.fixture
def write_predictions(tmp_path: Path) -> WritePictures:
    """Return a function that writes predictions from a mapping of ids to pixels."""

    def written(predictions: dict[str, np.ndarray]) -> Path:
        folder = tmp_path / "predictions"
        folder.mkdir()
        items = []
        for identifier, pixels in predictions.items():
            save(folder / f"transmission/{identifier}.png", pixels)
            name = f"transmission/{identifier}.png"
            items.append(PredictionItem(identifier, name, *pixels.shape[:2], min=0.0, max=1.0))
        PredictionsFile("m", "postcard", "exact", "exact", tuple(items)).save(folder)
        return folder

    return written


def save(path: Path, pixels: np.ndarray) -> None:
    """Write an array as a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)

"""Photographs as the program reads them, whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from orchestrator.photos.photo import Photo, ReadingLimits, opened_photo


def read(path: Path, memory_bytes: int | None = None) -> tuple[Photo, np.ndarray]:
    """Return a photograph and all its strips together."""
    with opened_photo(path, ReadingLimits(path.parent, memory_bytes)) as photo:
        return photo, np.concatenate([strip.copy() for strip in photo.source()])

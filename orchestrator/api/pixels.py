"""Pictures as arrays: read from files with their hashes compared, and between whole numbers and floats."""

import hashlib
from pathlib import Path

import numpy as np

from orchestrator.errors import OutputInvalid
from orchestrator.png import read_png
from orchestrator.report.thumbnails import pictures_of_any_size


def pixels_of(path: Path, digest: str | None = None) -> np.ndarray:
    """Return the pixels of a result: uint8 or uint16, (H, W, 3), RGB.

    Args:
        digest: SHA-256 that its file has; None: any.

    Raises:
        OutputInvalid: Where it is no such picture, or another file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OutputInvalid(f"the picture {path.name!r} cannot be read: {error.strerror}", where=str(path)) from error
    if digest not in {None, hashlib.sha256(content).hexdigest()}:
        raise OutputInvalid(
            f"the picture {path.name!r} is not the one that its stage left",
            where=str(path),
            hint="run: sirr-orch store check --repair; then run the experiment again",
        )
    try:
        with pictures_of_any_size():
            return read_png(content)
    except ValueError as error:
        raise OutputInvalid(f"{path.name!r} cannot be read as a picture: {error}", where=str(path)) from error


def as_floats(pixels: np.ndarray) -> np.ndarray:
    """Return whole numbers of the whole range of their type as float32, 0 to 1."""
    return np.asarray(np.divide(pixels, np.iinfo(pixels.dtype).max, dtype=np.float32))


def as_deep_integers(values: np.ndarray) -> np.ndarray:
    """Return floats, 0 to 1, as uint16 of the whole range, rounded."""
    return np.asarray(np.rint(values.astype(np.float64) * np.iinfo(np.uint16).max), np.uint16)

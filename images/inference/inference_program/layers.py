"""Pictures of a prepared dataset in, layers out: 8-bit RGB PNG files, or arrays of floats."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from orchestrator.infer.network import REFLECTION, TRANSMISSION, Picture, cascade_steps
from PIL import Image

from stagekit import BadInput, StageContext, write_atomically

_FAST = 1
"""Compression level of PNG files: three times as fast as the usual one, files a tenth larger."""


def read_picture(path: Path) -> tuple[Picture, bytes | None]:
    """Return a prepared picture, float32, (H, W, 3), RGB, 0 to 1, and its colour profile where it has one.

    Raises: BadInput where it cannot be read, or is neither an 8-bit RGB picture nor an array of floats of that shape.
    """
    if path.suffix == ".npy":
        return _read_array(path), None
    try:
        with Image.open(path, formats=("PNG",)) as stored:
            if stored.mode != "RGB":
                raise BadInput(f"{path.name} is no 8-bit RGB picture, but of mode {stored.mode}")
            profile = stored.info.get("icc_profile")
            pixels = np.asarray(stored, np.float32)
    except (OSError, ValueError, SyntaxError) as error:
        raise BadInput(f"{path.name} cannot be read as a picture: {error}", "prepare the dataset again") from error
    return pixels / np.float32(255), profile if isinstance(profile, bytes) else None


def _read_array(path: Path) -> Picture:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"{path.name} cannot be read as an array: {error}", "save it with numpy.save") from error
    floats = isinstance(values, np.ndarray) and np.issubdtype(values.dtype, np.floating)
    if not floats or values.ndim != 3 or values.shape[2] != 3 or not np.isfinite(values).all():
        raise BadInput(f"{path.name} is no picture of finite floats", "give an array (height, width, 3), RGB, 0 to 1")
    return np.ascontiguousarray(values, np.float32)


class Layers:
    """Writes what a network answered to one picture. profile: colour profile that the files get."""

    def __init__(self, context: StageContext, identifier: str, profile: bytes | None = None) -> None:
        self._context, self._identifier, self._profile = context, identifier, profile

    def written(self, outputs: Mapping[str, Picture]) -> dict[str, Any]:
        """Write transmission, reflection and cascade steps, and return their paths as ``predictions.json`` has them."""
        paths: dict[str, Any] = {
            name: self._save(name, self._identifier, outputs[name])
            for name in (TRANSMISSION, REFLECTION)
            if name in outputs
        }
        steps = [
            self._save("steps", f"{self._identifier}-{number}", outputs[name])
            for number, name in enumerate(cascade_steps(outputs), 1)
        ]
        return {**paths, "steps": steps} if steps else paths

    def keep_arrays(self, outputs: Mapping[str, Picture]) -> None:
        """Write every output as it came, float32, (H, W, 3), not clipped: ``arrays/ID.OUTPUT.npy``."""
        for name, values in outputs.items():
            with write_atomically(self._context.output("arrays", f"{self._identifier}.{name}.npy")) as stream:
                np.save(stream, values.astype(np.float32), allow_pickle=False)

    def _save(self, folder: str, name: str, values: Picture) -> str:
        """Write one layer, clipped to [0, 1] and rounded to 8 bits, and return its path in the output."""
        pixels = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
        relative = f"{folder}/{name}.png"
        with write_atomically(self._context.output(relative)) as stream:
            Image.fromarray(pixels).save(stream, "PNG", compress_level=_FAST, icc_profile=self._profile)
        return relative

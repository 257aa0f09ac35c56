"""From a sample's files to the pictures of a training step."""

import dataclasses
from typing import Any, Mapping, Optional, Tuple

import numpy as np

from netkit.pictures import read_picture, resize
from netkit.sampling import Sample, SyntheticSample
from netkit.synthesis import blend, degenerate, reflection_too_dark
from stagekit import BadInput

SMALLEST_SIDE = 32
"""Pixels that the discriminator needs in both directions."""


@dataclasses.dataclass(frozen=True)
class Pictures:
    """The pictures of one step, float32, (1, H, W, 3), BGR in [0, 1]; reflection: None for a real pair."""

    blended: np.ndarray
    transmission: np.ndarray
    reflection: Optional[np.ndarray]


def step_pictures(sample: Sample, recipe: Mapping[str, Any], rng: np.random.RandomState) -> Optional[Pictures]:
    """Return the pictures of a sample at a random width, or None where the paper's program skips it.

    Raises: BadInput where a picture cannot be read, or is too flat or too narrow for the recipe's width.
    """
    width = int(rng.randint(*recipe["width"]))
    if isinstance(sample, SyntheticSample):
        transmission = _resized(sample.transmission, width)
        size = transmission.shape[0], width
        reflection = resize(read_picture(sample.reflection), *size, "opencv-bilinear")
        if reflection_too_dark(transmission, reflection):
            return None
        made = blend(recipe["synthesis"], transmission, reflection, rng)
        if degenerate(made.blended, made.transmission, made.reflection):
            return None
        return Pictures(_fed(made.blended), _fed(made.transmission), _fed(made.reflection))
    blended = _resized(sample.blended, width)
    transmission = resize(read_picture(sample.transmission), blended.shape[0], width, "opencv-bilinear")
    if degenerate(blended, transmission):
        return None
    return Pictures(_fed(blended), _fed(transmission), None)


def _resized(path: str, width: int) -> np.ndarray:
    picture = read_picture(path)
    height = round(width / picture.shape[1] * picture.shape[0])
    if min(height, width) < SMALLEST_SIDE:
        before: Tuple[int, ...] = picture.shape[:2]
        raise BadInput(
            "%s (%d x %d) becomes %d x %d pixels, and the discriminator needs %d each way"
            % (path, *before, height, width, SMALLEST_SIDE),
            "raise the recipe's width, or leave the picture out",
        )
    return resize(picture, height, width, "opencv-bilinear")


def _fed(picture: np.ndarray) -> np.ndarray:
    """Return RGB (H, W, 3) as the network is fed: (1, H, W, 3), BGR."""
    return np.ascontiguousarray(picture[None, :, :, ::-1])

"""From a sample's files to the pictures of a training step."""

import dataclasses
from typing import Any, Mapping, Optional, Sequence, Tuple

import numpy as np

from netkit.pictures import read_pair, read_picture, resize
from netkit.sampling import Sample, SyntheticSample, sample_stream
from netkit.synthesis import blend, degenerate, reflection_too_dark
from stagekit import BadInput

SMALLEST_SIDE = 32
"""Pixels that the discriminator needs in both directions."""


@dataclasses.dataclass(frozen=True)
class Pictures:
    """The pictures of one step, float32, (1, H, W, 3), BGR in [0, 1].

    Attributes:
        reflection: None for a real pair.
    """

    blended: np.ndarray
    transmission: np.ndarray
    reflection: Optional[np.ndarray]


def training_batch(recipe: Mapping[str, Any], seed: int, epoch: int, samples: Sequence[Sample]) -> Optional[Pictures]:
    """Return what a step is given of its one sample, or None where the paper's program skips it.

    A pure function: every draw is named for seed, epoch and the sample's place in it.

    Raises:
        BadInput: As `step_pictures`.
    """
    (sample,) = samples
    return step_pictures(sample, recipe, sample_stream(seed, epoch, sample.place))


def largest_size(recipe: Mapping[str, Any], shapes: Sequence[Tuple[int, int]]) -> Tuple[int, int]:
    """Return height and width of the largest step.

    Args:
        shapes: Height and width of every picture.
    """
    width = _rounded(recipe["width"][1] - 1, recipe["size_step"])
    return max(_rounded(width / across * high, recipe["size_step"]) for high, across in shapes), width


def step_pictures(sample: Sample, recipe: Mapping[str, Any], rng: np.random.RandomState) -> Optional[Pictures]:
    """Return the pictures of a sample at a random width, or None where the paper's program skips it.

    Raises:
        BadInput: Where a picture cannot be read, is too flat or too narrow for the recipe's width, or where those of a
            pair differ in size.
    """
    step = recipe["size_step"]
    width = _rounded(int(rng.randint(*recipe["width"])), step)
    if isinstance(sample, SyntheticSample):
        transmission = _resized(read_picture(sample.transmission), sample.transmission, width, step)
        size = transmission.shape[0], width
        reflection = resize(read_picture(sample.reflection), *size, "opencv-bilinear")
        if reflection_too_dark(transmission, reflection):
            return None
        made = blend(recipe["synthesis"], transmission, reflection, rng)
        if degenerate(made.blended, made.transmission, made.reflection):
            return None
        return Pictures(_fed(made.blended), _fed(made.transmission), _fed(made.reflection))
    pair = read_pair(sample.blended, sample.transmission)
    blended, transmission = (_resized(picture, sample.blended, width, step) for picture in pair)
    if degenerate(blended, transmission):
        return None
    return Pictures(_fed(blended), _fed(transmission), None)


def _resized(picture: np.ndarray, path: str, width: int, step: int) -> np.ndarray:
    height = _rounded(width / picture.shape[1] * picture.shape[0], step)
    if min(height, width) < SMALLEST_SIDE:
        before: Tuple[int, ...] = picture.shape[:2]
        raise BadInput(
            "%s (%d x %d) becomes %d x %d pixels, and the discriminator needs %d each way"
            % (path, *before, height, width, SMALLEST_SIDE),
            "raise the recipe's width, or leave the picture out",
        )
    return resize(picture, height, width, "opencv-bilinear")


def _rounded(length: float, step: int) -> int:
    return max(1, round(length / step)) * step


def _fed(picture: np.ndarray) -> np.ndarray:
    """Return RGB (H, W, 3) as the network is fed: (1, H, W, 3), BGR."""
    return np.ascontiguousarray(picture[None, :, :, ::-1])

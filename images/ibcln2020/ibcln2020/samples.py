"""From a sample's files to what a training step sees.

Source: the authors' program (JHL-HUST/IBCLN). It resizes synthetic layers to a square, whatever their shape; here a
random square is cut first, so that nothing is squashed.
"""

import dataclasses
from typing import Any, Mapping, Optional, Sequence, Tuple

import numpy as np

from netkit.pictures import crop, read_pair, read_picture, resize
from netkit.sampling import Sample, SyntheticSample, sample_stream
from netkit.synthesis import blend, degenerate, reflection_too_dark

METHOD = "pillow-bicubic"
TARGET_METHOD = "pillow-bilinear"
"""torchvision's Resize on a Pillow picture, by which the program makes the targets at half and quarter size."""


@dataclasses.dataclass(frozen=True)
class SamplePictures:
    """One sample, float32 RGB in [0, 1], (crop, crop, 3).

    Attributes:
        scale: Of the transmission in linear light, rounded to one decimal as in the program; None for a real pair,
            whose scale and reflection nobody knows.
    """

    blended: np.ndarray
    transmission: np.ndarray
    scale: Optional[float]


@dataclasses.dataclass(frozen=True)
class Pictures:
    """A batch, pictures float32 RGB in [0, 1], (N, h, w, 3); the transmission at full, half and quarter size.

    Attributes:
        scale: Of each transmission in linear light, (N,).
        synthetic: 1 for blended samples, 0 for real ones, (N,).
        places: Of the samples in their epoch.
    """

    blended: np.ndarray
    targets: Tuple[np.ndarray, np.ndarray, np.ndarray]
    scale: np.ndarray
    synthetic: np.ndarray
    places: Tuple[int, ...]


def training_batch(recipe: Mapping[str, Any], seed: int, epoch: int, samples: Sequence[Sample]) -> Optional[Pictures]:
    """Return the samples that the program does not skip, or None where it skips them all.

    A pure function: every draw is named for seed, epoch and the sample's place in it.

    Raises:
        BadInput: Where a picture cannot be read, or where those of a pair differ in size.
    """
    drawn = [(sample, sample_pictures(sample, recipe, sample_stream(seed, epoch, sample.place))) for sample in samples]
    kept = [(sample.place, pictures) for sample, pictures in drawn if pictures is not None]
    return _batch(kept, recipe["crop"]) if kept else None


def sample_pictures(sample: Sample, recipe: Mapping[str, Any], rng: np.random.RandomState) -> Optional[SamplePictures]:
    """Return a sample's pictures, or None where the program skips it."""
    side = recipe["crop"]
    if isinstance(sample, SyntheticSample):
        transmission = _square(read_picture(sample.transmission), 1.0, (rng.random_sample(), rng.random_sample()), side)
        reflection = _square(read_picture(sample.reflection), 1.0, (rng.random_sample(), rng.random_sample()), side)
        if reflection_too_dark(transmission, reflection):
            return None
        made = blend(recipe["synthesis"], transmission, reflection, rng)
        if degenerate(made.blended, made.transmission, made.reflection):
            return None
        return SamplePictures(made.blended, made.transmission, round(made.scale, 1))
    place = (rng.random_sample(), rng.random_sample())
    pair = read_pair(sample.blended, sample.transmission)
    blended, transmission = (_square(picture, recipe["real_crop"], place, side) for picture in pair)
    return None if degenerate(blended, transmission) else SamplePictures(blended, transmission, None)


def _square(picture: np.ndarray, share: float, place: Sequence[float], side: int) -> np.ndarray:
    """Return a square of a share of the short side, at a place given from 0 to 1, resized to `side` pixels."""
    length = max(1, int(share * min(picture.shape[:2])))
    top, left = (int(where * (whole - length + 1)) for where, whole in zip(place, picture.shape))
    return resize(crop(picture, top, left, (length, length)), side, side, METHOD)


def _batch(kept: Sequence[Tuple[int, SamplePictures]], side: int) -> Pictures:
    pictures = [pair for _, pair in kept]
    full = [pair.transmission for pair in pictures]
    half, quarter = ([resize(truth, side // share, side // share, TARGET_METHOD) for truth in full] for share in (2, 4))
    return Pictures(
        np.stack([pair.blended for pair in pictures]),
        (np.stack(full), np.stack(half), np.stack(quarter)),
        np.array([1.0 if pair.scale is None else pair.scale for pair in pictures], np.float32),
        np.array([pair.scale is not None for pair in pictures], np.float32),
        tuple(place for place, _ in kept),
    )

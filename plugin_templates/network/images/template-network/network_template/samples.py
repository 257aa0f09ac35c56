"""From a sample's files to what a training step sees. A new network changes it where its paper prepares otherwise."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from netkit.pictures import crop, read_pair, read_picture, resize
from netkit.sampling import Sample, SyntheticSample, sample_stream
from netkit.synthesis import blend


@dataclasses.dataclass(frozen=True)
class Pictures:
    """A batch, float32 RGB in [0, 1], (N, crop, crop, 3)."""

    blended: np.ndarray
    transmission: np.ndarray


def training_batch(recipe: Mapping[str, Any], seed: int, epoch: int, samples: Sequence[Sample]) -> Pictures:
    """Return what a step is given of some samples.

    A pure function, which processes of its own call: every draw comes from a stream that is named for seed, epoch and
    the sample's place in it, so that a training that goes on after a kill sees what it would have seen.

    Raises:
        BadInput: Where a picture cannot be read, or where those of a pair differ in size.
    """
    pairs = [_pair(sample, recipe, sample_stream(seed, epoch, sample.place)) for sample in samples]
    return Pictures(np.stack([blended for blended, _ in pairs]), np.stack([truth for _, truth in pairs]))


def _pair(sample: Sample, recipe: Mapping[str, Any], rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    side = recipe["crop"]
    if isinstance(sample, SyntheticSample):
        layers = [
            _square(read_picture(path), (rng.random_sample(), rng.random_sample()), side)
            for path in (sample.transmission, sample.reflection)
        ]
        made = blend(recipe["synthesis"], *layers, rng)
        return made.blended, made.transmission
    place = (rng.random_sample(), rng.random_sample())
    blended, truth = read_pair(sample.blended, sample.transmission)
    return _square(blended, place, side), _square(truth, place, side)


def _square(picture: np.ndarray, place: tuple[float, float], side: int) -> np.ndarray:
    """Return the largest square at a place, given from 0 to 1, resized to `side` pixels."""
    length = min(picture.shape[:2])
    top, left = (int(where * (whole - length + 1)) for where, whole in zip(place, picture.shape[:2], strict=True))
    return resize(crop(picture, top, left, (length, length)), side, side, "pillow-bicubic")

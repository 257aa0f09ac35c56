"""From two pictures to what a training step sees: cropped, turned, toned, blended."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from netkit.pictures import crop, read_picture
from netkit.sampling import Sample, Sources, SyntheticSample, free_epoch, sample_stream
from netkit.synthesis import blend, degenerate
from stagekit import BadInput


@dataclasses.dataclass(frozen=True)
class Pictures:
    """A batch, float32 RGB in [0, 1], (N, crop, crop, 3)."""

    blended: np.ndarray
    transmission: np.ndarray


def every_layer(sources: Sources) -> Sources:
    """Return sources in which each picture may be either layer: few pictures make more pairs like that."""
    layers = tuple(dict.fromkeys((*sources.transmissions, *sources.reflections)))
    return Sources(layers, layers)


def epoch_samples(sources: Sources, recipe: Mapping[str, Any], seed: int, epoch: int) -> list[Sample]:
    """Return the samples of an epoch, all of them to be blended."""
    return free_epoch(sources, 1.0, seed, epoch, recipe["limit"])


def training_batch(recipe: Mapping[str, Any], seed: int, epoch: int, samples: Sequence[Sample]) -> Pictures | None:
    """Return what a step is given of some samples, None where all of them are too dark to learn from.

    A pure function: every draw is named for seed, epoch and the sample's place in it.

    Raises:
        BadInput: Where a picture cannot be read, or is smaller than the recipe's crop.
    """
    drawn = [_pair(sample, recipe, sample_stream(seed, epoch, sample.place)) for sample in samples]
    kept = [pair for pair in drawn if pair is not None]
    if not kept:
        return None
    return Pictures(np.stack([blended for blended, _ in kept]), np.stack([truth for _, truth in kept]))


def _pair(
    sample: Sample, recipe: Mapping[str, Any], rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray] | None:
    if not isinstance(sample, SyntheticSample):
        raise BadInput("glazier learns from layers that are blended", "give train: synthetic")
    transmission, reflection = (
        _toned(_square(path, recipe["crop"], rng), recipe, rng) for path in (sample.transmission, sample.reflection)
    )
    faint = np.float32(rng.uniform(recipe["faintest"], 1))
    made = blend(recipe["synthesis"], transmission, reflection * faint, rng)
    if degenerate(made.blended, made.transmission, made.reflection):
        return None
    return made.blended, made.transmission


def _square(path: str, side: int, rng: np.random.RandomState) -> np.ndarray:
    """Return a random square of a picture, mirrored and turned at random."""
    picture = read_picture(path)
    height, width = picture.shape[:2]
    if min(height, width) < side:
        raise BadInput(
            f"a training picture has {height} x {width} pixels, and the recipe's crop is {side}",
            "lower the recipe's crop",
        )
    top, left = (rng.randint(length - side + 1) for length in (height, width))
    square = crop(picture, top, left, (side, side))
    for axis in (0, 1):
        if rng.random_sample() < 0.5:
            square = np.flip(square, axis)
    return square.transpose(1, 0, 2) if rng.random_sample() < 0.5 else square


def _toned(picture: np.ndarray, recipe: Mapping[str, Any], rng: np.random.RandomState) -> np.ndarray:
    """Return the picture in other colours and at another brightness: the network shall not know photographs by them."""
    exponents = rng.uniform(-recipe["tone"], recipe["tone"]) + rng.uniform(-recipe["tint"], recipe["tint"], 3)
    return np.asarray(picture[..., rng.permutation(3)] ** np.exp(exponents), np.float32)

"""From a sample's files to what a training step sees.

Source: the authors' program (JHL-HUST/IBCLN). It resizes synthetic layers to a square, whatever their shape; here a
random square is cut first, so that nothing is squashed.
"""

import dataclasses
from typing import Any, List, Mapping, Optional, Sequence

import numpy as np
import torch

from ibcln2020.optimisation import Batch
from netkit.pictures import crop, read_picture, resize
from netkit.sampling import Sample, SyntheticSample, sample_stream
from netkit.synthesis import blend, degenerate, reflection_too_dark
from netkit.torch_pictures import tensor_of

METHOD = "pillow-bicubic"
TARGET_METHOD = "pillow-bilinear"
"""torchvision's Resize on a Pillow picture, by which the program makes the targets at half and quarter size."""


@dataclasses.dataclass(frozen=True)
class Pictures:
    """One sample, float32 RGB in [0, 1], (crop, crop, 3).

    scale: of the transmission in linear light, rounded to one decimal as in the program; None for a real pair, whose
    scale and reflection nobody knows
    """

    blended: np.ndarray
    transmission: np.ndarray
    scale: Optional[float]


def training_batch(samples: Sequence[Sample], recipe: Mapping[str, Any], seed: int, epoch: int) -> Optional[Batch]:
    """Return the samples that the program does not skip, or None where it skips them all.

    A pure function: every draw is named for seed, epoch and the sample's place in it.
    """
    drawn = [sample_pictures(sample, recipe, sample_stream(seed, epoch, sample.place)) for sample in samples]
    kept = [pictures for pictures in drawn if pictures is not None]
    return _batch(kept, recipe["crop"]) if kept else None


def sample_pictures(sample: Sample, recipe: Mapping[str, Any], rng: np.random.RandomState) -> Optional[Pictures]:
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
        return Pictures(made.blended, made.transmission, round(made.scale, 1))
    place = (rng.random_sample(), rng.random_sample())
    blended = _square(read_picture(sample.blended), recipe["real_crop"], place, side)
    transmission = _square(read_picture(sample.transmission), recipe["real_crop"], place, side)
    return None if degenerate(blended, transmission) else Pictures(blended, transmission, None)


def _square(picture: np.ndarray, share: float, place: Sequence[float], side: int) -> np.ndarray:
    """Return a square of a share of the short side, at a place given from 0 to 1, resized to `side` pixels."""
    length = max(1, int(share * min(picture.shape[:2])))
    top, left = (int(where * (whole - length + 1)) for where, whole in zip(place, picture.shape))
    return resize(crop(picture, top, left, (length, length)), side, side, METHOD)


def _batch(kept: Sequence[Pictures], side: int) -> Batch:
    transmissions = [pictures.transmission for pictures in kept]
    half, quarter = (_shrunk(transmissions, side // share) for share in (2, 4))
    return Batch(
        tensor_of([pictures.blended for pictures in kept]),
        (tensor_of(transmissions), half, quarter),
        torch.tensor([1.0 if pictures.scale is None else pictures.scale for pictures in kept]).view(-1, 1, 1, 1),
        torch.tensor([0.0 if pictures.scale is None else 1.0 for pictures in kept]),
    )


def _shrunk(pictures: List[np.ndarray], side: int) -> torch.Tensor:
    return tensor_of([resize(picture, side, side, TARGET_METHOD) for picture in pictures])

"""From two pictures to what a training step sees: scaled, cropped, flipped, blended.

Source: the authors' program (Vandermode/ERRNet). Its pictures are all square; here each picture is scaled by its own
short side, so that pictures of different shapes can be blended.
"""

import dataclasses
from typing import Any, Mapping, Sequence, Tuple

import numpy as np

from netkit.pictures import crop, flip, read_pair, read_picture, resize
from netkit.sampling import Sample, SyntheticSample, UnalignedSample, sample_stream
from netkit.synthesis import blend
from stagekit import BadInput

METHOD = "pillow-bicubic"


def check_recipe(recipe: Mapping[str, Any]) -> None:
    """Refuse a recipe whose scaled pictures may be smaller than its crop, or that would mix losses in a batch.

    Raises:
        BadInput: Where an input cannot be used.
    """
    smallest, largest = recipe["short_side"]
    if _even(smallest) < recipe["crop"] or largest < smallest:
        raise BadInput(
            "short_side %d to %d cannot hold a crop of %d pixels" % (smallest, largest, recipe["crop"]),
            "give the recipe a short_side from %d pixels on" % recipe["crop"],
        )
    if recipe["batch"] > 1 and any(entry.get("unaligned", 0) for entry in recipe["sampling"]):
        raise BadInput(
            "unaligned pairs have a loss of their own, and the recipe's batch is %d" % recipe["batch"],
            "set batch to 1, as the paper does, or leave the unaligned pairs out",
        )


@dataclasses.dataclass(frozen=True)
class Pictures:
    """A batch, float32 RGB in [0, 1], (N, crop, crop, 3).

    Attributes:
        aligned: Whether its pairs lie exactly on each other.
    """

    blended: np.ndarray
    transmission: np.ndarray
    aligned: bool = True


def training_batch(recipe: Mapping[str, Any], seed: int, epoch: int, samples: Sequence[Sample]) -> Pictures:
    """Return what a step is given of some samples.

    A pure function: every draw is named for seed, epoch and the sample's place in it.

    Raises:
        BadInput: Where a picture cannot be read, or where those of a pair differ in size.
    """
    pairs = [_training_pair(sample, recipe, sample_stream(seed, epoch, sample.place)) for sample in samples]
    aligned = not any(isinstance(sample, UnalignedSample) for sample in samples)
    return Pictures(np.stack([blended for blended, _ in pairs]), np.stack([true for _, true in pairs]), aligned)


def _training_pair(
    sample: Sample, recipe: Mapping[str, Any], rng: np.random.RandomState
) -> Tuple[np.ndarray, np.ndarray]:
    smallest, largest = recipe["short_side"]
    short = _even(rng.randint(smallest, largest + 1))
    flipped = rng.random_sample() < recipe["flip"]
    place = (rng.random_sample(), rng.random_sample())

    def prepared(picture: np.ndarray) -> np.ndarray:
        cut = _crop(_scaled(picture, short), recipe["crop"], place)
        return flip(cut) if flipped else cut

    if isinstance(sample, SyntheticSample):
        layers = (prepared(read_picture(path)) for path in (sample.transmission, sample.reflection))
        made = blend(recipe["synthesis"], *layers, rng)
        return made.blended, made.transmission
    blended, transmission = map(prepared, read_pair(sample.blended, sample.transmission))
    return blended, transmission


def _scaled(picture: np.ndarray, short: int) -> np.ndarray:
    """Return the picture with this short side, and the long side in proportion, rounded up to an even number."""
    height, width = picture.shape[:2]
    long = -(-int(short * max(height, width) / min(height, width)) // 2) * 2
    return resize(picture, *((short, long) if height <= width else (long, short)), METHOD)


def _crop(picture: np.ndarray, side: int, place: Tuple[float, float]) -> np.ndarray:
    """Return a square at a place, given from 0 to 1: pictures of one size are cropped alike."""
    top, left = (int(share * (length - side + 1)) for share, length in zip(place, picture.shape))
    return crop(picture, top, left, (side, side))


def _even(length: int) -> int:
    return length // 2 * 2

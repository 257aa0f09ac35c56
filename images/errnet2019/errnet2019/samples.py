"""From two pictures to what a training step sees: scaled, cropped, flipped, blended.

Source: the authors' program (Vandermode/ERRNet). Its pictures are all square; here each picture is scaled by its own
short side, so that pictures of different shapes can be blended.
"""

from typing import Any, List, Mapping, Sequence, Tuple

import numpy as np

from netkit.pictures import crop, flip, read_picture, resize
from netkit.sampling import Sample, SyntheticSample, sample_stream
from netkit.synthesis import blend
from stagekit import BadInput

METHOD = "pillow-bicubic"


def check_sizes(recipe: Mapping[str, Any]) -> None:
    """Refuse a recipe whose scaled pictures may be smaller than its crop.

    Raises: BadInput.
    """
    smallest, largest = recipe["short_side"]
    if _even(smallest) < recipe["crop"] or largest < smallest:
        raise BadInput(
            "short_side %d to %d cannot hold a crop of %d pixels" % (smallest, largest, recipe["crop"]),
            "give the recipe a short_side from %d pixels on" % recipe["crop"],
        )


def training_batch(
    samples: Sequence[Sample], recipe: Mapping[str, Any], seed: int, epoch: int
) -> Tuple[List[np.ndarray], List[np.ndarray]]:
    """Return blended pictures and transmissions, float32 RGB in [0, 1], each (crop, crop, 3).

    A pure function: every draw is named for seed, epoch and the sample's place in it.
    """
    pairs = [_training_pair(sample, recipe, sample_stream(seed, epoch, sample.place)) for sample in samples]
    return [blended for blended, _ in pairs], [transmission for _, transmission in pairs]


def _training_pair(
    sample: Sample, recipe: Mapping[str, Any], rng: np.random.RandomState
) -> Tuple[np.ndarray, np.ndarray]:
    smallest, largest = recipe["short_side"]
    short = _even(rng.randint(smallest, largest + 1))
    flipped = rng.random_sample() < recipe["flip"]
    place = (rng.random_sample(), rng.random_sample())

    def prepared(path: str) -> np.ndarray:
        picture = _crop(_scaled(read_picture(path), short), recipe["crop"], place)
        return flip(picture) if flipped else picture

    if isinstance(sample, SyntheticSample):
        made = blend(recipe["synthesis"], prepared(sample.transmission), prepared(sample.reflection), rng)
        return made.blended, made.transmission
    return prepared(sample.blended), prepared(sample.transmission)


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

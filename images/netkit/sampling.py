"""Which pictures a training sample is made of: a pure function of the seed, the epoch and the place in it.

Nothing is carried from one step to the next, so a resumed training sees the samples that it would have seen.
"""

import dataclasses
import hashlib
import os
from typing import Any, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from stagekit import BadInput
from stagekit.results.dataset import DatasetFile, DatasetItem
from stagekit.results.overlap import OverlapFile


@dataclasses.dataclass(frozen=True)
class SyntheticSample:
    """Two pictures to be blended, by path.

    Attributes:
        place: Position in the epoch, from 0.
    """

    place: int
    transmission: str
    reflection: str


@dataclasses.dataclass(frozen=True)
class RealSample:
    """A photographed pair, by path.

    Attributes:
        place: Position in the epoch, from 0.
    """

    place: int
    blended: str
    transmission: str


@dataclasses.dataclass(frozen=True)
class UnalignedSample:
    """A photographed pair whose pictures do not lie exactly on each other, by path.

    Attributes:
        place: In the epoch, from 0.
    """

    place: int
    blended: str
    transmission: str


Sample = Union[SyntheticSample, RealSample, UnalignedSample]


@dataclasses.dataclass(frozen=True)
class Sources:
    """The pictures that samples are drawn from.

    Attributes:
        transmissions: Paths; a picture may serve as both.
        reflections: Paths; a picture may serve as both.
        real: Paths of (blended, transmission).
        unaligned: Paths of (blended, transmission).
    """

    transmissions: Tuple[str, ...]
    reflections: Tuple[str, ...]
    real: Tuple[Tuple[str, str], ...] = ()
    unaligned: Tuple[Tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse sources from which no pair of two different pictures can be drawn."""
        if not self.transmissions or not self.reflections:
            raise BadInput("the training data has no transmission or no reflection to blend")
        if len({*self.transmissions, *self.reflections}) < 2:
            raise BadInput("the training data has a single picture", "give at least two pictures to blend")

    @classmethod
    def load(
        cls, layers: str, real: Optional[str] = None, unaligned: Optional[str] = None, overlap: Optional[str] = None
    ) -> "Sources":
        """Read prepared datasets: the folder of one with layers, and those of real and of unaligned pairs.

        Args:
            overlap: Folder of an ``overlap.json``, whose dropped pictures are left out.

        Raises:
            BadInput: Where one is missing, is not a prepared dataset, or lacks the pictures needed.
        """
        dropped = read_dropped(overlap)
        items = [item for item in read_dataset(layers) if item.id not in dropped.get("synthetic", ())]
        return cls(
            tuple(os.path.join(layers, item.transmission) for item in items if item.transmission),
            tuple(os.path.join(layers, item.reflection) for item in items if item.reflection),
            _pairs(real, dropped.get("real", ())),
            _pairs(unaligned, dropped.get("unaligned", ())),
        )


def _pairs(folder: Optional[str], dropped: Sequence[str]) -> Tuple[Tuple[str, str], ...]:
    items = [] if folder is None else [item for item in read_dataset(folder) if item.id not in dropped]
    return tuple(
        (os.path.join(str(folder), item.blended), os.path.join(str(folder), item.transmission))
        for item in items
        if item.blended and item.transmission
    )


def read_dataset(folder: str) -> Tuple[DatasetItem, ...]:
    """Return the items of a prepared dataset, as its ``dataset.json`` lists them.

    Raises:
        BadInput: where the file is missing or not as it should be.
    """
    return DatasetFile.load(folder).items


def read_dropped(folder: Optional[str]) -> Mapping[str, Sequence[str]]:
    """Return which items of the synthetic, real and unaligned datasets are left out; none where folder is None.

    Raises:
        BadInput: where the folder has no ``overlap.json``, or one that is not as it should be.
    """
    return {} if folder is None else OverlapFile.load(folder).dropped


def described(sample: Any) -> str:
    """Return the file names of a sample, for messages."""
    values = vars(sample).values() if dataclasses.is_dataclass(sample) else (sample,)
    return " and ".join(os.path.basename(value) for value in values if isinstance(value, str)) or str(sample)


def stream(seed: int, *names: Union[int, str]) -> np.random.RandomState:
    """Return the random stream of a named thing, such as ``stream(seed, "sample", epoch, place)``."""
    text = "|".join(map(str, (seed, *names)))
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), "<u4")
    return np.random.RandomState(words)


def sample_stream(seed: int, epoch: int, place: int) -> np.random.RandomState:
    """Return the stream for what a sample's pictures go through: sizes, crops, flips, blending."""
    return stream(seed, "sample", epoch, place)


def step_at(schedule: Sequence[Mapping[str, Any]], field: str, epoch: int) -> float:
    """Return the value of `field` in the last entry of a schedule that has begun; its entries start at `epoch`."""
    begun = [entry for entry in schedule if entry["epoch"] <= epoch] or [schedule[0]]
    return float(max(begun, key=_epoch)[field])


def rate_at(recipe: Mapping[str, Any], epoch: int) -> float:
    """Return a recipe's learning rate in an epoch, counted from 0."""
    return step_at(recipe["rate"], "rate", epoch)


def unaligned_at(recipe: Mapping[str, Any], epoch: int) -> float:
    """Return a recipe's share of unaligned samples in an epoch, counted from 0; a recipe need not name it."""
    return step_at([{"unaligned": 0.0, **entry} for entry in recipe["sampling"]], "unaligned", epoch)


def share_at(recipe: Mapping[str, Any], epoch: int) -> float:
    """Return a recipe's share of synthetic samples in an epoch, counted from 0."""
    return step_at(recipe["sampling"], "synthetic", epoch)


def free_epoch(sources: Sources, share: float, seed: int, epoch: int, limit: Optional[int] = None) -> List[Sample]:
    """Return an epoch in which every synthetic sample draws its reflection freely (Zhang 2018, IBCLN).

    It is as long as `limit`, or, without one, as there are transmissions and real pairs together; each list is gone
    through in a new order, again and again. Without real pairs every sample is synthetic.
    """
    rng = stream(seed, "epoch", epoch)
    count = limit or len(sources.transmissions) + len(sources.real)
    transmissions = _cycled(sources.transmissions, count, rng)
    real = _cycled(sources.real, count, rng) if sources.real else []
    samples: List[Sample] = []
    places = {path: index for index, path in enumerate(sources.reflections)}
    for place in range(count):
        synthetic = rng.random_sample() < share or not real
        reflection = _other(sources.reflections, places.get(transmissions[place]), rng)
        if synthetic and reflection is not None:
            samples.append(SyntheticSample(place, transmissions[place], reflection))
        elif real:
            samples.append(RealSample(place, *real[place]))
        else:
            other = [path for path in sources.transmissions if path not in sources.reflections]
            samples.append(SyntheticSample(place, other[rng.randint(len(other))], sources.reflections[0]))
    return samples


def halved_epoch(
    sources: Sources, share: float, seed: int, epoch: int, limit: Optional[int] = None, unaligned: float = 0.0
) -> List[Sample]:
    """Return an epoch after ERRNet: the pictures are shuffled, and the first half is blended with the second.

    Where transmissions and reflections are different pictures, each list is shuffled and paired in order. The epoch
    has as many samples as there are such couples and pairs together, at most `limit`; each is synthetic with
    probability `share`, unaligned with probability `unaligned`, else real, and takes the pair at its place, starting
    over at the end. Unaligned pairs count only where their share is above 0; a kind that is missing is left out.

    Source: Wei et al. 2019, program.
    """
    rng = stream(seed, "epoch", epoch)
    couples = _couples(sources, rng)
    others = sources.unaligned if unaligned else ()
    count = len(couples) + len(sources.real) + len(others)
    samples: List[Sample] = []
    for place in range(min(count, limit or count)):
        draw = rng.random_sample()
        if draw < share or not (sources.real or others):
            samples.append(SyntheticSample(place, *couples[place % len(couples)]))
        elif others and (draw < share + unaligned or not sources.real):
            samples.append(UnalignedSample(place, *others[place % len(others)]))
        else:
            samples.append(RealSample(place, *sources.real[place % len(sources.real)]))
    return samples


def halved_length(sources: Sources, limit: Optional[int] = None, unaligned: float = 0.0) -> int:
    """Return how many samples `halved_epoch` has."""
    couples = len(_couples(sources, np.random.RandomState(0)))
    count = couples + len(sources.real) + (len(sources.unaligned) if unaligned else 0)
    return min(count, limit or count)


def _couples(sources: Sources, rng: np.random.RandomState) -> List[Tuple[str, str]]:
    if set(sources.transmissions) == set(sources.reflections):
        shuffled = [sources.transmissions[index] for index in rng.permutation(len(sources.transmissions))]
        half = len(shuffled) // 2
        return list(zip(shuffled[:half], shuffled[half : 2 * half]))
    first = [sources.transmissions[index] for index in rng.permutation(len(sources.transmissions))]
    second = [sources.reflections[index] for index in rng.permutation(len(sources.reflections))]
    couples = [(path, second[place % len(second)]) for place, path in enumerate(first)]
    return [couple for couple in couples if couple[0] != couple[1]] or [(first[0], second[-1])]


def _cycled(items: Sequence[Any], count: int, rng: np.random.RandomState) -> List[Any]:
    """Return `count` items: all of them in a random order, then all of them in another one, and so on."""
    order: List[Any] = []
    while len(order) < count:
        order.extend(items[index] for index in rng.permutation(len(items)))
    return order[:count]


def _other(paths: Sequence[str], place: Optional[int], rng: np.random.RandomState) -> Optional[str]:
    """Return one of the paths, but not that at `place`; None where there is none. Always draws once."""
    count = len(paths) - (place is not None)
    index = int(rng.random_sample() * count)
    if not count:
        return None
    return paths[index + (place is not None and index >= place)]


def _epoch(entry: Mapping[str, Any]) -> int:
    return int(entry["epoch"])

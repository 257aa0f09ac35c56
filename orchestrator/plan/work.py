"""How much work a stage is: steps of a training, pictures of an inference, pixels; pure arithmetic on settings."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeGuard

from orchestrator.spec.dataset import ScenesDataset
from orchestrator.spec.model import EpochRule
from stagekit.results.dataset import DatasetFile

_ANSWERING = ("infer", "predict")
"""Kinds whose pictures are timed one by one."""


@dataclass(frozen=True)
class DatasetSize:
    """What a prepared dataset holds.

    Attributes:
        items: Pictures, or pairs of them.
        pixels: Over all items, each counted once however many layers it has.
        transmissions: Layers to be seen through the glass.
        reflections: Layers to be reflected.
        shared: Whether the same pictures serve as both.
    """

    items: int
    pixels: int
    transmissions: int
    reflections: int
    shared: bool


@dataclass(frozen=True)
class Work:
    """An amount of work.

    Attributes:
        units: Steps of a training, pictures of an inference or of a program; 1 for other stages.
        pixels: Over all units: of a training steps x batch x area of a sample; of others those of the pictures read.
    """

    units: int
    pixels: float

    @property
    def pixels_per_unit(self) -> float:
        """How large a unit is."""
        return self.pixels / self.units


def size_of_scenes(dataset: ScenesDataset) -> DatasetSize:
    """Return what scenes come to, from their description alone."""
    scenes = dataset.transmissions if dataset.blend is not None else (*dataset.transmissions, *dataset.reflections)
    counts = len(dataset.transmissions), len(dataset.reflections)
    return DatasetSize(len(scenes), sum(scene.height * scene.width for scene in scenes), *counts, shared=False)


def size_of_prepared(dataset: DatasetFile) -> DatasetSize:
    """Return what a prepared dataset's document tells."""
    layers = [(item.transmission, item.reflection) for item in dataset.items]
    return size_of_items([(item.height, item.width) for item in dataset.items], layers)


def size_of_items(sizes: Sequence[tuple[int, int]], layers: Sequence[tuple[str | None, str | None]]) -> DatasetSize:
    """Return what items come to.

    Args:
        sizes: Height and width of each.
        layers: File of the transmission and of the reflection of each, None where it has none.
    """
    transmissions = {first for first, _second in layers if first is not None}
    reflections = {second for _first, second in layers if second is not None}
    return DatasetSize(
        items=len(sizes),
        pixels=sum(height * width for height, width in sizes),
        transmissions=len(transmissions),
        reflections=len(reflections),
        shared=transmissions == reflections,
    )


def stage_work(kind: str, inputs: Iterator[DatasetSize | None]) -> Work | None:
    """Return the work of a stage that is no training; None where a dataset that it reads is not known.

    Args:
        inputs: The datasets that it reads or prepares; none for stages that read no pictures.
    """
    sizes = list(inputs)
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return None
    pixels = sum(size.pixels for size in known)
    return Work(max(1, sum(size.items for size in known)) if kind in _ANSWERING else 1, pixels)


def training_work(
    recipe: Mapping[str, Any], rule: EpochRule | None, datasets: Mapping[str, DatasetSize | None]
) -> Work | None:
    """Return the work of a training; None where it does not follow from its recipe and datasets.

    Pictures that an overlap takes out are not known beforehand and count.

    Args:
        recipe: Values, of which `epochs`, `steps`, `batch`, `limit`, `sampling`, and `crop` or `width` are read.
        rule: What an epoch goes through where the recipe has no limit.
        datasets: By role: synthetic, and where there are any real and unaligned.
    """
    batch, spans = _count(recipe.get("batch", 1)), list(_spans(recipe))
    only = _count(recipe.get("steps"))
    if only is not None and "epochs" not in recipe:
        return work_of_steps(recipe, only)
    lengths = [_epoch_length(recipe, rule, datasets, epoch=begin) for begin, _end in spans]
    if batch is None or not lengths or None in lengths:
        return None
    timed = [(end - begin, length) for (begin, end), length in zip(spans, lengths, strict=True) if length is not None]
    steps = sum(epochs * math.ceil(length / batch) for epochs, length in timed)
    steps = min(steps, _count(recipe.get("steps")) or steps)
    return work_of_steps(recipe, steps) if steps else None


def work_of_steps(recipe: Mapping[str, Any], steps: int) -> Work:
    """Return the work of so many steps by a recipe; every batch counts as full, so that all steps are alike."""
    return Work(steps, steps * (_count(recipe.get("batch", 1)) or 1) * sample_pixels(recipe))


def sample_pixels(recipe: Mapping[str, Any]) -> float:
    """Return the area of a training sample by a recipe, in pixels.

    A `crop` is a square's side, or a height and a width; a `width` a range that widths are drawn from, squares on
    average. A recipe that names neither has samples of one size, that of its datasets: then it is 1.
    """
    crop, width = recipe.get("crop"), recipe.get("width")
    if _is_number(crop):
        return float(crop) ** 2
    if _is_pair(crop):
        return float(crop[0]) * float(crop[1])
    if _is_pair(width):
        least, most = float(width[0]), float(width[1])
        return (least**2 + least * most + most**2) / 3
    return 1.0


def _spans(recipe: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Yield first and last epoch, the last one excluded, of spans in which epochs are alike."""
    epochs = _count(recipe.get("epochs")) or 0
    begins = [entry.get("epoch") for entry in _shares(recipe)]
    bounds = sorted({0, epochs, *(begin for begin in begins if isinstance(begin, int) and 0 < begin < epochs)})
    yield from pairwise(bounds)


def _epoch_length(
    recipe: Mapping[str, Any], rule: EpochRule | None, datasets: Mapping[str, DatasetSize | None], *, epoch: int
) -> int | None:
    """Return how many samples an epoch has, counted from 0."""
    limit = _count(recipe.get("limit"))
    full = _full_length(rule, datasets, unaligned=_unaligned(recipe, epoch))
    if limit is None or full is None:
        return full if limit is None else limit
    return min(limit, full) if rule == "couples" else limit


def _full_length(rule: EpochRule | None, datasets: Mapping[str, DatasetSize | None], *, unaligned: bool) -> int | None:
    """Return how many samples an epoch without a limit has."""
    layers, real = datasets.get("synthetic"), datasets.get("real")
    if rule is None or layers is None or ("real" in datasets and real is None):
        return None
    synthetic = layers.transmissions
    if rule == "couples" and layers.shared:
        synthetic //= 2
    others = datasets.get("unaligned") if unaligned else None
    return synthetic + sum(size.items for size in (real, others) if size is not None)


def _unaligned(recipe: Mapping[str, Any], epoch: int) -> bool:
    """Whether an epoch, counted from 0, draws unaligned pairs."""
    begun = [entry for entry in _shares(recipe) if entry.get("epoch", 0) <= epoch]
    return bool(begun and max(begun, key=lambda entry: entry.get("epoch", 0)).get("unaligned"))


def _shares(recipe: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the shares of datasets by epoch, as this project means them; a plug-in may mean another thing."""
    entries = recipe.get("sampling")
    if not isinstance(entries, list | tuple):
        return []
    return [entry for entry in entries if isinstance(entry, Mapping) and _is_epoch(entry.get("epoch", 0))]


def _is_epoch(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _count(value: Any) -> int | None:
    return int(value) if _is_number(value) and value >= 1 else None


def _is_pair(value: Any) -> TypeGuard[Sequence[float]]:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0

"""Which pictures are trained on and tested on: the same pixels, or a picture cropped, scaled, turned or compressed."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from orchestrator.datasets.identifiers import natural_order
from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.datasets.template_matching import TemplateMatch, template_match
from orchestrator.datasets.turns import TURNS, Turn
from orchestrator.datasets.whole_index import WholeIndex
from orchestrator.datasets.windows import (
    WHOLE,
    Rectangle,
    shape_of,
    small_grey,
    whole_description,
    window_descriptions,
    window_rectangles,
)
from stagekit.results.overlap import OverlapKind, SceneOverlap

CANDIDATE = 0.7
"""Descriptions that agree at least so much (their product, 1 where equal) are looked at in detail."""

CORRELATION = 0.62
"""Pictures whose detail correlates at least so much are near-duplicates."""

_LITTLE_DETAIL = 30.0
"""Below this much detail (see `TemplateMatch`) pictures resemble each other by chance, and must correlate more."""

_LITTLE_DETAIL_CORRELATION = 0.8

_NO_DETAIL = 5.0
"""Below this nothing can be told from the detail: only the same pixels count."""

_BATCH = 16
"""So many pictures are searched at a time by one thread."""


@dataclass(frozen=True)
class LayerFile:
    """One picture file of a dataset, with the scene and the layer that it is."""

    dataset: str
    scene: str
    layer: str
    path: Path


@dataclass(frozen=True)
class _Picture:
    """A file's fingerprint, and all the layers that it is: training data may name one file twice."""

    layers: tuple[LayerFile, ...]
    pixels: str
    grey: np.ndarray
    whole: np.ndarray
    shape: int

    @property
    def path(self) -> Path:
        return self.layers[0].path


@dataclass(frozen=True)
class _Found:
    """Two files that show the same.

    Attributes:
        turned: How one lies against the other, in words; empty where they lie alike.
    """

    kind: OverlapKind
    correlation: float
    turned: str = ""


@dataclass(frozen=True)
class _Candidate:
    """Where a picture may be found in another.

    Attributes:
        agreement: Of the descriptions.
        window: In the picture that holds the other.
        turn: Of the other.
    """

    agreement: float
    window: Rectangle
    turn: Turn


_Pairs = dict[tuple[int, int, Turn], _Candidate]
"""Pairs of pictures, (train, test), that may be the same, for each way of lying with what agrees best."""


@dataclass
class _Candidates:
    """The test picture may be in the training picture, or the other way round."""

    inside_train: _Pairs = field(default_factory=dict)
    inside_test: _Pairs = field(default_factory=dict)


def find_overlaps(
    train: Sequence[LayerFile], test: Sequence[LayerFile], progress: ProgressCallback
) -> list[SceneOverlap]:
    """Return every training scene that is a test scene too, in the order of their names.

    A picture is found in another where it keeps at least two fifths of the other's side, whichever way it lies.

    Args:
        progress: Called with how many of all pictures were read and searched.

    Raises:
        OSError: Where a picture cannot be read.
    """
    files = [_by_file(train), _by_file(test)]
    total = 2 * sum(map(len, files))
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    ours, theirs = (_fingerprints(layers, advance) for layers in files)
    found = dict(_same_pixels(ours, theirs))
    candidates = _Candidates()
    for (a, b), candidate in _searched(ours, theirs, advance):
        _keep(candidates.inside_train, (a, b), candidate)
    for (b, a), candidate in _searched(theirs, ours, advance):
        _keep(candidates.inside_test, (a, b), candidate)
    found.update(_confirmed(candidates, ours, theirs, found))
    return _by_scene(found, ours, theirs)


def pixel_hash(pixels: np.ndarray) -> str:
    """Return the SHA-256 of a picture's size and pixels, whatever file they came from.

    Args:
        pixels: uint8, (H, W, 3), RGB.
    """
    head = "x".join(map(str, pixels.shape)).encode()
    return hashlib.sha256(head + b"\0" + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def _by_file(layers: Iterable[LayerFile]) -> list[tuple[LayerFile, ...]]:
    files: defaultdict[Path, list[LayerFile]] = defaultdict(list)
    for layer in layers:
        files[layer.path].append(layer)
    return [tuple(group) for group in files.values()]


def _fingerprints(files: Sequence[tuple[LayerFile, ...]], advance: Callable[[], None]) -> list[_Picture]:
    pictures = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for picture in pool.map(_fingerprint, files):
            pictures.append(picture)
            advance()
    return pictures


def _fingerprint(layers: tuple[LayerFile, ...]) -> _Picture:
    with Image.open(layers[0].path) as opened:
        picture = _in_eight_bits(opened).convert("RGB")
    grey = small_grey(picture)
    return _Picture(
        layers,
        pixel_hash(np.asarray(picture)),
        grey,
        whole_description(grey),
        shape_of(picture.height, picture.width),
    )


def _same_pixels(train: Sequence[_Picture], test: Sequence[_Picture]) -> Iterator[tuple[tuple[int, int], _Found]]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for b, picture in enumerate(test):
        places[picture.pixels].append(b)
    for a, picture in enumerate(train):
        for b in places.get(picture.pixels, ()):
            yield (a, b), _Found("same pixels", 1.0)


def _searched(
    holders: Sequence[_Picture], sought: Sequence[_Picture], advance: Callable[[], None]
) -> Iterator[tuple[tuple[int, int], _Candidate]]:
    """Yield every (holder, sought) where a window of the first, or all of it, may be the second, lying in some way."""
    if not sought:
        return
    index = WholeIndex(np.stack([picture.whole for picture in sought]), [picture.shape for picture in sought])
    batches = [holders[start : start + _BATCH] for start in range(0, len(holders), _BATCH)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = pool.map(lambda batch: _shown(index, batch), batches)
        for number, (batch, candidates) in enumerate(zip(batches, found, strict=True)):
            for (holder, other), candidate in candidates:
                yield (number * _BATCH + holder, other), candidate
            for _ in batch:
                advance()


def _shown(index: WholeIndex, holders: Sequence[_Picture]) -> list[tuple[tuple[int, int], _Candidate]]:
    """Return which pictures of the index some pictures may show."""
    shown = []
    for number, holder in enumerate(holders):
        height, width = holder.grey.shape
        # Squeezed pictures are found by the whole, whose shape does not count.
        for found in index.alike(holder.whole, CANDIDATE):
            shown.append(((number, found.picture), _Candidate(found.value, WHOLE, found.turn)))
        for shape in index.shapes:
            for found in index.shown(window_descriptions(holder.grey, shape), shape, CANDIDATE):
                window = window_rectangles(height, width, shape)[found.window]
                shown.append(((number, found.picture), _Candidate(found.value, window, found.turn)))
    return shown


def _keep(kept: _Pairs, pair: tuple[int, int], candidate: _Candidate) -> None:
    key = (*pair, candidate.turn)
    if key not in kept or kept[key].agreement < candidate.agreement:
        kept[key] = candidate


def _confirmed(
    candidates: _Candidates,
    train: Sequence[_Picture],
    test: Sequence[_Picture],
    known: dict[tuple[int, int], _Found],
) -> dict[tuple[int, int], _Found]:
    jobs = [((a, b), train[a], test[b], found) for (a, b, _), found in candidates.inside_train.items()]
    jobs += [((a, b), test[b], train[a], found) for (a, b, _), found in candidates.inside_test.items()]
    jobs = sorted((job for job in jobs if job[0] not in known), key=lambda job: (job[0], TURNS.index(job[3].turn)))
    found: dict[tuple[int, int], _Found] = {}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        alike = pool.map(lambda job: _match(*job[1:]), jobs)
        for (pair, _, _, candidate), match in zip(jobs, alike, strict=True):
            if _is_duplicate(match) and match.correlation > getattr(found.get(pair), "correlation", -1.0):
                found[pair] = _Found("near-duplicate", round(match.correlation, 3), candidate.turn.words)
    return found


def _match(holder: _Picture, sought: _Picture, candidate: _Candidate) -> TemplateMatch:
    return template_match(_grey(holder.path), candidate.turn.picture(_grey(sought.path)), candidate.window)


def _is_duplicate(match: TemplateMatch) -> bool:
    if match.detail < _NO_DETAIL:
        return False
    return match.correlation >= (CORRELATION if match.detail >= _LITTLE_DETAIL else _LITTLE_DETAIL_CORRELATION)


@lru_cache(maxsize=64)
def _grey(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        return _in_eight_bits(opened).convert("L")


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Return a picture with 8 bits a value; Pillow itself would cut 16-bit grey off at 255."""
    if not picture.mode.startswith("I"):
        return picture
    return Image.fromarray((np.asarray(picture).astype(np.int64) >> 8).astype(np.uint8))


def _by_scene(
    found: dict[tuple[int, int], _Found], train: Sequence[_Picture], test: Sequence[_Picture]
) -> list[SceneOverlap]:
    """Return one overlap for every two scenes, with all their layers that are the same."""
    scenes: defaultdict[tuple[str, str, str, str], list[tuple[str, _Found]]] = defaultdict(list)
    for (a, b), what in found.items():
        for ours in train[a].layers:
            for theirs in test[b].layers:
                names = (ours.dataset, ours.scene, theirs.dataset, theirs.scene)
                scenes[names].append((f"{ours.layer} = {theirs.layer} {what.turned}".rstrip(), what))
    overlaps = []
    for names, matches in sorted(scenes.items(), key=lambda item: tuple(map(natural_order, item[0]))):
        same = [item for item in matches if item[1].kind == "same pixels"] or matches
        layers = tuple(sorted({words for words, _ in same}))
        overlaps.append(SceneOverlap(*names, same[0][1].kind, layers, max(what.correlation for _, what in same)))
    return overlaps

"""How large datasets are before they are prepared: by their descriptions, their index, or the heads of their files."""

import math
import struct
from dataclasses import replace
from pathlib import Path

from orchestrator.datasets.patterns import matches
from orchestrator.datasets.prepared_index import PreparedIndex
from orchestrator.datasets.source_files import is_picture
from orchestrator.errors import SirrError
from orchestrator.plan.work import DatasetSize, size_of_items, size_of_scenes
from orchestrator.results import read_result
from orchestrator.spec.dataset import (
    Dataset,
    LayersDataset,
    PairsDataset,
    PhotosDataset,
    PreparedDataset,
    ScenesDataset,
)
from stagekit import BadInput

_HEAD_BYTES = 2**19
"""Of a JPEG file, in which its size stands behind thumbnails and colour profiles."""
_MOST_HEADS = 200
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_PLAIN_MARKERS = frozenset({0x01, 0xFF, *range(0xD0, 0xD8)})
"""Of JPEG, those without a length."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def described_size(dataset: Dataset) -> DatasetSize | None:
    """Return what a dataset will hold when it is prepared; None where that cannot be told before.

    Of a folder of many pictures, the sizes of some stand for all.
    """
    match dataset:
        case ScenesDataset():
            return size_of_scenes(dataset)
        case PreparedDataset(folder=folder):
            return None if folder is None else _indexed_size(folder)
        case PairsDataset(folder=folder, blended=pattern):
            return _folder_size(folder, pattern)
        case PhotosDataset(folder=folder, pictures=pattern):
            return _folder_size(folder, pattern)
        case LayersDataset():
            return _layers_size(dataset)


def picture_size(path: Path) -> tuple[int, int] | None:
    """Return height and width of a PNG or JPEG file, by its first bytes; None for any other file."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        return None
    if head.startswith(_PNG) and len(head) >= 24:
        width, height = struct.unpack(">II", head[16:24])
        return (height, width) if height and width else None
    return _jpeg_size(head) if head.startswith(_JPEG) else None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", head[place + 5 : place + 9])
            return (height, width) if height and width else None
        place += 1 if marker == 0xFF else 2
        if marker not in _PLAIN_MARKERS:
            place += int(struct.unpack(">H", head[place : place + 2])[0])
    return None


def _folder_size(folder: Path, pattern: str) -> DatasetSize | None:
    """Return what the pictures of a pattern come to, each an item that is seen through the glass."""
    try:
        files = [folder / one.path for one in matches(folder, pattern) if is_picture(folder, one.path)]
    except (BadInput, OSError):
        return None
    some = files[:: max(1, math.ceil(len(files) / _MOST_HEADS))]
    sizes = [size for size in map(picture_size, some) if size is not None]
    if not files or len(sizes) < len(some):
        return None
    pixels = sum(height * width for height, width in sizes) * len(files) // len(some)
    return DatasetSize(len(files), pixels, len(files), 0, shared=False)


def _layers_size(dataset: LayersDataset) -> DatasetSize | None:
    seen = _folder_size(dataset.folder, dataset.pictures)
    if seen is None or dataset.reflections is None:
        return None if seen is None else replace(seen, reflections=seen.items, shared=True)
    reflected = _folder_size(dataset.folder, dataset.reflections)
    if reflected is None:
        return None
    counts = seen.items + reflected.items, seen.pixels + reflected.pixels
    return DatasetSize(*counts, seen.items, reflected.items, shared=False)


def _indexed_size(folder: Path) -> DatasetSize | None:
    """Return what an index tells of a dataset that is uniform already."""
    try:
        items = read_result(PreparedIndex, folder).items
    except SirrError:
        return None
    layers = [(item.layers.get("transmission"), item.layers.get("reflection")) for item in items]
    files = [(None if seen is None else seen.file, None if back is None else back.file) for seen, back in layers]
    return size_of_items([(item.height, item.width) for item in items], files)

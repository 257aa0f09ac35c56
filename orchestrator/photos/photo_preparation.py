"""From a folder of a user's photographs to a prepared dataset that keeps all they hold."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.datasets.dataset_document import PreparedDataset, write_document
from orchestrator.datasets.description import PhotosDescription
from orchestrator.datasets.folders import Listing, found_pictures, identifiers_of, origin
from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, PHOTO_SUFFIXES
from orchestrator.datasets.preparation import Preparation, Preparing
from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.datasets.source_files import SourceReader
from orchestrator.photos import vips
from orchestrator.photos.photo import ReadingLimits, opened_photo
from orchestrator.photos.picture_writer import PictureForm, write_picture
from orchestrator.photos.strips import colours, transparency
from stagekit import BadInput
from stagekit.results.dataset import DatasetItem

_TYPES: Mapping[int, np.dtype[Any]] = {8: np.dtype(np.uint8), 16: np.dtype(np.uint16)}


def prepare_photos(
    preparation: Preparation, limits: ReadingLimits, progress: ProgressCallback, *, each_alone: bool = False
) -> Preparing:
    """Write a folder's photographs with their ``dataset.json``.

    Each becomes an RGB PNG of its own depth and in its own encoding, upright, its transparency beside it.

    Args:
        limits: What reading one may take.
        each_alone: Leave out what is unusable, and say so in the document.

    Raises:
        BadInput: Where the pattern fits no picture, and where pictures are unusable: all of them are named; with
            `each_alone` where none is usable.
    """
    description, source = preparation.description, preparation.source
    if not isinstance(description, PhotosDescription):
        raise BadInput(
            f"dataset {preparation.name!r} is none of photos", "use an image built with this orchestrator's version"
        )
    if source is None or not source.is_dir():
        raise BadInput(f"dataset {preparation.name!r} has no folder of pictures", "check the dataset's folder")
    sources = SourceReader(source, preparation.work)
    prepared = _prepared_folder(description, sources, preparation.output, limits, progress, each_alone=each_alone)
    write_document(preparation.output, preparation.name, preparation.title, prepared)
    return Preparing(sources.hashes, prepared.passed_over)


def _prepared_folder(
    photos: PhotosDescription,
    sources: SourceReader,
    output: Path,
    limits: ReadingLimits,
    progress: ProgressCallback,
    *,
    each_alone: bool,
) -> PreparedDataset:
    found, passed_over = found_pictures(sources.folder, photos.pictures)
    listing = Listing(sources, progress, len(found))
    items = []
    for identifier, match in zip(identifiers_of(found), found, strict=True):
        read = partial(_prepared, identifier, origin(match), output, limits)
        item = listing.read(match, read, FOREIGN_SUFFIXES - PHOTO_SUFFIXES)
        items += [item] if item is not None else []
        listing.item_done()
    if not each_alone or not items:
        listing.refuse_problems()
    return PreparedDataset("photos", tuple(items), passed_over=passed_over, left_out=listing.unusable)


def _prepared(identifier: str, source: str, output: Path, limits: ReadingLimits, path: Path) -> DatasetItem:
    """Write a photograph and return what is known of it.

    Raises:
        UnusablePicture: Where the picture cannot be used.
    """
    with opened_photo(path, limits) as photo:
        form = PictureForm(photo.size, _TYPES[photo.bits])
        blended, alpha, notes = f"blended/{identifier}.png", None, photo.notes
        write_picture(_place(output, blended), colours(photo.source()), form, photo.beside)
        if photo.has_alpha:
            alpha, notes = f"alpha/{identifier}.png", (*notes, "transparency kept apart")
            grey = replace(form, bands=1)
            write_picture(_place(output, alpha), transparency(photo.source()), grey, vips.Metadata())
        return DatasetItem(
            identifier, *photo.size, source, notes, blended, alpha=alpha, bits=photo.bits, kind=photo.kind
        )


def _place(output: Path, name: str) -> str:
    (output / name).parent.mkdir(parents=True, exist_ok=True)
    return str(output / name)

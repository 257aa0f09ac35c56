"""Datasets that were made uniform before: their files are taken as they are, each checked against the index."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from orchestrator.datasets.dataset_document import PictureFolder, PreparedDataset, dataset_item
from orchestrator.datasets.description import UniformDescription
from orchestrator.datasets.picture_reading import UnusablePicture
from orchestrator.datasets.prepared_index import IndexPicture, PreparedIndex
from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.datasets.source_files import SourceReader
from stagekit import BadInput
from stagekit.inside import read_inside
from stagekit.results.document import InvalidResult, read_document

INDEX = PreparedIndex.FILE_NAME
SCHEMA = PreparedIndex.SCHEMA
_SHOWN = 5


def read_index(folder: Path) -> PreparedIndex:
    """Return a prepared dataset's index; the files that it names lie in its folder, if they are there.

    Raises:
        BadInput: With every mistake, where there is none, or it is not as it should be.
    """
    return _index(folder, folder / INDEX)


def _index(folder: Path, place: Path) -> PreparedIndex:
    """Return the index of a folder, which is read at a place of its own."""
    try:
        return PreparedIndex.decode(read_document(str(place)), INDEX, str(folder))
    except InvalidResult as error:
        found = "; ".join(error.mistakes[:_SHOWN])
        more = f"; and {len(error.mistakes) - _SHOWN} more" if len(error.mistakes) > _SHOWN else ""
        raise BadInput(
            f"{folder} holds no prepared dataset: {INDEX}: {found}{more}",
            "prepare it again with: sirr-orch data prepare",
        ) from error


def prepared_uniform(
    uniform: UniformDescription, sources: SourceReader, output: PictureFolder, progress: ProgressCallback
) -> PreparedDataset:
    """Return a uniform dataset; its files are copied byte for byte.

    Raises:
        BadInput: Where a file is not there or is not the one that was prepared: all of them are named.
    """
    folder = sources.folder
    try:
        with sources.copy(PurePosixPath(INDEX)) as copy:
            index = _index(folder, copy)
    except UnusablePicture as error:
        raise BadInput(f"{INDEX} of {folder} {error}", "prepare it again with: sirr-orch data prepare") from error
    if index.role != uniform.role:
        raise BadInput(f"the dataset holds {index.role}, not {uniform.role}", "correct the dataset's role")
    items, wrong = [], []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        copied = pool.map(lambda entry: list(_copied(folder, entry.layers, output)), index.items)
        for done, (entry, problems) in enumerate(zip(index.items, copied, strict=True), 1):
            wrong += problems
            sources.hashes.update((picture.file, picture.sha256) for picture in entry.layers.values())
            paths = {layer: picture.file for layer, picture in entry.layers.items()}
            items.append(dataset_item(entry.id, (entry.height, entry.width), entry.origin, entry.notes, paths))
            progress(done, len(index.items))
    if wrong:
        named = "; ".join(wrong[:_SHOWN]) + (f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else "")
        raise BadInput(
            f"the prepared dataset was changed: {named}", "prepare it again with: sirr-orch data prepare NAME --replace"
        )
    return PreparedDataset(index.role, tuple(items), index.warnings, index.variant.text)


def _copied(folder: Path, layers: Mapping[str, IndexPicture], output: PictureFolder) -> Iterator[str]:
    """Copy an item's files; yield what is wrong with them."""
    for name, digest in {picture.file: picture.sha256 for picture in layers.values()}.items():
        try:
            content = read_inside(folder, name)
        except BadInput as error:
            yield error.message
            continue
        except OSError as error:
            yield f"{name}: {error.strerror or error}"
            continue
        if hashlib.sha256(content).hexdigest() != digest:
            yield f"{name} has another content"
        else:
            output.take(name, content)

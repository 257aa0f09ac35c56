"""From a dataset's description to its prepared folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.datasets.dataset_document import PictureFolder, PreparedDataset, write_document
from orchestrator.datasets.description import (
    Description,
    FolderDescription,
    PairsDescription,
    PhotosDescription,
    ScenesDescription,
    UniformDescription,
)
from orchestrator.datasets.folders import prepared_layers, prepared_pairs
from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.datasets.scenes import Blender, prepared_scenes
from orchestrator.datasets.source_files import SourceReader
from orchestrator.datasets.uniform import prepared_uniform
from stagekit import BadInput


@dataclass(frozen=True)
class Preparation:
    """What is to be prepared.

    Attributes:
        source: The user's folder, None for scenes.
        output: Where the dataset goes.
        work: Where copies of what is read may lie for a while; None: where temporary files go.
    """

    name: str
    title: str
    description: Description
    source: Path | None
    output: Path
    work: Path | None = None


@dataclass(frozen=True)
class Preparing:
    """How a preparation went.

    Attributes:
        read: SHA-256 of every file of the user's folder that was read, by its path inside it.
        passed_over: In words, which files were not taken.
        warnings: In words, what a reader must know.
    """

    read: Mapping[str, str]
    passed_over: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def prepare_dataset(preparation: Preparation, blend: Blender, progress: ProgressCallback) -> Preparing:
    """Write a dataset as uniform pictures with its ``dataset.json``.

    Args:
        blend: Used where scenes are to be blended.

    Raises:
        BadInput: Where the pictures or their description cannot be used.
    """
    description, source, output = preparation.description, preparation.source, PictureFolder(preparation.output)
    if isinstance(description, ScenesDescription):
        prepared, read = prepared_scenes(description, output, blend, progress), {}
    else:
        if source is None or not source.is_dir():
            raise BadInput(f"dataset {preparation.name!r} has no folder of pictures", "check the dataset's folder")
        sources = SourceReader(source, preparation.work)
        prepared, read = _prepared(description, sources, output, progress), sources.hashes
    write_document(preparation.output, preparation.name, preparation.title, prepared)
    return Preparing(read, prepared.passed_over, prepared.warnings)


def _prepared(
    description: FolderDescription, sources: SourceReader, output: PictureFolder, progress: ProgressCallback
) -> PreparedDataset:
    if isinstance(description, UniformDescription):
        return prepared_uniform(description, sources, output, progress)
    if isinstance(description, PairsDescription):
        return prepared_pairs(description, sources, output, progress)
    if isinstance(description, PhotosDescription):
        raise BadInput("photos are prepared where they are used", "use an image built with this orchestrator's version")
    return prepared_layers(description, sources, output, progress)

"""From a dataset's description to its prepared folder."""

from dataclasses import dataclass
from pathlib import Path

from orchestrator.datasets.dataset_document import PictureFolder, PreparedDataset, write_document
from orchestrator.datasets.description import (
    Description,
    PairsDescription,
    PhotosDescription,
    ScenesDescription,
    UniformDescription,
)
from orchestrator.datasets.folders import prepared_layers, prepared_pairs
from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.datasets.scenes import Blender, prepared_scenes
from orchestrator.datasets.uniform import prepared_uniform
from stagekit import BadInput


@dataclass(frozen=True)
class Preparation:
    """What is to be prepared.

    Attributes:
        source: The user's folder, None for scenes.
        output: Where the dataset goes.
    """

    name: str
    title: str
    description: Description
    source: Path | None
    output: Path


def prepare_dataset(preparation: Preparation, blend: Blender, progress: ProgressCallback) -> None:
    """Write a dataset as uniform pictures with its ``dataset.json``.

    Args:
        blend: Used where scenes are to be blended.

    Raises:
        BadInput: Where the pictures or their description cannot be used.
    """
    prepared = _prepared(preparation, PictureFolder(preparation.output), blend, progress)
    write_document(preparation.output, preparation.name, preparation.title, prepared)


def _prepared(
    preparation: Preparation, output: PictureFolder, blend: Blender, progress: ProgressCallback
) -> PreparedDataset:
    description, source = preparation.description, preparation.source
    if isinstance(description, ScenesDescription):
        return prepared_scenes(description, output, blend, progress)
    if source is None or not source.is_dir():
        raise BadInput(f"dataset {preparation.name!r} has no folder of pictures", "check the dataset's folder")
    if isinstance(description, UniformDescription):
        return prepared_uniform(description, source, output, progress)
    if isinstance(description, PairsDescription):
        return prepared_pairs(description, source, output, progress)
    if isinstance(description, PhotosDescription):
        raise BadInput("photos are prepared where they are used", "use an image built with this orchestrator's version")
    return prepared_layers(description, source, output, progress)

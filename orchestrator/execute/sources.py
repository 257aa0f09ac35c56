"""What stages read from outside the store: its digest before they run, and whether it was that when they read it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.datasets.description import dataset_description
from orchestrator.datasets.source_files import source_files
from orchestrator.errors import OutputInvalid
from orchestrator.plan.plan import Digest
from orchestrator.plan.stage import Stage
from orchestrator.store.content import entries_digest
from orchestrator.store.store import Store
from stagekit import BadInput
from stagekit.results.sources import SourcesFile


def source_digest(store: Store) -> Digest:
    """Return what tells the content of files and folders; of a dataset's folder only what its preparation reads."""

    def digest(path: Path, dataset: Mapping[str, Any] | None = None) -> str:
        return store.digest(path, None if dataset is None else source_files(dataset_description(dataset), path))

    return digest


def check_sources(stage: Stage, facts: Path, store: Store) -> None:
    """Refuse a result of other input than its key tells.

    A stage that tells what it read, as it read it, is held to that: an exchange that was undone before the stage ended
    shows nowhere else.

    Args:
        facts: The stage's folder for files about how it went.

    Raises:
        OutputInvalid: Where its input was changed while it ran.
    """
    read = _read(stage, facts)
    for name, source in stage.sources.items():
        if read is not None and name in read.read:
            found = entries_digest(read.files(name))
        else:
            found = source_digest(store)(source.path, source.dataset)
        if found != source.digest:
            raise OutputInvalid(
                f"the input {name!r} ({source.path}) was changed while {stage.name} ran",
                hint="run again; do not edit a dataset during a run",
            )


def _read(stage: Stage, facts: Path) -> SourcesFile | None:
    place = facts / SourcesFile.FILE_NAME
    if not place.exists():
        return None
    try:
        return SourcesFile.load(place)
    except BadInput as error:
        raise OutputInvalid(f"{stage.name} left an odd {place.name}: {error.message}", where=str(place)) from error

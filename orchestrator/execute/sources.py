"""What stages read from outside the store: its digest before they run, and whether it was that when they read it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.datasets.description import dataset_description
from orchestrator.datasets.source_files import source_files
from orchestrator.errors import OutputInvalid
from orchestrator.plan.stage import Digest, Stage
from orchestrator.store.content import entries_digest
from orchestrator.store.store import Store
from stagekit import BadInput
from stagekit.results.sources import SourcesFile

_SPOKEN_BYTES = 2**28
_EVERY_S = 10.0


class ReadingWords:
    """Says how far the reading of large inputs is: once at the beginning, and then every ten seconds.

    Args:
        say: Hears sentences.
        clock: Seconds.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._path: Path | None = None
        self._began = self._spoke = 0.0

    def __call__(self, path: Path, done: int, total: int) -> None:
        """Take that of a path `done` bytes of `total` were read."""
        if total < _SPOKEN_BYTES:
            return
        now = self._clock()
        if path != self._path:
            self._path, self._began, self._spoke = path, now, now
            size = f"{total / 2**30:.1f} GiB"
            self._say(f"reading {size} of {path} to know its content; what stays unchanged is not read again")
        elif now - self._spoke >= _EVERY_S:
            self._spoke = now
            left = (now - self._began) * (total - done) / max(done, 1)
            self._say(f"read {done / 2**30:.1f} of {total / 2**30:.1f} GiB of {path}; about {left:.0f} s are left")


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

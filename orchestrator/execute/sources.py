"""What stages read from outside the store: its digest before they run, and whether it was that when they read it."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.datasets.description import dataset_description
from orchestrator.datasets.source_files import source_files
from orchestrator.errors import OutputInvalid
from orchestrator.plan.answers import CLONE
from orchestrator.plan.stage import Digest, Source, Stage
from orchestrator.store.content import entries_digest
from orchestrator.store.store import Store
from stagekit import BadInput
from stagekit.clone import clone_files
from stagekit.results.sources import SourcesFile

_IDS_KEEP_LETTERS = "ids keep letters"
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
    """Return what tells the content of files and folders; of a dataset's folder only what its preparation reads.

    Links that lead out of the folder are not followed inside walls, so they are nothing that is read.
    """

    def digest(path: Path, dataset: Mapping[str, Any] | None = None) -> str:
        if dataset is None:
            return store.digest(path)
        if dataset == CLONE:
            return store.digest(path, clone_files(str(path)))
        files = source_files(dataset_description(dataset), path)
        names = [name for name in files if not _leads_out(path, name)]
        return _of_named(store.digest(path, names), names)

    return digest


def _of_named(digest: str, names: Iterable[str]) -> str:
    """Return the digest of a dataset's folder, and of how ids are made where its files have letters beyond ASCII.

    Before, such letters were lost from ids: what was prepared then has another key.
    """
    if all(name.isascii() for name in names):
        return digest
    return hashlib.sha256(f"{digest} {_IDS_KEEP_LETTERS}".encode()).hexdigest()


def _leads_out(folder: Path, name: str) -> bool:
    """Whether what lies at a path inside a folder is reached by a link to somewhere else."""
    return not (folder / name).resolve().is_relative_to(folder.resolve())


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
            files = read.files(name)
            _refuse_links(stage, source, files)
            found = entries_digest(files)
            if source.dataset is not None and source.dataset != CLONE:
                found = _of_named(found, files)
        else:
            found = source_digest(store)(source.path, source.dataset)
        if found != source.digest:
            raise OutputInvalid(
                f"the input {name!r} ({source.path}) was changed while {stage.name} ran",
                hint="run again; do not edit a dataset during a run",
            )


def _refuse_links(stage: Stage, source: Source, read: Iterable[str]) -> None:
    """Refuse a result of files that no key tells of: without walls a program can follow links anywhere."""
    outside = sorted(name for name in read if _leads_out(source.path, name)) if source.path.is_dir() else []
    if outside:
        more = f" and {len(outside) - 1} more" if len(outside) > 1 else ""
        raise OutputInvalid(
            f"{stage.name} read {outside[0]!r}{more} of {source.path}, links that lead out of that folder",
            hint="put the files themselves there, or name the folder that holds them",
        )


def _read(stage: Stage, facts: Path) -> SourcesFile | None:
    place = facts / SourcesFile.FILE_NAME
    if not place.exists():
        return None
    try:
        return SourcesFile.load(place)
    except BadInput as error:
        raise OutputInvalid(f"{stage.name} left an odd {place.name}: {error.message}", where=str(place)) from error

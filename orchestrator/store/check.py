"""Reads a store and compares it with its manifests."""

import os
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from orchestrator.errors import StoreError
from orchestrator.store.examine import Examination, Fault, Stamp, examine, read_manifest, recorded_files, right_stamp
from orchestrator.store.layout import Layout
from orchestrator.store.leases import held_if_free
from orchestrator.store.manifest import FileRecord
from orchestrator.store.need import needed_keys
from orchestrator.store.repair import move_aside, remove_surplus
from stagekit.left_behind import escaped_name

Progress = Callable[[int, int], None]
"""Hears how many bytes are read, and of how many."""


@dataclass(frozen=True)
class Finding:
    """One result that is not as its manifest says.

    Attributes:
        key: Of the result.
        stage: Its name in the run that made it, None where that is not known.
        faults: What is wrong, in words.
        damaged: Whether it must not be used.
        runs: Those that need it.
        done: What was done about it, None where it still lies there.
    """

    key: str
    stage: str | None
    faults: tuple[str, ...]
    damaged: bool
    runs: tuple[str, ...]
    done: str | None = None


@dataclass(frozen=True)
class Busy:
    """A result that another program is making."""

    key: str


@dataclass(frozen=True)
class Check:
    """What came of a check.

    Attributes:
        busy: Results that were being made meanwhile and were not looked at.
    """

    results: int
    files: int
    bytes: int
    seconds: float
    findings: tuple[Finding, ...] = ()
    foreign: tuple[str, ...] = ()
    """What lies among the results and is none, by its path in the store."""
    busy: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing that is wrong still lies there."""
        return not self.foreign and all(finding.done for finding in self.findings)

    @property
    def runs(self) -> tuple[str, ...]:
        """The runs that need damaged results."""
        return tuple(sorted({run for finding in self.findings if finding.damaged for run in finding.runs}))


def check_store(
    layout: Layout,
    keys: Collection[str] | None = None,
    *,
    repair: bool = False,
    jobs: int | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Check:
    """Compare results with their manifests, reading every byte; programs may use the store meanwhile.

    Args:
        layout: The store.
        keys: The results to look at; None: all, and what lies among them.
        repair: Set damaged results aside, and what does not belong to the others.
        jobs: Files that are read at the same time; None: one for each processor. Reading and hashing let go of the
            interpreter, so that threads do as well as processes.
        progress: Hears how far it is.

    Raises:
        StoreError: Where a damaged result cannot be set aside, or a run's record cannot be read.
    """
    began = time.monotonic()
    needed = needed_keys(layout)
    looked_at = sorted(set(layout.artifact_keys()) & set(keys)) if keys is not None else layout.artifact_keys()
    files = list(_files(layout, looked_at))
    known = _right(layout, files, jobs or len(os.sched_getaffinity(0)), progress)
    found = [_looked_at(layout, key, known.get(key, {}), needed.get(key, ()), repair=repair) for key in looked_at]
    findings = tuple(one for one in found if isinstance(one, Finding))
    busy = tuple(one.key for one in found if isinstance(one, Busy))
    foreign = (
        ()
        if keys is not None
        else tuple(map(escaped_name, (str(path.relative_to(layout.root)) for path in layout.foreign())))
    )
    total = sum(record.size for _key, _name, record in files)
    seconds = time.monotonic() - began
    return Check(len(looked_at), len(files), total, seconds, findings, foreign, busy)


def _files(layout: Layout, keys: Collection[str]) -> Iterator[tuple[str, str, FileRecord]]:
    for key in keys:
        manifest = read_manifest(layout.artifact(key), key)
        if not isinstance(manifest, Fault):
            yield from ((key, name, record) for name, record in recorded_files(manifest).items())


def _right(
    layout: Layout, files: list[tuple[str, str, FileRecord]], jobs: int, progress: Progress
) -> dict[str, dict[str, Stamp]]:
    """Read files, the large ones first, and return the stamps of those that are right, by key and name."""
    known: dict[str, dict[str, Stamp]] = {}
    largest_first = sorted(files, key=lambda file: -file[2].size)
    done, total = 0, sum(record.size for _key, _name, record in files)

    def stamp(file: tuple[str, str, FileRecord]) -> Stamp | None:
        key, name, record = file
        return right_stamp(layout.artifact(key), name, record)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for (key, name, record), found in zip(largest_first, pool.map(stamp, largest_first), strict=True):
            done += record.size
            progress(done, total)
            if found is not None:
                known.setdefault(key, {})[name] = found
    return known


def _looked_at(
    layout: Layout, key: str, known: dict[str, Stamp], runs: tuple[str, ...], *, repair: bool
) -> Finding | Busy | None:
    """Look at one result; where something is wrong, again while nobody else makes it."""
    found = examine(layout, key, known)
    if found is None or not found.faults:
        return None
    with held_if_free(layout.lease(key)) as free:
        if not free:
            return Busy(key)
        found = examine(layout, key, known)
        if found is None or not found.faults:
            return None
        done = _repaired(layout, found) if repair else None
    stage = found.manifest.stage if found.manifest else None
    return Finding(key, stage, tuple(fault.words for fault in found.faults), found.damaged, runs, done)


def _repaired(layout: Layout, found: Examination) -> str | None:
    """Set aside what is wrong; return what was done, None where nothing can be."""
    try:
        if found.damaged:
            return move_aside(layout, found)
        moved = remove_surplus(layout, found)
    except OSError as error:
        raise StoreError(
            f"the result {found.key[:12]} cannot be set aside: {error.strerror}",
            where=str(error.filename or layout.artifact(found.key)),
            hint="check its permissions and the disk",
        ) from error
    return f"moved among the damaged: {', '.join(map(escaped_name, moved))}" if moved else None

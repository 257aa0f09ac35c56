"""What fills a store: sizes as they are on disk, by run, kind, dataset and room."""

import contextlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.spec.stage_names import stage_dataset
from orchestrator.store.document_files import is_recorded
from orchestrator.store.examine import Fault, read_manifest
from orchestrator.store.layout import Layout
from orchestrator.store.need import needed_keys

_BLOCK_BYTES = 512
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class RunUsage:
    """What one run takes.

    Attributes:
        results: How many there are.
        own: Bytes that no other run needs.
        shared: Bytes that another run needs too.
        other: Its record and logs.
    """

    results: int
    own: int
    shared: int
    other: int


@dataclass(frozen=True)
class Usage:
    """What fills a store, in bytes on disk. Results that several runs need are counted once in all but `runs`."""

    total: int
    free: int
    runs: Mapping[str, RunUsage]
    kinds: Mapping[str, int]
    datasets: Mapping[str, int]
    rooms: Mapping[str, int]
    """results, environments, staging, runs, damaged, cache, comparisons, other."""
    shared: int
    """Bytes of results that several runs need."""
    unneeded: int
    """Bytes of results that no run needs."""
    environments: Mapping[str, int] = field(default_factory=dict)
    """Each environment, by its path below the store's environments."""


def disk_bytes(path: Path, seen: set[tuple[int, int]] | None = None) -> int:
    """Return what a file or folder takes on disk; links are not followed, what has several names counts once.

    Args:
        seen: Device and inode of what was counted already.
    """
    seen = set() if seen is None else seen
    total, folders = _own_bytes(path, seen), [path]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                inner = Path(entry.path)
                total += _own_bytes(inner, seen)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(inner)
    return total


def _own_bytes(path: Path, seen: set[tuple[int, int]]) -> int:
    with contextlib.suppress(OSError):
        status = path.lstat()
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            return status.st_blocks * _BLOCK_BYTES
    return 0


def store_usage(layout: Layout) -> Usage:
    """Return what fills the store; nothing is written, and programs may use it meanwhile.

    Raises:
        StoreError: Where a run's record cannot be read.
    """
    needed, seen = needed_keys(layout), set[tuple[int, int]]()
    sizes = {key: disk_bytes(layout.artifact(key), seen) for key in layout.artifact_keys()}
    kinds, datasets = _by_kind(layout, sizes)
    environments = {
        path.relative_to(layout.environments).as_posix(): disk_bytes(path, seen)
        for shelf in ("venvs", "code")
        for path in _inner(layout.environments / shelf)
    }
    rooms = {
        "results": sum(sizes.values()) + disk_bytes(layout.artifacts, seen),
        "environments": sum(environments.values()) + disk_bytes(layout.environments.resolve(), seen),
        "staging": disk_bytes(layout.stagings, seen),
    }
    runs = _by_run(layout, sizes, needed, seen)
    rooms["runs"] = sum(run.other for run in runs.values()) + disk_bytes(layout.runs, seen)
    rooms["damaged"] = disk_bytes(layout.damaged, seen)
    rooms["cache"] = disk_bytes(layout.cache, seen)
    rooms["comparisons"] = disk_bytes(layout.comparisons, seen)
    rooms["other"] = disk_bytes(layout.root, seen)
    status = os.statvfs(layout.root)
    return Usage(
        total=sum(rooms.values()),
        free=status.f_bavail * status.f_frsize,
        runs=runs,
        kinds=kinds,
        datasets=datasets,
        rooms=rooms,
        shared=sum(size for key, size in sizes.items() if len(needed.get(key, ())) > 1),
        unneeded=sum(size for key, size in sizes.items() if key not in needed),
        environments=environments,
    )


def _by_kind(layout: Layout, sizes: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    kinds: dict[str, int] = {}
    datasets: dict[str, int] = {}
    for key, size in sizes.items():
        manifest = read_manifest(layout.artifact(key), key)
        kind = UNREADABLE if isinstance(manifest, Fault) else manifest.kind
        kinds[kind] = kinds.get(kind, 0) + size
        dataset = None if isinstance(manifest, Fault) else stage_dataset(manifest.stage)
        if dataset is not None:
            datasets[dataset] = datasets.get(dataset, 0) + size
    return _largest_first(kinds), _largest_first(datasets)


def _by_run(
    layout: Layout, sizes: Mapping[str, int], needed: Mapping[str, Collection[str]], seen: set[tuple[int, int]]
) -> dict[str, RunUsage]:
    runs = {}
    for name in layout.run_names():
        there = {key: size for key, size in sizes.items() if name in needed.get(key, ())}
        if not there and not is_recorded(layout.run(name)):
            continue  # logs of a command that is no run
        own = sum(size for key, size in there.items() if len(needed[key]) == 1)
        runs[name] = RunUsage(len(there), own, sum(there.values()) - own, disk_bytes(layout.run(name), seen))
    return runs


def _largest_first(sizes: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _inner(folder: Path) -> Iterable[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else ()

"""Takes out of a store what no run needs and no program uses."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import StoreError
from orchestrator.store.disk import disk_error
from orchestrator.store.examine import Fault, read_manifest
from orchestrator.store.layout import Layout
from orchestrator.store.leases import held, held_if_free, keys_in_use, passed
from orchestrator.store.need import needed_keys
from orchestrator.store.usage import disk_bytes

IDLE_S = 3600.0
"""A staging or scratch folder in which something was written less than this ago is left: somebody may be at it."""

_CLEANING = "cleaning"
"""Name of the lease of who cleans up."""


@dataclass(frozen=True)
class Kept:
    """What must stay although no run needs it.

    Attributes:
        keys: Of results and stagings that jobs without a living program read or write.
        environments: Paths below the store's environments that recipes of today, or running jobs, use.
    """

    keys: Collection[str] = ()
    environments: Collection[Path] = ()


@dataclass(frozen=True)
class Removable:
    """One thing that can go.

    Attributes:
        kind: Result, staging, scratch, environment, damaged, comparison, trash or pack.
    """

    kind: str
    path: Path
    bytes: int
    words: str
    key: str | None = None
    """Of a result or a staging folder."""


@dataclass(frozen=True)
class Cleaned:
    """What came of a cleaning.

    Attributes:
        left: What somebody began to use, or need, since it was listed.
    """

    removed: tuple[Removable, ...] = ()
    left: tuple[Removable, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes on disk that are free now."""
        return sum(one.bytes for one in self.removed)


@dataclass(frozen=True)
class _Needs:
    """What is needed at one moment."""

    needed: Collection[str]
    used: Collection[str]
    kept: Kept = field(default_factory=Kept)

    def key(self, key: str) -> bool:
        return key in self.needed or key in self.used or key in self.kept.keys


def removables(layout: Layout, kept: Kept) -> list[Removable]:
    """Return what can go, the largest of each kind first; nothing is touched.

    Raises:
        StoreError: Where a run's record cannot be read: what it needs is not known then.
    """
    with passed(layout.gate, alone=True):
        needs = _needs(layout, kept)
    found = [
        *(_result(layout, key) for key in layout.artifact_keys() if not needs.key(key)),
        *(_staging(layout, key) for key in layout.staging_keys() if not needs.key(key) and _idle(layout.staging(key))),
        *(_plain("scratch", path, "left behind") for path in layout.scratch_folders() if is_abandoned(layout, path)),
        *(_plain("environment", path, "of no recipe of today") for path in _environments(layout, kept)),
        *(_plain("damaged", path, "set aside") for path in _inner(layout.damaged)),
        *(_plain("comparison", path, "can be rendered again") for path in _inner(layout.comparisons)),
        *(_plain("trash", path, "left by a cleaning that was cut short") for path in _trash(layout)),
        *(_plain("pack", path, "left by an unpacking that was cut short") for path in _unfinished(layout)),
    ]
    return sorted(found, key=lambda one: (one.kind, -one.bytes))


def clean(
    layout: Layout, listed: Iterable[Removable], kept: Kept, waiting: Callable[[], None] = lambda: None
) -> Cleaned:
    """Remove what was listed and can still go; other programs and cleaners may be at work.

    Everything is first moved out of sight, while nobody looks for results, and only then deleted: a kill in the middle
    leaves a good store, and the rest to the next cleaning.

    Args:
        layout: The store.
        listed: From `removables`.
        kept: As it is now: what was not at work when the list was made may be now.
        waiting: Called while another cleaning is at work, several times a second; may raise to give up.

    Raises:
        StoreError: Where something cannot be removed, or a run's record cannot be read.
    """
    removed: list[Removable] = []
    left: list[Removable] = []
    ours = f"{os.getpid()}-{os.urandom(4).hex()}"
    try:
        with held(layout.lease(_CLEANING), waiting):
            layout.trash.mkdir(exist_ok=True)
            moved = []
            with passed(layout.gate, alone=True):
                needs = _needs(layout, kept)
                for number, one in enumerate(listed):
                    target = layout.trash / f"{ours}-{number}"
                    gone = _moved(layout, one, target, needs)
                    (removed if gone else left).append(one)
                    moved += [target] if gone else []
            for target in moved:
                _delete(target)
    except OSError as error:
        raise disk_error(error, layout.root, "cleaning the store") or StoreError(
            f"{error.filename or layout.root} cannot be removed: {error.strerror}",
            hint="check its permissions, then run: sirr-orch store clean",
        ) from error
    return Cleaned(tuple(removed), tuple(left))


def discard_results(layout: Layout, keys: Iterable[str]) -> Cleaned:
    """Remove results by their keys, but those that a run needs or a program reads.

    Args:
        layout: The store.
        keys: Of results that no job without a living program reads.

    Raises what `clean` raises.
    """
    there = [key for key in dict.fromkeys(keys) if layout.artifact(key).is_dir()]
    return clean(layout, [_result(layout, key) for key in there], Kept()) if there else Cleaned()


def _needs(layout: Layout, kept: Kept) -> _Needs:
    """Return what is needed now. Only inside the gate, alone."""
    return _Needs(needed_keys(layout), keys_in_use(layout), kept)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _result(layout: Layout, key: str) -> Removable:
    manifest = read_manifest(layout.artifact(key), key)
    stage = manifest.words if isinstance(manifest, Fault) else manifest.stage
    return Removable("result", layout.artifact(key), disk_bytes(layout.artifact(key)), f"{stage}, {key[:12]}", key)


def _staging(layout: Layout, key: str) -> Removable:
    folder = layout.staging(key)
    return Removable("staging", folder, disk_bytes(folder), f"of no run, {key[:12]}", key)


def _plain(kind: str, path: Path, words: str) -> Removable:
    return Removable(kind, path, disk_bytes(path), words)


def _environments(layout: Layout, kept: Kept) -> Iterator[Path]:
    """Yield environments of no recipe of today; where they lie elsewhere, other stores may use them."""
    if layout.environments.is_symlink():
        return
    for shelf in ("venvs", "code"):
        for path in _inner(layout.environments / shelf):
            if path not in kept.environments and _idle(path):
                yield path
    yield from (path for path in layout.environments.glob("context-*") if _idle(path))


def _idle(folder: Path) -> bool:
    """Return whether nothing was written in a folder for a while."""
    since = time.time() - IDLE_S
    with contextlib.suppress(FileNotFoundError):
        return all(path.lstat().st_mtime < since for path in (folder, *_inner(folder)))
    return False


def is_abandoned(layout: Layout, folder: Path) -> bool:
    """Return whether no command uses a scratch folder or an unpacked pack; a job may read it still.

    Earlier versions locked none, so that it has to be idle too.
    """
    lease = layout.lease(folder.name)
    if lease.exists():
        with held_if_free(lease) as free:
            return free
    return _idle(folder)


def _trash(layout: Layout) -> list[Path]:
    """Return what a cleaning has left that is not at work any more."""
    with held_if_free(layout.lease(_CLEANING)) as free:
        return _inner(layout.trash) if free else []


def _unfinished(layout: Layout) -> list[Path]:
    """Return the folders of packs that nobody unpacks any more."""
    return [path for path in _inner(layout.incoming) if is_abandoned(layout, path)]


def _moved(layout: Layout, one: Removable, target: Path, needs: _Needs) -> bool:
    """Move one thing out of sight where it can still go. Only inside the gate, alone."""
    if one.key is not None and needs.key(one.key):
        return False
    if one.kind == "staging" and not _idle(one.path):
        return False
    if one.kind in {"scratch", "pack"} and not is_abandoned(layout, one.path):
        return False
    with contextlib.ExitStack() as holding:
        if one.key is not None:
            lease = layout.lease(one.key)
            if not holding.enter_context(held_if_free(lease)):
                return False
            lease.unlink(missing_ok=True)
            layout.verification(one.key).unlink(missing_ok=True)
        try:
            one.path.rename(target)
        except FileNotFoundError:  # another cleaner was quicker
            return False
    return True


def _inner(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []

"""The store: artifacts under their keys, staging folders, leases and run records. Nothing else writes there."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import StoreError
from orchestrator.plan.keys import Identity, ResultDigests
from orchestrator.store.clean import discard_results
from orchestrator.store.commit import (
    check_output,
    check_plain,
    committed_manifest,
    place_file,
    plain_folders,
    plain_size,
    recorded,
    set_modes,
    take_back,
)
from orchestrator.store.content import ContentDigests, ReadingProgress, entries_digest
from orchestrator.store.disk import name_is_taken, space_explained, sync, write_synced
from orchestrator.store.examine import Fault, examine, read_manifest
from orchestrator.store.layout import FACTS, MANIFEST, OUTPUT, READY, WORK, Layout
from orchestrator.store.leases import check_held, check_locks, held, held_if_free, look_anew, uses_of
from orchestrator.store.manifest import Manifest
from orchestrator.store.recent_reading import recent_reading
from orchestrator.store.record import RunRecord
from orchestrator.store.repair import sound_or_aside
from orchestrator.store.version import check_version, mark_version
from stagekit.left_behind import give_access, give_access_alone, remove_whatever


@dataclass(frozen=True)
class Artifact:
    """A finished stage's result.

    Attributes:
        folder: Holds the manifest, the output and the files about how it went.
    """

    folder: Path
    manifest: Manifest

    @property
    def key(self) -> str:
        """The key that names it."""
        return self.manifest.key

    @property
    def digests(self) -> ResultDigests:
        """What names its content in the keys of the stages that read it."""
        return ResultDigests(self.manifest.content, self.manifest.record)

    @property
    def output(self) -> Path:
        """The stage's output folder: its results."""
        return self.folder / OUTPUT

    @property
    def facts(self) -> Path:
        """The folder of the files about how it went; it may be missing where there are none."""
        return self.folder / FACTS

    @property
    def content(self) -> str:
        """The digest of its results alone, 64 hexadecimal digits."""
        return self.manifest.content


class Store:
    """One store on disk; any number of programs may use it at the same time."""

    def __init__(self, root: Path, reading: ReadingProgress | None = None, *, make: bool = True) -> None:
        """Open the store at `root`.

        Args:
            reading: Is told what is read of files outside, to know their content.
            make: Make it where it is not there; else it is then empty, and stays away as long as `make` is not called.
                Folders that a store lacks are made in any case.

        Raises:
            StoreError: Where the folder cannot be made or a newer program made it.
            NoSpace: Where the disk is full.
            StoreWithoutLocks: Where its file system has no locks.
        """
        self.root = root.absolute()
        self.layout = Layout(self.root)
        check_version(self.layout)
        if make or self.layout.is_store:
            self.make()
        self._digests = ContentDigests(self.layout.digests, reading, lambda: self.layout.is_store)
        self._read = recent_reading(self.root)

    def make(self) -> None:
        """Make it where it is not there; raises as opening it does."""
        layout = self.layout
        try:
            with space_explained(self._existing, f"making the store {self.root}"):
                for folder in (layout.artifacts, layout.stagings, layout.runs, layout.environments, layout.leases):
                    folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the store {self.root} cannot be made: {error.strerror}", hint="name another folder with --store"
            ) from error
        with contextlib.suppress(OSError):  # one that is full, or may only be read, can be looked at even so
            mark_version(layout)
            layout.trash.mkdir(exist_ok=True)  # there before the disk is full, so that it can be cleaned then
        check_locks(layout)

    @property
    def _existing(self) -> Path:
        """The store's folder, or the nearest one above that is there."""
        return next(folder for folder in (self.root, *self.root.parents) if folder.exists())

    @property
    def free_bytes(self) -> int:
        """Free space on the store's disk."""
        return shutil.disk_usage(self._existing).free

    def digest(self, path: Path, files: Iterable[str] | None = None) -> str:
        """Return the content hash of a file or folder; of a result of the store only if it is as it was committed.

        Args:
            files: Of a folder, those that count, and empty folders with a '/' behind them; None: all files.

        Raises:
            StoreError: Where it cannot be read, or is a damaged result, which is set aside.
        """
        key = self.layout.key_of(path)
        if key is not None and path == self.layout.artifact(key) / OUTPUT:
            manifest = self.read_artifact(key).manifest
            return entries_digest({name: record.sha256 for name, record in manifest.files.items()})
        try:
            return self._digests.digest(path, files)
        except OSError as error:
            words = f"{error.filename or path} cannot be read: {error.strerror}"
            raise StoreError(words, hint="check that it is there and its permissions") from error

    def artifact(self, key: str) -> Artifact | None:
        """Return the artifact of a key, or None where there is none or it is not complete.

        Complete: the manifest can be read and every file of the output has its size; without a file about how it went
        the result is as good. `sound_artifact` compares contents. What is returned stays while this process lives,
        whoever cleans up.
        """
        with uses_of(self.layout).noting(key):
            return self._complete(key)

    def sound_artifact(self, key: str, report_damage: Callable[[str], None], *, read: bool = False) -> Artifact | None:
        """Return the artifact of a key whose content is what was committed, None where there is none.

        A document is read every time, another file only where it was touched since it was last found right. A damaged
        artifact is set aside, so that its stage runs again.

        Args:
            key: The stage's key; its lease must not be held by this process.
            report_damage: Hears what was damaged and where it lies now.
            read: Read every file, as is due before something is computed from it: a disk can change bits without
                touching a file. What this process has read within a minute is not read again.

        Raises:
            StoreError: Where a file is there and cannot be read, or a damaged artifact cannot be moved.
        """
        with uses_of(self.layout).noting(key):
            if not self.layout.artifact(key).exists():
                return None
        began = self._read.now()
        found, sentence = sound_or_aside(self.layout, key, self._read.stamps(key) if read else None)
        if sentence is not None:
            report_damage(sentence)
        if found is None or found.manifest is None:
            return None
        if read:
            self._read.note(key, began, found.stamps)
        return Artifact(self.layout.artifact(key), found.manifest)

    def read_artifact(self, key: str) -> Artifact:
        """Return an artifact of which every byte was read and is as it was committed.

        Raises:
            StoreError: Where it is not there, or damaged and set aside.
        """
        damaged = [f"the result {key[:12]} is not in the store any more"]
        artifact = self.sound_artifact(key, damaged.append, read=True)
        if artifact is None:
            raise StoreError(damaged[-1], hint="run the experiment that made it again, which makes it again")
        return artifact

    def is_sound(self, key: str) -> bool:
        """Return whether the artifact of a key is there and, byte for byte, as it was committed; nothing is moved.

        What this process has read within a minute is not read again.

        Raises:
            StoreError: Where a file is there and cannot be read.
        """
        try:
            found = examine(self.layout, key, self._read.stamps(key))
        except OSError as error:
            words = f"{error.filename or self.layout.artifact(key)} cannot be read: {error.strerror}"
            raise StoreError(words, hint="check its permissions and the disk") from error
        return found is not None and not found.damaged

    def _complete(self, key: str) -> Artifact | None:
        folder = self.layout.artifact(key)
        manifest = read_manifest(folder, key)
        if isinstance(manifest, Fault):
            return None
        whole = all(plain_size(folder / OUTPUT / name) == record.size for name, record in manifest.files.items())
        return Artifact(folder, manifest) if whole else None

    def has_staging(self, key: str) -> bool:
        """Return whether an earlier run left something of this stage."""
        return (self._staging_folder(key) / WORK).is_dir()

    def staging(self, key: str) -> Path:
        """Return the staging folder of a key, with output, work and facts inside, as an interrupted run left it.

        Raises:
            NoSpace: Where the disk is full.
        """
        folder = self._staging_folder(key)
        with space_explained(self.root, "making a staging folder"):
            give_access(folder)
            plain_folders(folder)
            take_back(folder)
            for name in (OUTPUT, WORK, FACTS):
                (folder / name).mkdir(parents=True, exist_ok=True)
        return folder

    def discard_staging(self, key: str) -> None:
        """Remove what an earlier run left of this stage."""
        with contextlib.suppress(OSError):
            remove_whatever(self._staging_folder(key))

    def commit(
        self,
        identity: Identity,
        facts: Mapping[str, Any],
        required: Sequence[str],
        published: Callable[[], None] = lambda: None,
        about_files: Mapping[str, bytes] | None = None,
    ) -> Artifact:
        """Make the staged output an artifact: verified, hashed, on disk, read-only, then renamed to its key.

        The files about how it went come with it. Where another process has committed the same key, its artifact is
        returned; one that is not complete is replaced.

        Args:
            facts: For the manifest, as plain values.
            published: Called once the result is in its place, while its staging folder is still there.
            about_files: Further files about how it went; one of the same name that the stage left makes way.

        Raises:
            InUse: Where another program has taken over the stage's lease, as this one stood still for long.
            OutputInvalid: Where a required file is missing or empty, or a folder is or holds what is not plain.
            NoSpace: Where the disk is full.
        """
        staging = self._staging_folder(identity.key)
        check_held(self.layout.lease(identity.key), identity.stage)
        output, about = staging / OUTPUT, staging / FACTS
        with contextlib.suppress(OSError):  # then what follows says what is wrong
            give_access_alone(staging)
        for name in (OUTPUT, FACTS, READY):
            give_access(staging / name)
        check_output(identity, output, required)
        if not os.path.lexists(about):  # a link that leads nowhere is there too
            about.mkdir()
        check_plain(identity, about)
        with space_explained(self.root, f"keeping the result of {identity.stage}"):
            for name, content in (about_files or {}).items():
                place_file(about / name, content)
            manifest = committed_manifest(identity, recorded(output), recorded(about), facts)
            ready = staging / READY
            plain_folders(staging)
            shutil.rmtree(ready, ignore_errors=True)
            ready.mkdir()
            write_synced(ready / MANIFEST, manifest.model_dump_json(indent=1).encode())
            output.rename(ready / OUTPUT)
            about.rename(ready / FACTS)
            set_modes(ready, 0o444)
            sync(ready)
            with uses_of(self.layout).noting(identity.key):
                self._publish(ready, identity.key)
        published()
        self.discard_staging(identity.key)
        artifact = self.artifact(identity.key)
        if artifact is None:
            raise StoreError(
                f"the result of {identity.stage} was changed while it was kept",
                where=str(self._artifact_folder(identity.key)),
                hint="check the disk and run again",
            )
        return artifact

    def discard(self, keys: Iterable[str]) -> None:
        """Remove results that this process reads no more, but those that a run needs or another program reads.

        Raises:
            StoreError: Where one cannot be removed, or a run's record cannot be read.
        """
        named = list(keys)
        for key in named:
            uses_of(self.layout).release(key)
        discard_results(self.layout, named)

    @contextlib.contextmanager
    def lease(self, key: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the only right to realise a key, among threads and processes; it ends with this process at the latest.

        Args:
            waiting: Called at every look at a key that another holds, several times a second; may raise to give up.
        """
        lease = self.layout.lease(key)
        with held(lease, waiting):
            look_anew(self.layout, key)
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    lease.unlink()

    @contextlib.contextmanager
    def claimed(self, key: str) -> Iterator[bool]:
        """Hold the right to realise a key where nobody has it; yield whether it is held now."""
        lease = self.layout.lease(key)
        with held_if_free(lease) as free:
            try:
                yield free
            finally:
                if free:
                    with contextlib.suppress(OSError):
                        lease.unlink()

    @contextlib.contextmanager
    def scratch(self, purpose: str) -> Iterator[Path]:
        """Yield an empty folder in the store that goes away with the block, and with this process at the latest.

        Args:
            purpose: Begins its name, such as "photos".
        """
        with space_explained(self.root, "making a scratch folder"):
            made = tempfile.TemporaryDirectory(dir=self.layout.stagings, prefix=f"{purpose}-")
        with made as folder:
            lease = self.layout.lease(Path(folder).name)
            with held(lease):
                try:
                    yield Path(folder)
                finally:
                    with contextlib.suppress(OSError):
                        lease.unlink()

    def run(self, name: str) -> RunRecord:
        """Return the record of a run."""
        return RunRecord(self.layout.run(name))

    def run_names(self) -> list[str]:
        """Return the names of all runs."""
        return self.layout.run_names()

    def _publish(self, ready: Path, key: str) -> None:
        """Rename a complete folder to its key, unless a complete one is there."""
        target = self._artifact_folder(key)
        target.parent.mkdir(exist_ok=True)
        try:
            ready.rename(target)
        except OSError as error:
            if not name_is_taken(error, target):
                raise
            if self.artifact(key) is None:
                aside = self._staging_folder(key) / f"damaged-{os.getpid()}"
                target.rename(aside)
                ready.rename(target)
        sync(target.parent)

    def _artifact_folder(self, key: str) -> Path:
        return self.layout.artifact(key)

    def _staging_folder(self, key: str) -> Path:
        return self.layout.staging(key)

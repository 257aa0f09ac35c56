"""The store: artifacts under their keys, staging folders, leases and run records. Nothing else writes there."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.errors import NoSpace, OutputInvalid, StoreError
from orchestrator.plan.keys import Identity
from orchestrator.store.content import ContentDigests, file_sha256, files_below
from orchestrator.store.manifest import FileRecord, Manifest
from orchestrator.store.record import RunRecord

_MANIFEST = "manifest.json"
_OUTPUT = "output"
_WORK = "work"
_READY = "ready"
_LEASE_POLL_S = 0.2


@dataclass(frozen=True)
class Artifact:
    """A finished stage's result. folder: holds the manifest and the output."""

    folder: Path
    manifest: Manifest

    @property
    def key(self) -> str:
        """The key that names it."""
        return self.manifest.key

    @property
    def output(self) -> Path:
        """The stage's output folder."""
        return self.folder / _OUTPUT


class Store:
    """One store on disk; any number of programs may use it at the same time."""

    def __init__(self, root: Path) -> None:
        """Open the store at `root`, and make it where it is not there.

        Raises: StoreError where the folder cannot be made.
        """
        self.root = root.absolute()
        try:
            for name in ("artifacts", "staging", "runs", "environments", "leases"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the store {self.root} cannot be made: {error.strerror}", hint="name another folder with --store"
            ) from error
        self._digests = ContentDigests(self.root / "digests.json")

    @property
    def free_bytes(self) -> int:
        """Free space on the store's disk."""
        return shutil.disk_usage(self.root).free

    def digest(self, path: Path) -> str:
        """Return the content hash of a file or folder outside the store."""
        return self._digests.digest(path)

    def artifact(self, key: str) -> Artifact | None:
        """Return the complete artifact of a key, or None.

        Raises: StoreError where one is there but its files are not those of its manifest.
        """
        folder = self._artifact_folder(key)
        try:
            manifest = Manifest.model_validate_json((folder / _MANIFEST).read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise StoreError(
                f"the manifest of {folder} cannot be read", hint=f"remove the folder {folder} and run again"
            ) from error
        for name, record in manifest.files.items():
            if not _has_size(folder / _OUTPUT / name, record.size):
                raise StoreError(
                    f"{name} in {folder} is missing or was changed", hint=f"remove the folder {folder} and run again"
                )
        return Artifact(folder, manifest)

    def verify(self, artifact: Artifact) -> list[str]:
        """Return the files that are not what they were when the artifact was committed."""
        return [
            name
            for name, record in artifact.manifest.files.items()
            if not (artifact.output / name).is_file() or file_sha256(artifact.output / name) != record.sha256
        ]

    def has_staging(self, key: str) -> bool:
        """Return whether an earlier run left something of this stage."""
        return (self._staging_folder(key) / _WORK).is_dir()

    def staging(self, key: str) -> Path:
        """Return the staging folder of a key, with output and work inside, as an interrupted run left it."""
        folder = self._staging_folder(key)
        half_committed = folder / _READY / _OUTPUT
        with _space_explained(self):
            if half_committed.is_dir() and not (folder / _OUTPUT).exists():
                half_committed.rename(folder / _OUTPUT)
            (folder / _OUTPUT).mkdir(parents=True, exist_ok=True)
            (folder / _WORK).mkdir(exist_ok=True)
        return folder

    def discard_staging(self, key: str) -> None:
        """Remove what an earlier run left of this stage."""
        shutil.rmtree(self._staging_folder(key), ignore_errors=True)

    def commit(self, identity: Identity, facts: Mapping[str, Any], required: Sequence[str]) -> Artifact:
        """Make the staged output an artifact: verified, hashed, on disk, then renamed to its key.

        Raises: OutputInvalid where a required file is missing or empty, NoSpace.
        """
        staging = self._staging_folder(identity.key)
        output = staging / _OUTPUT
        for name in required:
            if not (output / name).is_file() or not (output / name).stat().st_size:
                raise OutputInvalid(
                    f"{identity.stage} ended well but left no {name}", where=str(output), hint="look into its log"
                )
        with _space_explained(self):
            manifest = self._manifest(identity, output, facts)
            ready = staging / _READY
            shutil.rmtree(ready, ignore_errors=True)
            ready.mkdir()
            _write_synced(ready / _MANIFEST, manifest.model_dump_json(indent=1).encode())
            output.rename(ready / _OUTPUT)
            _sync_folder(ready)
            target = self._artifact_folder(identity.key)
            target.parent.mkdir(exist_ok=True)
            try:
                ready.rename(target)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            _sync_folder(target.parent)
        self.discard_staging(identity.key)
        return Artifact(target, manifest)

    @contextlib.contextmanager
    def lease(self, key: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the only right to realise a key; it ends with this process at the latest.

        waiting: called once where another process holds it.
        """
        with (self.root / "leases" / key).open("a") as stream:
            told = False
            while True:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not told and waiting is not None:
                        waiting()
                    told = True
                    time.sleep(_LEASE_POLL_S)
            yield

    def run(self, name: str) -> RunRecord:
        """Return the record of a run; its folder exists afterwards."""
        folder = self.root / "runs" / name
        folder.mkdir(exist_ok=True)
        return RunRecord(folder)

    def run_names(self) -> list[str]:
        """Return the names of all runs."""
        return sorted(path.name for path in (self.root / "runs").iterdir() if path.is_dir())

    def _artifact_folder(self, key: str) -> Path:
        return self.root / "artifacts" / key[:2] / key

    def _staging_folder(self, key: str) -> Path:
        return self.root / "staging" / key

    @staticmethod
    def _manifest(identity: Identity, output: Path, facts: Mapping[str, Any]) -> Manifest:
        files = {}
        for path in files_below(output):
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
            path.chmod(0o444)
            name = path.relative_to(output).as_posix()
            files[name] = FileRecord(sha256=file_sha256(path), size=path.stat().st_size)
        return Manifest(
            key=identity.key,
            stage=identity.stage,
            document=json.loads(json.dumps(identity.document)),
            files=files,
            facts=dict(facts),
        )


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _space_explained(store: Store) -> Iterator[None]:
    """Turn a full disk into an error that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoSpace(
            f"no space left on the store's disk: {store.free_bytes / 2**20:.0f} MiB free",
            where=str(store.root),
            hint="free some space, or put the store elsewhere with --store",
        ) from error

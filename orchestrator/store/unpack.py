"""Takes a pack into a store: read and verified as a whole before anything of it can be seen."""

import contextlib
import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestrator.errors import NoSpace, PackInvalid, SpecError
from orchestrator.inside import path_inside
from orchestrator.store.disk import space_explained
from orchestrator.store.document_files import RUN_FILE, load_document
from orchestrator.store.examine import Fault, read_manifest, recorded_files
from orchestrator.store.layout import FACTS, MANIFEST, WORK, Layout
from orchestrator.store.leases import held_if_free, uses_of
from orchestrator.store.pack_form import FROM_WHERE, INDEX, Member, PackIndex, member_place, parsed_index
from orchestrator.store.runs import recorded_runs
from orchestrator.store.store import Store

Progress = Callable[[int, int], None]
"""Hears how many bytes are read, and of how many."""

_CHUNK_BYTES = 2**20
_BLOCK_BYTES = 4096
_INDEX_BYTES = 2**30
"""An index is no larger: a million files take a quarter of it."""


@dataclass(frozen=True)
class Unpacked:
    """What came of a pack.

    Attributes:
        index: What it held.
        runs: The names that its runs have now.
        kept: Keys whose result or staging the store had.
    """

    index: PackIndex
    runs: tuple[str, ...]
    kept: tuple[str, ...]


@contextlib.contextmanager
def unpacking(
    store: Store, pack: Path, named: str | None = None, progress: Progress = lambda _done, _total: None
) -> Iterator["Unpacking"]:
    """Read and verify a pack beside the store; `publish` of what is yielded makes it part of the store.

    Args:
        store: Where it goes.
        pack: The file.
        named: What its run is to be called; only for a pack of one run. None: as it was.
        progress: Hears how far it is.

    Raises:
        PackInvalid: Where the file is no pack, cut short, changed, or of a newer format.
        SpecError: Where the store has a run of that name.
        NoSpace: Nothing is left behind, as with every failure.
    """
    with space_explained(store.root, f"unpacking {pack.name}"), _scratch(store.layout) as folder:
        with _opened(pack) as archive:
            index = _read_index(archive, pack)
            names = _names(store, index, named)
            _check_space(store, index, pack)
            _extract(archive, pack, index, folder, progress)
        _check_content(folder, index)
        yield Unpacking(store, index, folder, names)


def unpack_result(pack: Path, key: str, folder: Path) -> Path:
    """Unpack one result into an empty folder, verified; return the folder of the result.

    Raises:
        PackInvalid: Where the file is no pack of this result alone, is cut short, or was changed.
        OSError: Where it cannot be written.
    """
    with _opened(pack) as archive:
        index = _read_index(archive, pack)
        if (index.artifacts, index.runs, index.staging) != ((key,), (), ()):
            raise _changed(pack, INDEX)
        _extract(archive, pack, index, folder, lambda _done, _total: None)
    _check_content(folder, index)
    return folder / "artifacts" / key


@dataclass(frozen=True)
class Unpacking:
    """A pack that is read, verified, and no part of the store yet.

    Attributes:
        folder: Where its parts lie, by shelf.
    """

    store: Store
    index: PackIndex
    folder: Path
    names: dict[str, str]

    def publish(self) -> Unpacked:
        """Make results, what stopped stages go on from, and at last the runs part of the store.

        What the store has already stays. A kill in the middle leaves results that no run names yet.

        Raises:
            SpecError: Where somebody has made a run of that name meanwhile.
        """
        os.sync()
        kept = [key for key in self.index.artifacts if not self._publish_artifact(key)]
        kept += [key for key in self.index.staging if not self._publish_staging(key)]
        for name, new_name in self.names.items():
            try:
                target = self.store.layout.run(new_name)
                if target.is_dir() and not any(target.iterdir()):
                    target.rmdir()
                (self.folder / "runs" / name).rename(target)
            except OSError as error:
                raise _run_is_there(new_name) from error
        return Unpacked(self.index, tuple(self.names.values()), tuple(kept))

    def _publish_artifact(self, key: str) -> bool:
        source, target = self.folder / "artifacts" / key, self.store.layout.artifact(key)
        for path in source.rglob("*"):
            if path.is_file():
                path.chmod(0o444)
        with uses_of(self.store.layout).noting(key):
            if self.store.sound_artifact(key, lambda _said: None) is not None:
                return False
            target.parent.mkdir(exist_ok=True)
            source.rename(target)
        return True

    def _publish_staging(self, key: str) -> bool:
        layout = self.store.layout
        if layout.artifact(key).is_dir() or layout.staging(key).is_dir():
            return False
        with held_if_free(layout.lease(key)) as free:
            if free:
                (self.folder / "staging" / key).rename(layout.staging(key))
        return free


@contextlib.contextmanager
def _scratch(layout: Layout) -> Iterator[Path]:
    """Yield a new folder that goes away with the block; what a killed program leaves, a cleaning removes."""
    folder = layout.incoming / f"{os.getpid()}-{os.urandom(4).hex()}"
    lease = layout.lease(folder.name)
    layout.incoming.mkdir(exist_ok=True)
    with held_if_free(lease):
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lease.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened(pack: Path) -> Iterator[tarfile.TarFile]:
    try:
        with pack.open("rb", buffering=_CHUNK_BYTES) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            yield archive
    except tarfile.TarError as error:
        raise PackInvalid(
            f"{pack.name} is no pack, or is cut short: {error}", where=str(pack), hint="copy or make the pack again"
        ) from error
    except FileNotFoundError as error:
        if Path(error.filename or "") != pack:
            raise
        raise SpecError(f"there is no file {pack}", hint="check the path") from error
    except IsADirectoryError as error:
        raise SpecError(f"{pack} is a folder", hint="name a file that sirr-orch store pack has written") from error


def _read_index(archive: tarfile.TarFile, pack: Path) -> PackIndex:
    first = archive.next()
    if first is None or first.name != INDEX or not first.isreg() or first.size > _INDEX_BYTES:
        raise PackInvalid(
            f"{pack.name} is no pack: it does not begin with {INDEX}",
            where=str(pack),
            hint="name a file that sirr-orch store pack has written",
        )
    stream = archive.extractfile(first)
    assert stream is not None  # a plain file has content
    content = stream.read()
    if len(content) < first.size:
        raise _cut(pack)
    return parsed_index(content)


def _names(store: Store, index: PackIndex, named: str | None) -> dict[str, str]:
    """Return the names that the runs get, by those that they had."""
    if named is not None and len(index.runs) != 1:
        raise SpecError(f"the pack holds {len(index.runs)} runs: a name can be given to one alone", hint="omit --as")
    names = {name: named or name for name in index.runs}
    taken = set(recorded_runs(store)) & set(names.values())
    if taken:
        raise _run_is_there(sorted(taken)[0])
    return names


def _run_is_there(name: str) -> SpecError:
    return SpecError(
        f"the store has a run {name!r} already",
        hint="give the pack's another name with --as, or remove the store's with: sirr-orch runs remove",
    )


def _check_space(store: Store, index: PackIndex, pack: Path) -> None:
    needed = sum(-(-member.size // _BLOCK_BYTES) * _BLOCK_BYTES for member in index.members)
    if needed > store.free_bytes:
        raise NoSpace(
            f"{pack.name} unpacks to {needed / 2**20:.0f} MiB, and {store.free_bytes / 2**20:.0f} MiB are free",
            where=str(store.root),
            hint="free some space, or unpack into another store with --store",
        )


def _extract(archive: tarfile.TarFile, pack: Path, index: PackIndex, folder: Path, progress: Progress) -> None:
    """Write the members, each of which has to be the next that the index tells of."""
    done, total = 0, sum(member.size for member in index.members)
    for member in index.members:
        entry = archive.next()
        if entry is None:
            raise _cut(pack)
        if entry.name != member.name or not entry.isreg() or entry.issparse() or entry.size != member.size:
            raise _changed(pack, member.name)
        source = archive.extractfile(entry)
        assert source is not None  # a plain file has content
        _write(source, folder, member, pack, entry.mtime)
        done += member.size
        progress(done, total)
    if archive.next() is not None:
        raise PackInvalid(f"{pack.name} holds more than its index tells of", where=str(pack), hint=FROM_WHERE)


def _write(source: IO[bytes], folder: Path, member: Member, pack: Path, mtime: float) -> None:
    place = member_place(member.name)
    try:
        target = path_inside(folder / place.shelf / place.name, place.inner)
    except ValueError as error:
        raise _changed(pack, member.name) from error
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as stream:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            stream.write(chunk)
    if size < member.size:
        raise _cut(pack)
    if digest.hexdigest() != member.sha256:
        raise _changed(pack, member.name)
    target.chmod(0o755 if member.executable else 0o644)
    os.utime(target, (mtime, mtime))


def _check_content(folder: Path, index: PackIndex) -> None:
    """Refuse a pack whose parts are not what its index says they are."""
    for name in index.runs:
        run = folder / "runs" / name
        if not (run / RUN_FILE).is_file():
            raise PackInvalid(f"the pack has no document of the run {name!r}", hint=FROM_WHERE)
        load_document(run)
    packed: dict[str, dict[str, str]] = {}
    for member in index.members:
        place = member_place(member.name)
        if place.shelf == "artifacts":
            packed.setdefault(place.name, {})[place.inner] = member.sha256
    for key in index.artifacts:
        _check_result(folder / "artifacts" / key, key, packed.get(key, {}))
    for key in index.staging:
        (folder / "staging" / key / WORK).mkdir(parents=True, exist_ok=True)


def _check_result(artifact: Path, key: str, packed: dict[str, str]) -> None:
    manifest = read_manifest(artifact, key)
    if isinstance(manifest, Fault):
        raise PackInvalid(f"a result of the pack is damaged: {key[:12]}: {manifest.words}", hint=FROM_WHERE)
    recorded = {name: file.sha256 for name, file in recorded_files(manifest).items()}
    wanting = [name for name in recorded if name not in packed and not name.startswith(f"{FACTS}/")]
    other = [name for name, sha256 in packed.items() if name != MANIFEST and recorded.get(name) != sha256]
    if wanting or other:
        raise PackInvalid(f"a result of the pack is not what its manifest says: {key[:12]}", hint=FROM_WHERE)


def _cut(pack: Path) -> PackInvalid:
    return PackInvalid(f"{pack.name} is cut short", where=str(pack), hint="copy or make the pack again")


def _changed(pack: Path, name: str) -> PackInvalid:
    return PackInvalid(
        f"{pack.name} was changed after it was made: {name} is not what its index says",
        where=str(pack),
        hint="copy or make the pack again; nothing was unpacked",
    )

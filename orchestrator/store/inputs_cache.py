"""Results of many small files on a disk of the machine that reads them, filled from one packed file of the store.

Over a network every file costs a way there and back. A result that is worth it is packed once, beside the store's other
caches, comes over as one file, and is read by programs from a folder of this machine. Every byte of that folder is
compared with the result's manifest before each use, as a store's own results are.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import DISK_FULL, NoSpace, PackInvalid, StoreError
from orchestrator.file_system import file_system
from orchestrator.locks import lock
from orchestrator.store.commit import set_modes
from orchestrator.store.content import file_sha256
from orchestrator.store.disk import space_explained
from orchestrator.store.examine import Fault, read_manifest
from orchestrator.store.layout import OUTPUT, Layout, is_key
from orchestrator.store.leases import held
from orchestrator.store.manifest import Manifest
from orchestrator.store.pack import pack_result
from orchestrator.store.unpack import unpack_result

MOST_BYTES = 100 * 10**9
"""Of a folder for which nothing else is said."""

_LEAST_FILES = 200
"""A result of fewer files is read where it is."""
_LARGE_BYTES = 2**23
"""Of files that are as large on average, the network's speed counts and not its ways."""
_BLOCK_BYTES = 4096
_POLL_S = 0.2
_PARTIAL = ".partial-"

Say = Callable[[str], None]


@dataclass(frozen=True)
class InputsCache:
    """A folder of this machine.

    Attributes:
        layout: The store's.
        folder: Other stores may use it too.
        most_bytes: On disk; what was not read for longest makes way.
        in_use: Returns paths that programs read which outlived what had started them.
    """

    layout: Layout
    folder: Path
    most_bytes: int = MOST_BYTES
    in_use: Callable[[], Collection[Path]] = tuple

    def takes(self, path: Path) -> bool:
        """Return whether a folder is a result's output of many small files."""
        return self._manifest(path) is not None

    @contextlib.contextmanager
    def near(self, path: Path, say: Say) -> Iterator[Path]:
        """Yield the folder of this machine with what a result's output holds; the store's own where that cannot be.

        Args:
            path: Of an input, any; one that is not worth it is yielded as it is.
            say: Hears what kept it from being near, and that what was there was damaged.
        """
        manifest = self._manifest(path)
        if manifest is None:
            yield path
            return
        with contextlib.ExitStack() as kept:
            try:
                found = self._entry(manifest, say, kept)
            except OSError as error:
                if error.errno not in DISK_FULL:
                    say(f"inputs are read from the store: {self.folder} cannot be used ({error.strerror or error})")
                else:
                    say(f"inputs are read from the store: the disk of {self.folder} is full")
                found = None
            except (NoSpace, PackInvalid, StoreError) as error:
                say(f"inputs are read from the store: {error.message}")
                found = None
            yield path if found is None else found / OUTPUT

    def is_sound(self, output: Path, path: Path) -> bool:
        """Return whether what was yielded for a result's output is still, byte for byte, as the result."""
        manifest = self._manifest(path)
        return manifest is not None and _is_whole(output, manifest)

    def _manifest(self, path: Path) -> Manifest | None:
        key = self.layout.key_of(path)
        if key is None or path != self.layout.artifact(key) / OUTPUT:
            return None
        found = read_manifest(self.layout.artifact(key), key)
        if isinstance(found, Fault) or len(found.files) < _LEAST_FILES:
            return None
        return found if sum(file.size for file in found.files.values()) < _LARGE_BYTES * len(found.files) else None

    def _entry(self, manifest: Manifest, say: Say, kept: contextlib.ExitStack) -> Path | None:
        """Return the folder of a result, locked against being taken away for as long as `kept`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kind = file_system(self.folder)
        if not kind.is_local:
            say(f"inputs are read from the store: {self.folder} lies on {kind.kind}, which is no disk of this machine")
            return None
        entry = self.folder / manifest.key
        path = entry.with_suffix(".lock")
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        kept.callback(os.close, handle)
        damaged = False
        while True:
            lock(handle, path, shared=True, wait=True)
            if entry.is_dir():
                if _is_whole(entry / OUTPUT, manifest):
                    entry.touch()
                    return entry
                damaged = True
            if lock(handle, path):
                break
            if damaged and entry.is_dir():
                say(f"inputs are read from the store: their copy {entry} is damaged, and another program reads it")
                return None
            time.sleep(_POLL_S)
        if damaged and entry.is_dir():
            say(f"the copy {entry} was damaged and is made again")
            shutil.rmtree(entry)
        if not entry.is_dir() and not self._fill(entry, manifest, say):
            return None
        lock(handle, path, shared=True, wait=True)
        return entry if entry.is_dir() and _is_whole(entry / OUTPUT, manifest) else None

    def _fill(self, entry: Path, manifest: Manifest, say: Say) -> bool:
        needed = sum(-(-file.size // _BLOCK_BYTES) * _BLOCK_BYTES for file in manifest.files.values())
        with held(self.folder / "filling"):
            for left in self.folder.glob(f"{_PARTIAL}*"):
                shutil.rmtree(left, ignore_errors=True)
            if not self._has_room(needed):
                say(
                    f"inputs are read from the store: {needed / 1e9:.1f} GB find no room in the "
                    f"{self.most_bytes / 1e9:.1f} GB of {self.folder}"
                )
                return False
            partial = self.folder / f"{_PARTIAL}{manifest.key}"
            partial.mkdir()
            try:
                try:
                    made = unpack_result(self._pack(manifest.key), manifest.key, partial)
                except PackInvalid:
                    (self.layout.packs / f"{manifest.key}.tar").unlink(missing_ok=True)
                    shutil.rmtree(partial)
                    partial.mkdir()
                    made = unpack_result(self._pack(manifest.key), manifest.key, partial)
                set_modes(made, 0o444)
                made.rename(entry)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        return True

    def _pack(self, key: str) -> Path:
        """Return a result as one file; who comes first makes it."""
        packs = self.layout.packs
        pack = packs / f"{key}.tar"
        with space_explained(self.layout.root, "packing inputs"), held(self.layout.lease(f"packing-{key[:12]}")):
            if not pack.is_file():
                packs.mkdir(parents=True, exist_ok=True)
                for other in packs.glob("*.tar"):
                    if not self.layout.artifact(other.stem).is_dir():
                        other.unlink(missing_ok=True)
                pack_result(self.layout, key, pack)
        return pack

    def _has_room(self, needed: int) -> bool:
        """Take away what was not read for longest until so many bytes fit; what is being read stays."""
        entries = sorted((path for path in self.folder.iterdir() if is_key(path.name)), key=_last_read)
        sizes = {path: _bytes(path) for path in entries}
        in_use = self.in_use() if sum(sizes.values()) + needed > self.most_bytes else ()
        for path in entries:
            if sum(sizes.values()) + needed <= self.most_bytes:
                break
            if not any(used.is_relative_to(path) for used in in_use) and _taken_away(path):
                del sizes[path]
        return sum(sizes.values()) + needed <= self.most_bytes


def _taken_away(path: Path) -> bool:
    """Remove an entry unless somebody reads it."""
    name = path.with_suffix(".lock")
    handle = os.open(name, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not lock(handle, name):
            return False
        shutil.rmtree(path)
    finally:
        os.close(handle)
    return True


def _is_whole(output: Path, manifest: Manifest) -> bool:
    """Return whether a folder holds a result's files as they were committed, and no others; every byte is read."""
    try:
        there = {path.relative_to(output).as_posix(): path for path in output.rglob("*") if not path.is_dir()}
        if there.keys() != manifest.files.keys():
            return False
        return all(
            path.stat().st_size == manifest.files[name].size and file_sha256(path) == manifest.files[name].sha256
            for name, path in there.items()
        )
    except OSError:
        return False


def _last_read(path: Path) -> float:
    return path.stat().st_mtime


def _bytes(path: Path) -> int:
    return sum(inner.lstat().st_blocks * 512 for inner in path.rglob("*"))

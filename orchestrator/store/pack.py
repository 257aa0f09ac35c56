"""Writes runs with all that belongs to them into one file."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from orchestrator import __version__
from orchestrator.errors import InUse, SpecError, StoreError
from orchestrator.store.disk import space_explained
from orchestrator.store.document_files import RUN_FILE, document_bytes, load_document
from orchestrator.store.examine import Fault, examine, read_manifest, recorded_files
from orchestrator.store.layout import FACTS, MANIFEST, OUTPUT, READY, WORK, Layout
from orchestrator.store.leases import held_if_free
from orchestrator.store.need import keys_of_run
from orchestrator.store.pack_form import (
    BLOCK,
    FORMAT,
    INDEX,
    REPORTS,
    Member,
    PackedEnvironment,
    PackIndex,
    Place,
    index_room,
    member_name,
    padded_index,
    padding,
    tar_header,
    unknown,
)
from orchestrator.store.reference import RunReference
from orchestrator.store.runs import run_at_rest, run_document
from orchestrator.store.store import Store

Progress = Callable[[int, int], None]
"""Hears how many bytes are written, and of about how many."""

_CHUNK_BYTES = 2**20
_STAGED = (OUTPUT, WORK, FACTS, READY)
_LEFT_OUT = ("work/cache/", "work/home/", "work/start.lock")
"""What a stopped stage has in its work folder and does not go on from."""


@dataclass(frozen=True)
class Entry:
    """A file to be packed.

    Attributes:
        size: None where it is known only once it is read.
        sha256: What it has to be, where that is known.
    """

    place: Place
    chunks: Callable[[], Iterable[bytes]]
    size: int | None
    sha256: str | None = None
    executable: bool = False
    mtime: int = 0


@dataclass(frozen=True)
class Extras:
    """What goes into a pack besides runs, gathered by those that know about engines and data."""

    environments: tuple[PackedEnvironment, ...] = ()
    images: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    entries: Sequence[Entry] = ()


@dataclass
class _Contents:
    runs: list[str] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    staging: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


def pack_runs(
    store: Store,
    references: Sequence[RunReference],
    target: Path,
    extras: Extras = Extras(),
    progress: Progress = lambda _done, _total: None,
) -> PackIndex:
    """Write runs, their results, and what stopped stages go on from into one file; it appears when it is whole.

    Args:
        store: Where they are.
        references: The runs, or single revisions of them.
        target: The file; there must be none yet.
        extras: What else goes in.
        progress: Hears how far it is.

    Raises:
        SpecError: For a run that is not there, a file that is, or one that cannot be.
        StoreError: For a run that is in progress, or a result that is damaged.
        NoSpace: Nothing is left behind then.
    """
    with _name_explained(target):
        if target.exists():
            raise SpecError(f"{target} is there already", hint="name another file, or remove it first")
    if len({reference.run for reference in references}) < len(references):
        raise SpecError("a run is named twice", hint="name each run once")
    with contextlib.ExitStack() as held:
        contents = _Contents()
        for reference in references:
            _add_run(store, reference, contents, held)
        contents.entries.extend(extras.entries)
        with space_explained(_folder(target), f"writing {target.name}"), _appearing(target) as stream:
            return _write(stream, contents, extras, progress)


def _folder(target: Path) -> Path:
    folder = target.absolute().parent
    if not folder.is_dir():
        raise SpecError(f"there is no folder {folder}", hint="make it, or name another")
    return folder


def pack_result(layout: Layout, key: str, target: Path) -> None:
    """Write one result without its facts into one file, which appears when it is whole; each file is read once.

    Raises:
        StoreError: Where the result is damaged.
        OSError: Where the file cannot be written.
    """
    folder = layout.artifact(key)
    manifest = read_manifest(folder, key)
    if isinstance(manifest, Fault):
        raise StoreError(f"the result {key[:12]} is damaged ({manifest.words}): it cannot be packed", where=str(folder))
    entries = [_file(Place("artifacts", key, MANIFEST), folder / MANIFEST)]
    for name, record in manifest.files.items():
        path = folder / OUTPUT / name
        entries.append(
            Entry(Place("artifacts", key, f"{OUTPUT}/{name}"), partial(_chunks, path), record.size, record.sha256)
        )
    contents = _Contents(artifacts=[key], entries=entries)
    with _appearing(target) as stream:
        _write(stream, contents, Extras(), lambda _done, _total: None)


def _add_run(store: Store, reference: RunReference, contents: _Contents, held: contextlib.ExitStack) -> None:
    run_document(store, reference)
    try:
        held.enter_context(run_at_rest(store, reference.run))
    except InUse as error:
        raise InUse(
            f"the run {reference.run!r} is in progress: it cannot be packed",
            hint="wait until it has ended, or stop it with Ctrl-C",
        ) from error
    contents.runs.append(reference.run)
    contents.entries.extend(_run_files(store.layout, reference))
    for key in sorted(keys_of_run(store.layout, reference.run, reference.revision)):
        if key in contents.artifacts or key in contents.staging:
            continue
        if store.artifact(key) is not None or store.layout.artifact(key).is_dir():
            contents.artifacts.append(key)
            contents.entries.extend(_artifact_files(store.layout, key))
        elif store.has_staging(key):
            if not held.enter_context(held_if_free(store.layout.lease(key))):
                raise InUse(f"a stage of {reference.run!r} is running", hint="wait until it has ended")
            staged = list(_staged_files(store.layout, key))
            contents.staging += [key] if staged else []
            contents.entries.extend(staged)


def _run_files(layout: Layout, reference: RunReference) -> Iterator[Entry]:
    folder = layout.run(reference.run)
    for path in _plain_files(folder):
        inner = path.relative_to(folder)
        document = inner.name == RUN_FILE and (len(inner.parts) == 1 or inner.parts[0] == "revisions")
        if any(part in REPORTS for part in inner.parts) or (document and reference.revision is not None):
            continue
        yield _file(Place("runs", reference.run, inner.as_posix()), path)
    if reference.revision is not None:
        text = document_bytes(load_document(folder, reference.revision))
        yield Entry(Place("runs", reference.run, RUN_FILE), lambda: (text,), len(text))


def _artifact_files(layout: Layout, key: str) -> Iterator[Entry]:
    folder, found = layout.artifact(key), examine(layout, key)
    if found is None or found.manifest is None or found.damaged:
        said = found.sentence if found else "it went away"
        raise StoreError(
            f"the result {key[:12]} is damaged ({said}): it cannot be packed",
            where=str(folder),
            hint="set it aside with sirr-orch store check --repair, and run the experiment again",
        )
    yield _file(Place("artifacts", key, MANIFEST), folder / MANIFEST)
    for name, record in recorded_files(found.manifest).items():
        if (folder / name).is_file():
            yield _file(Place("artifacts", key, name), folder / name, record.sha256)


def _staged_files(layout: Layout, key: str) -> Iterator[Entry]:
    folder = layout.staging(key)
    for path in _plain_files(folder):
        inner = path.relative_to(folder).as_posix()
        if inner.startswith(tuple(f"{name}/" for name in _STAGED)) and not inner.startswith(_LEFT_OUT):
            yield _file(Place("staging", key, inner), path)


def _plain_files(folder: Path) -> Iterator[Path]:
    """Yield the plain files of a folder; links are left out, whatever they lead to."""
    for above, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(above, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _file(place: Place, path: Path, sha256: str | None = None) -> Entry:
    status = path.stat()
    return Entry(
        place,
        lambda: _chunks(path),
        status.st_size,
        sha256,
        executable=bool(status.st_mode & 0o100),
        mtime=int(status.st_mtime),
    )


def folder_entries(place: Place, folder: Path, left_out: Callable[[Path], bool] = lambda _path: False) -> list[Entry]:
    """Return entries for the plain files of a folder.

    Args:
        place: Of the folder.
        left_out: Of a path in it.
    """
    found = ((path, path.relative_to(folder)) for path in _plain_files(folder))
    return [
        _file(Place(place.shelf, place.name, str(Path(place.inner) / inner)), path)
        for path, inner in found
        if not left_out(inner)
    ]


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


@contextlib.contextmanager
def _appearing(target: Path) -> Iterator[IO[bytes]]:
    """Yield a file that gets its name when the block ends well, and is gone where it does not."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.partial")
    with _name_explained(target):
        opened = unfinished.open("xb", buffering=_CHUNK_BYTES)  # on a network each write is a way
    try:
        with opened as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def _name_explained(target: Path) -> Iterator[None]:
    """Tell the system's refusal of a file's name as a mistake of the user's; what disks refuse stays what it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR}:
            raise
        raise SpecError(f"{target} cannot be written: {error.strerror}", hint="name another file") from error


def _write(stream: IO[bytes], contents: _Contents, extras: Extras, progress: Progress) -> PackIndex:
    """Write the members behind room for their index, then the index."""
    names = [(member_name(entry.place), entry.executable) for entry in contents.entries]
    index = PackIndex(
        format=FORMAT,
        program=__version__,
        runs=tuple(contents.runs),
        artifacts=tuple(contents.artifacts),
        staging=tuple(contents.staging),
        environments=extras.environments,
        images=extras.images,
        data=extras.data,
        members=unknown(names),
    )
    room = index_room(index)
    head = tar_header(INDEX, room)
    stream.write(head + b" " * room + padding(room))
    total, done = sum(entry.size or 0 for entry in contents.entries), 0
    members = []
    for entry in contents.entries:
        members.append(_written(stream, entry))
        done += members[-1].size
        progress(done, max(done, total))
    stream.write(b"\0" * 2 * BLOCK)
    index = index.model_copy(update={"members": tuple(members)})
    stream.seek(len(head))
    stream.write(padded_index(index, room))
    return index


def _written(stream: IO[bytes], entry: Entry) -> Member:
    """Write one member; one of unknown size gets its header once it is written."""
    name = member_name(entry.place)
    begins = stream.tell()
    stream.write(tar_header(name, entry.size or 0, executable=entry.executable, mtime=entry.mtime))
    digest, size = hashlib.sha256(), 0
    for chunk in entry.chunks():
        digest.update(chunk)
        size += len(chunk)
        stream.write(chunk)
    stream.write(padding(size))
    if entry.size is None:
        ends = stream.tell()
        stream.seek(begins)
        stream.write(tar_header(name, size, executable=entry.executable, mtime=entry.mtime))
        stream.seek(ends)
    elif size != entry.size:
        raise StoreError(f"{name} was changed while it was packed", hint="pack again when nobody writes to it")
    found = digest.hexdigest()
    if entry.sha256 not in {None, found}:
        raise StoreError(f"{name} is damaged", hint="set it aside with: sirr-orch store check --repair")
    return Member(name=name, size=size, sha256=found, executable=entry.executable)

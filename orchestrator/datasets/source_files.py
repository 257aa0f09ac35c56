"""The files of a dataset's folder that decide what is prepared of it: which they are, and reading them once."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from orchestrator.datasets.description import (
    Description,
    LayersDescription,
    PairsDescription,
    PhotosDescription,
    ScenesDescription,
)
from orchestrator.datasets.patterns import matches
from orchestrator.datasets.picture_reading import (
    FOREIGN_SUFFIXES,
    SUFFIXES,
    UnusablePicture,
    identified,
    refuse_others_than_files,
)
from orchestrator.datasets.prepared_index import PreparedIndex
from stagekit import BadInput
from stagekit.results.document import InvalidResult

_CHUNK_BYTES = 2**20


def source_files(description: Description, folder: Path) -> tuple[str, ...]:
    """Return the paths, inside a dataset's folder, of all files that its preparation reads, sorted.

    What else lies there decides nothing: notes, what file managers leave, linked trees. There are none where the
    preparation will refuse the folder.
    """
    try:
        return tuple(sorted(set(_read_files(description, folder))))
    except BadInput:
        return ()


def _read_files(description: Description, folder: Path) -> Iterator[str]:
    patterns: list[str | None]
    match description:
        case ScenesDescription():
            return
        case PairsDescription(blended=blended, transmission=transmission, reflection=reflection):
            patterns = [blended, transmission, reflection]
        case LayersDescription(pictures=pictures, reflections=reflections):
            patterns = [pictures, reflections]
        case PhotosDescription(pictures=pictures):
            patterns = [pictures]
        case _:
            yield from _indexed_files(folder)
            return
    for pattern in filter(None, patterns):
        yield from (str(match.path) for match in matches(folder, pattern) if is_picture(folder, match.path))


def _indexed_files(folder: Path) -> Iterator[str]:
    yield PreparedIndex.FILE_NAME
    try:
        index = PreparedIndex.load(folder / PreparedIndex.FILE_NAME)
    except InvalidResult:
        return
    yield from (picture.file for item in index.items for picture in item.layers.values())


def is_picture(folder: Path, path: PurePosixPath) -> bool:
    """Return whether a file is taken for a picture: by the end of its name, or by its beginning where it has none."""
    suffix = path.suffix.lower()
    return suffix in SUFFIXES or suffix in FOREIGN_SUFFIXES or (not suffix and identified(folder / path))


class SourceReader:
    """Reads files of a folder, each once, and keeps the hash of what it read.

    Attributes:
        folder: Where they lie.
        hashes: SHA-256 by path inside the folder.

    Args:
        work: Where copies may lie; None: where temporary files go.
    """

    def __init__(self, folder: Path, work: Path | None = None) -> None:
        self.folder, self._work = folder, work
        self.hashes: dict[str, str] = {}

    @contextmanager
    def copy(self, path: PurePosixPath) -> Iterator[Path]:
        """Give a copy of a file, which nobody else can exchange while it is looked at again and again.

        Raises:
            UnusablePicture: Where the file cannot be read.
        """
        source = self.folder / path
        refuse_others_than_files(source)
        with tempfile.TemporaryDirectory(dir=self._work, prefix="picture-") as room:
            copy = Path(room, f"picture{path.suffix}")
            self.hashes[str(path)] = _copied(source, copy)
            yield copy


def _copied(source: Path, copy: Path) -> str:
    """Copy a file; return the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with copy.open("wb") as target, _opened(source) as descriptor:
        while chunk := _chunk(descriptor):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


@contextmanager
def _opened(source: Path) -> Iterator[int]:
    try:
        descriptor = os.open(source, os.O_RDONLY)
    except PermissionError as error:
        raise UnusablePicture("may not be read (permission denied)") from error
    except OSError as error:
        raise UnusablePicture(f"cannot be read: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _chunk(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _CHUNK_BYTES)
    except OSError as error:
        raise UnusablePicture(f"cannot be read: {error.strerror}") from error

"""Where predictions lie that somebody's program has written: in a folder, or in a zip file."""

import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from orchestrator.datasets.patterns import matches
from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, SUFFIXES, UnusablePicture
from orchestrator.datasets.source_files import SourceReader, is_picture
from stagekit import BadInput
from stagekit.inside import unsafe_name

PICTURES = "**/*"
"""Pattern of the files of a folder that are looked at."""

_LARGEST_BYTES = 2**30
_MOST_MEMBERS = 200_000


class PredictionFiles(Protocol):
    """Pictures, by their paths inside the folder of one dataset."""

    def names(self) -> list[PurePosixPath]:
        """Return the paths of all pictures, sorted."""

    def copy(self, path: PurePosixPath) -> AbstractContextManager[Path]:
        """Give a copy of a file for as long as the context lasts.

        Raises:
            UnusablePicture: Where the file cannot be read.
        """


class FolderPredictions:
    """The pictures of a folder and of the folders in it.

    Attributes:
        reader: Holds the hashes of what was read.
    """

    def __init__(self, folder: Path, work: Path | None = None) -> None:
        self.reader = SourceReader(folder, work)

    def names(self) -> list[PurePosixPath]:
        """Return the paths of all pictures, sorted.

        Raises:
            BadInput: Where the folder cannot be read.
        """
        folder = self.reader.folder
        return [match.path for match in matches(folder, PICTURES) if is_picture(folder, match.path)]

    def copy(self, path: PurePosixPath) -> AbstractContextManager[Path]:
        """Give a copy of a file.

        Raises:
            UnusablePicture: Where the file cannot be read.
        """
        return self.reader.copy(path)


class ZipPredictions:
    """The pictures of one folder of a zip file; members are read one by one, and never unpacked under their names.

    Args:
        archive: The file.
        folder: Which of its folders, such as the dataset's name; None takes all of it. A single folder at the top that
            holds everything is passed over.
        work: Where copies may lie.

    Raises:
        BadInput: Where the file is no zip file, is encrypted, or has no such folder.
    """

    def __init__(self, archive: Path, folder: str | None, work: Path | None = None) -> None:
        self._work = work
        try:
            self._archive = zipfile.ZipFile(archive)
            members = self._archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise BadInput(
                f"{archive.name} cannot be read as a zip file: {error}", "unpack it, name the folder"
            ) from error
        if len(members) > _MOST_MEMBERS:
            raise BadInput(f"{archive.name} has {len(members)} members", "unpack what belongs to this entrant")
        if any(member.flag_bits & 1 for member in members):
            raise BadInput(f"{archive.name} is encrypted", "unpack it, and name the folder")
        self._members = dict(_placed(members, folder, archive.name))

    def names(self) -> list[PurePosixPath]:
        """Return the paths of all pictures, sorted."""
        return sorted(self._members)

    @contextmanager
    def copy(self, path: PurePosixPath) -> Iterator[Path]:
        """Give a copy of a member.

        Raises:
            UnusablePicture: Where it is damaged, or larger than a picture can be.
        """
        member = self._members[path]
        if member.file_size > _LARGEST_BYTES:
            raise UnusablePicture(f"says that it has {member.file_size} bytes")
        with tempfile.TemporaryDirectory(dir=self._work, prefix="picture-") as room:
            copy = Path(room, f"picture{path.suffix}")
            try:
                with self._archive.open(member) as source, copy.open("wb") as target:
                    shutil.copyfileobj(source, target)
            except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
                raise UnusablePicture(f"is damaged: {error}") from error
            yield copy


def _placed(
    members: list[zipfile.ZipInfo], folder: str | None, name: str
) -> Iterator[tuple[PurePosixPath, zipfile.ZipInfo]]:
    """Yield pictures with their paths inside the folder that is asked for."""
    pictures = {PurePosixPath(member.filename): member for member in members if _is_picture(member)}
    tops = {path.parts[0] for path in pictures}
    depth = 1 if len(tops) == 1 and tops != {folder} and all(len(path.parts) > 1 for path in pictures) else 0
    inner = {PurePosixPath(*path.parts[depth:]): member for path, member in pictures.items()}
    if folder is None:
        yield from inner.items()
        return
    found = {path.relative_to(folder): member for path, member in inner.items() if path.is_relative_to(folder)}
    if not found:
        there = sorted({path.parts[0] for path in inner if len(path.parts) > 1})
        raise BadInput(
            f"{name} has no folder {folder!r} with pictures" + (f"; there are {', '.join(there[:9])}" if there else ""),
            "name the folder of this dataset under the entrant's 'sets'",
        )
    yield from found.items()


def _is_picture(member: zipfile.ZipInfo) -> bool:
    suffix = PurePosixPath(member.filename).suffix.lower()
    hidden = any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(member.filename).parts)
    link = stat.S_ISLNK(member.external_attr >> 16)
    plain = not member.is_dir() and not unsafe_name(member.filename) and not hidden and not link
    return plain and suffix in SUFFIXES | FOREIGN_SUFFIXES

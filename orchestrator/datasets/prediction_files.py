"""Where predictions lie that somebody's program has written: in a folder, or in a zip file."""

import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from orchestrator.datasets.bounded_archives import BROKEN, ENCRYPTED, opened_zip
from orchestrator.datasets.patterns import matches
from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, SUFFIXES, UnusablePicture
from orchestrator.datasets.source_files import SourceReader, is_picture
from stagekit import BadInput
from stagekit.inside import unsafe_name

PICTURES = "**/*"
"""Pattern of the files of a folder that are looked at."""

_LARGEST_BYTES = 2**30
_UNPACK = "unpack what belongs to this entrant, and name the folder"


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


@contextmanager
def opened_predictions(source: Path, folder: str | None, work: Path) -> Iterator["FolderPredictions | ZipPredictions"]:
    """Give the predictions of a folder, or of a folder of a zip file.

    Args:
        source: A folder, or a zip file.
        folder: Which folder of a zip file; None takes all of it.
        work: Where copies may lie.

    Raises:
        BadInput: Where they cannot be read.
    """
    if source.is_dir():
        yield FolderPredictions(source, work)
        return
    with ExitStack() as opened:
        try:
            archive = opened.enter_context(opened_zip(source))
        except (*BROKEN, OSError) as error:
            raise BadInput(f"the predictions cannot be read as a zip file: {error}", _UNPACK) from error
        yield ZipPredictions(archive, folder, work)


class ZipPredictions:
    """The pictures of one folder of a zip file; members are read one by one, and never unpacked under their names.

    Args:
        archive: The file, as `opened_predictions` gives it.
        folder: Which of its folders, such as the dataset's name; None takes all of it. A single folder at the top that
            holds everything is passed over.
        work: Where copies may lie.

    Raises:
        BadInput: Where it is encrypted, has no such folder, or two members of one name.
    """

    def __init__(self, archive: zipfile.ZipFile, folder: str | None, work: Path | None = None) -> None:
        self._work, self._archive = work, archive
        self._members = _placed(archive.infolist(), folder)

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
            except (*BROKEN, OSError) as error:
                raise UnusablePicture(f"is damaged: {error}") from error
            yield copy


def _placed(members: list[zipfile.ZipInfo], folder: str | None) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Return pictures by their paths inside the folder that is asked for."""
    if any(member.flag_bits & ENCRYPTED for member in members):
        raise BadInput("the zip file of predictions is encrypted", _UNPACK)
    listed = [(PurePosixPath(member.filename), member) for member in members if _is_picture(member)]
    pictures = dict(listed)
    if len(pictures) < len(listed):
        twice = next(path for path, member in listed if pictures[path] is not member)
        raise BadInput(f"the zip file of predictions has two members {str(twice)!r}", _UNPACK)
    tops = {path.parts[0] for path in pictures}
    depth = 1 if len(tops) == 1 and tops != {folder} and all(len(path.parts) > 1 for path in pictures) else 0
    inner = {PurePosixPath(*path.parts[depth:]): member for path, member in pictures.items()}
    if folder is None:
        return inner
    found = {path.relative_to(folder): member for path, member in inner.items() if path.is_relative_to(folder)}
    if not found:
        there = sorted({path.parts[0] for path in inner if len(path.parts) > 1})
        raise BadInput(
            f"the zip file of predictions has no folder {folder!r} with pictures"
            + (f"; there are {', '.join(there[:9])}" if there else ""),
            "name the folder of this dataset under the entrant's 'sets'",
        )
    return found


def _is_picture(member: zipfile.ZipInfo) -> bool:
    """Return whether a member is taken for a picture.

    Raises:
        BadInput: Where one is a link, or names a path that leads out.
    """
    path = PurePosixPath(member.filename)
    hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in path.parts)
    if member.is_dir() or hidden or path.suffix.lower() not in SUFFIXES | FOREIGN_SUFFIXES:
        return False
    mistake = "is a link" if stat.S_ISLNK(member.external_attr >> 16) else unsafe_name(member.filename)
    if mistake:
        raise BadInput(f"the zip file of predictions has a member {member.filename!r}, which {mistake}", _UNPACK)
    return True

"""The picture files of a raw folder."""

import os
import shlex
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, SUFFIXES
from stagekit import BadInput

PACKED = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".rar", ".7z")
"""Ends of names of archives, whether they can be unpacked here or not."""

MAX_FILES = 400_000
"""More files than this are no dataset that is known, but a mistake in the path."""


@dataclass(frozen=True)
class RawTree:
    """All picture files below a folder, by their paths inside it, in order.

    Attributes:
        broken: Links that lead nowhere, which no layout may count as files.
    """

    root: Path
    files: tuple[PurePosixPath, ...]
    broken: tuple[PurePosixPath, ...] = ()

    def folders(self) -> list[PurePosixPath]:
        """Return every folder that holds a picture, or a folder that does; the root first."""
        found = {folder for file in self.files for folder in file.parents}
        return sorted(found, key=lambda folder: (len(folder.parts), folder))

    def inside(self, folder: PurePosixPath) -> list[PurePosixPath]:
        """Return the pictures that lie in a folder itself."""
        return [file for file in self.files if file.parent == folder]

    def below(self, folder: PurePosixPath) -> list[PurePosixPath]:
        """Return the pictures that lie in a folder or anywhere below it."""
        return [file for file in self.files if folder in file.parents]


def raw_tree(root: Path) -> RawTree:
    """Return the pictures below a folder. Links to files count as files; linked folders are not entered.

    Hidden files and the folders that archivers of macOS add are passed over.

    Raises:
        BadInput: Where the folder is not there, holds no picture, or more files than any dataset.
    """
    if not root.is_dir():
        raise BadInput(f"there is no folder {str(root)!r}", "name the folder or the archive that was downloaded")
    files: list[PurePosixPath] = []
    broken: list[PurePosixPath] = []
    for number, path in enumerate(walked(root)):
        if number >= MAX_FILES:
            raise BadInput(f"{str(root)!r} holds more than {MAX_FILES} files", "name the dataset's own folder")
        inside = PurePosixPath(path.relative_to(root).as_posix())
        if path.suffix.lower() not in SUFFIXES | FOREIGN_SUFFIXES:
            continue
        (files if path.is_file() else broken).append(inside)
    if not files:
        archives = [path.relative_to(root).as_posix() for path in walked(root) if path.name.lower().endswith(PACKED)]
        if archives:
            words = f"{str(root)!r} holds no pictures, but the archive {archives[0]!r}"
            raise BadInput(words, f"name that one: --from {shlex.quote(str(root / archives[0]))}, or unpack it")
        raise BadInput(f"{str(root)!r} holds no pictures", "name the folder that was unpacked")
    return RawTree(root, tuple(sorted(files)), tuple(sorted(broken)))


def plain_name(name: str) -> str:
    """Return a name in the one form (NFC) of those that look the same in any script."""
    return unicodedata.normalize("NFC", name)


def walked(root: Path) -> Iterator[Path]:
    """Yield the files below a folder, without hidden ones, Python's environments and what archivers of macOS add.

    Linked folders are left.

    Raises:
        BadInput: Where a folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise BadInput(f"folder cannot be read: {error}", "check that you may read it") from error

    for place, folders, names in os.walk(root, onerror=refuse, followlinks=False):
        if "pyvenv.cfg" in names:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in names:
            if not name.startswith("."):
                yield Path(place) / name

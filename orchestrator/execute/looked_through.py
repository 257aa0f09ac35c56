"""Folders that `sirr-orch new` looks through, and which of their files nothing has been made of yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, SUFFIXES
from orchestrator.datasets.raw.tree import MAX_FILES, RawTree, walked
from orchestrator.errors import SpecError
from stagekit import BadInput


@dataclass
class Scan:
    """A folder that was looked through.

    Attributes:
        root: Absolute.
        pictures: Those that nothing has been made of yet.
        others: All other files, absolute.
    """

    root: Path
    pictures: set[PurePosixPath]
    others: tuple[Path, ...]
    broken: tuple[PurePosixPath, ...] = ()

    @property
    def tree(self) -> RawTree:
        """The pictures that nothing has been made of yet."""
        return RawTree(self.root, tuple(sorted(self.pictures)), self.broken)


def scanned(root: Path, without: Path) -> Scan:
    """Look through a folder; hidden files and linked folders are passed over.

    Args:
        root: Absolute.
        without: A folder whose datasets can be named anyway; what lies in it is left.

    Raises:
        SpecError: Where it cannot be read, or holds more files than any dataset.
    """
    pictures, others, broken = set[PurePosixPath](), list[Path](), list[PurePosixPath]()
    try:
        for number, path in enumerate(walked(root)):
            if number >= MAX_FILES:
                hint = "name the folders that hold pairs, photographs or networks"
                raise SpecError(f"{str(root)!r} holds more than {MAX_FILES} files", hint=hint)
            if path.is_relative_to(without):
                continue
            inside = PurePosixPath(path.relative_to(root).as_posix())
            if path.suffix.lower() not in SUFFIXES | FOREIGN_SUFFIXES:
                others.append(path)
            elif path.is_file():
                pictures.add(inside)
            else:
                broken.append(inside)
    except BadInput as error:
        raise SpecError(error.message, hint=error.hint) from error
    return Scan(root, pictures, tuple(others), tuple(broken))


def named_once(paths: Iterable[Path]) -> list[Path]:
    """Return paths in their order, what was named twice by its first path alone, through whichever links."""
    first: dict[Path, Path] = {}
    for path in paths:
        first.setdefault(path.resolve(), path)
    return list(first.values())


def leave(scan: Scan, places: Iterable[Path]) -> None:
    """Take what lies at places, or below them, out of what is looked through."""
    root, taken = scan.root.resolve(), [place.resolve() for place in places]

    def left(path: Path | PurePosixPath) -> bool:
        return not any((root / path).is_relative_to(place) for place in taken)

    if taken:
        scan.pictures = set(filter(left, scan.pictures))
        scan.others = tuple(path for path in scan.others if left(path.relative_to(scan.root)))


def keep_apart(scans: Iterable[Scan]) -> None:
    """Leave each file to one folder that is looked through: to the outermost that it lies in."""
    seen: set[Path] = set()
    for scan in sorted(scans, key=lambda scan: len(scan.root.resolve().parts)):
        root = scan.root.resolve()
        pictures = {one for one in scan.pictures if root / one not in seen}
        others = tuple(one for one in scan.others if root / one.relative_to(scan.root) not in seen)
        broken = tuple(one for one in scan.broken if root / one not in seen)
        seen |= {root / one for one in (*pictures, *broken, *(other.relative_to(scan.root) for other in others))}
        scan.pictures, scan.others, scan.broken = pictures, others, broken

"""A user's photographs: copied for the stages, with what their results are called settled beforehand."""

import errno
import math
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from orchestrator.datasets.identifiers import safe_identifiers
from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, SUFFIXES
from orchestrator.datasets.source_files import is_picture
from orchestrator.delivery import comparable
from orchestrator.errors import DISK_FULL, InputInvalid
from orchestrator.store.disk import space_explained

ARRAY_SUFFIX = ".npy"
_ARRAY_FILES = (ARRAY_SUFFIX, ".npz", ".mat")
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BEYOND = 1e-3
"""How far from 0 to 1 a value of an array may be, by rounding."""
_STEM_BYTES = 200
"""Of a result's name; file systems allow 255 with what is appended."""


@dataclass(frozen=True)
class Photograph:
    """One of a user's photographs.

    Attributes:
        path: As the user gave it.
        copy: Name of its copy, by which the stages know it: an id, and its kind.
        stem: What its results' names begin with.
        suffix: What its results' names end with.
    """

    path: Path
    copy: str
    stem: str
    suffix: str

    def result(self, words: str = "") -> str:
        """Return the name of a result, such as with the words '-reflection'."""
        return f"{self.stem}{words}{self.suffix}"


def settled(paths: Sequence[Path], layers: Sequence[str] = ("",)) -> list[Photograph]:
    """Return photographs with what their results are called, no two of which are one on any disk.

    A photograph whose name no other has gives it to its results; of several of one name the first does, and the others
    get a number that is free.

    Args:
        paths: Of the photographs; what is given twice counts once.
        layers: What is appended to a name for each of its results.
    """
    once: dict[Path, Path] = {}
    for path in paths:
        once.setdefault(Path(os.path.realpath(path.parent), path.name), path)
    paths = list(once.values())
    stems = _unique([_short(path.stem) for path in paths], layers)
    copies = safe_identifiers(stems)
    return [
        Photograph(path, copy + _known_suffix(path), stem, ".tif" if _is_tiff(path) else ".png")
        for path, copy, stem in zip(paths, copies, stems, strict=True)
    ]


def copy_photographs(
    photographs: Sequence[Photograph], folder: Path, store: Path
) -> list[tuple[Photograph, InputInvalid]]:
    """Copy photographs into a folder of the store; what was given is only read.

    Returns:
        Those that cannot be read, and files and arrays that are no pictures, each with why.

    Raises:
        NoSpace: Where the store's disk is full.
    """
    refused = []
    with space_explained(store, "copying the pictures"):
        for photograph in photographs:
            copy = folder / photograph.copy
            try:
                with _opened(photograph.path) as content, copy.open("xb") as stream:
                    shutil.copyfileobj(content, stream, 2**20)
                if copy.suffix == ARRAY_SUFFIX:
                    array_size(copy)
                elif not is_picture(folder, PurePosixPath(copy.name)):
                    raise ValueError("is no picture")
            except OSError as error:
                if error.errno in DISK_FULL:
                    raise
                refused.append((photograph, _unusable(photograph, f"cannot be read: {error.strerror}")))
            except ValueError as error:
                copy.unlink()
                refused.append((photograph, _unusable(photograph, str(error))))
    return refused


def _opened(path: Path) -> IO[bytes]:
    """Return a file's content; what would block or never end is no file.

    Raises:
        OSError: Where it is none, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file")
    return os.fdopen(descriptor, "rb")


def _unusable(photograph: Photograph, reason: str) -> InputInvalid:
    hint = "take such files out, or replace them by whole pictures"
    if photograph.path.suffix.lower() in _ARRAY_FILES:
        hint = f"save each array as {ARRAY_SUFFIX}, (height, width, 3), RGB, floats from 0 to 1"
    return InputInvalid(f"'{photograph.path}' {reason}", hint=hint)


def _unique(wanted: Sequence[str], layers: Sequence[str]) -> list[str]:
    """Return a name for each that is wanted; of equal ones the first keeps it, others get '-2', '-3' and so on."""
    first: dict[str, int] = {}
    for place, stem in enumerate(wanted):
        first.setdefault(comparable(stem), place)
    taken: set[str] = set()
    names: dict[int, str] = {}
    for place in sorted(range(len(wanted)), key=lambda place: (first[comparable(wanted[place])] != place, place)):
        stem, number = wanted[place], 1
        while not taken.isdisjoint(_results(stem, layers)):
            number += 1
            stem = f"{wanted[place]}-{number}"
        taken |= _results(stem, layers)
        names[place] = stem
    return [names[place] for place in range(len(wanted))]


def _results(stem: str, layers: Sequence[str]) -> set[str]:
    return {comparable(f"{stem}{words}") for words in layers}


def _short(stem: str) -> str:
    return os.fsdecode(os.fsencode(stem)[:_STEM_BYTES]) if len(os.fsencode(stem)) > _STEM_BYTES else stem


def _known_suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    return suffix if suffix in SUFFIXES | FOREIGN_SUFFIXES | {ARRAY_SUFFIX} else ""


def _is_tiff(path: Path) -> bool:
    try:
        with _opened(path) as stream:
            return stream.read(4) in _TIFF_SIGNATURES
    except OSError:
        return False


def array_size(path: Path) -> tuple[int, int]:
    """Return the height and width of an array that is a picture: floats, (H, W, 3), RGB, 0 to 1.

    Raises:
        ValueError: Where it is none, with why as the end of a sentence.
    """
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"is no array that can be read: {error}") from error
    if not isinstance(values, np.ndarray):
        raise ValueError("holds several arrays; save one alone")
    if values.ndim != 3 or values.shape[2] != 3 or not values.size:
        raise ValueError(f"is no picture of RGB: its shape is {values.shape}, not (height, width, 3)")
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"holds {values.dtype}, not floats; divide by the largest value that there can be")
    least, most = float(values.min()), float(values.max())
    if not math.isfinite(least) or not math.isfinite(most):
        raise ValueError("holds values that are not finite")
    if least < -_BEYOND or most > 1 + _BEYOND:
        raise ValueError(f"holds values from {least:.4g} to {most:.4g}, and 0 to 1 is meant; bring it into that range")
    return values.shape[0], values.shape[1]

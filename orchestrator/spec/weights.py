"""Files of weights that others publish: what is known of them, and which of them are there."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from orchestrator.errors import SpecError
from orchestrator.resources import data_folder
from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.document import read_document
from orchestrator.spec.numbers import FileSize
from orchestrator.spec.problems import Problem, spec_error
from orchestrator.spec.validation import validated

FEATURES_VARIABLE = "SIRR_FEATURES"
"""The environment variable that names the folder of pretrained weights."""


class ReleasedFile(StrictModel):
    """One published file of weights, or one folder of them."""

    name: str
    """Its name as published."""
    kind: Literal["features", "checkpoint"]
    """Whether networks see with it, or whether it is a trained network that can be adopted."""
    title: str
    """What it is."""
    models: tuple[Name, ...]
    """The models that use it."""
    address: str
    """Where its authors publish it: the file itself, or the page that leads to it."""
    size: FileSize | None = None
    """Size in bytes, where the publisher states it."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{8,64}$")
    """SHA-256 or how it begins, where the publisher states it."""


class _Released(StrictModel):
    files: tuple[ReleasedFile, ...]


@cache
def released_files() -> tuple[ReleasedFile, ...]:
    """Return every file that this project knows; `Library.released_files` has those of plug-ins too."""
    return read_released(data_folder() / "weights" / "released.yaml")


def read_released(path: Path) -> tuple[ReleasedFile, ...]:
    """Return the files of weights that a list describes.

    Raises:
        SpecError: Where the list is wrong, or names a file twice.
    """
    document = read_document(path)
    files = validated(_Released, document).files
    names = [file.name for file in files]
    for number, name in enumerate(names):
        if name in names[:number]:
            place = document.place(("files", number, "name"))
            raise spec_error([Problem(f"the file {name!r} is listed twice", place, "remove one of the two")], path)
    return files


def joined_released(lists: Iterable[Path]) -> tuple[ReleasedFile, ...]:
    """Return the files of several lists.

    Raises:
        SpecError: Where a list is wrong, or names a file that one before it has.
    """
    found: dict[str, ReleasedFile] = {}
    for path in lists:
        for file in read_released(path):
            if file.name in found:
                hint = "remove it from the plug-in's list: one description is enough"
                raise SpecError(f"the file {file.name!r} is described already", where=str(path), hint=hint)
            found[file.name] = file
    return tuple(found.values())


def released_file(name: str) -> ReleasedFile | None:
    """Return what this project knows of a file, None where that is nothing."""
    return next((file for file in released_files() if file.name == name), None)


def weights_folder() -> Path | None:
    """Return the folder in which pretrained weights are looked for; None where none is named."""
    variable = os.environ.get(FEATURES_VARIABLE)
    return Path(variable).expanduser().absolute() if variable else None


@dataclass(frozen=True)
class Presence:
    """Whether a file is there and whole.

    Attributes:
        state: "missing", "present" (nothing to compare it with), "whole" (as published) or "damaged".
        remedy: Empty where there is nothing to do.
    """

    file: ReleasedFile
    path: Path | None
    state: Literal["missing", "present", "whole", "damaged"]
    remedy: str = ""


def presence(files: Sequence[ReleasedFile], folder: Path | None, *, verify: bool) -> list[Presence]:
    """Return which files are in a folder.

    Args:
        verify: Compare sizes and checksums, which reads them whole.
    """
    return [_presence(file, folder, verify=verify) for file in files]


def _presence(file: ReleasedFile, folder: Path | None, *, verify: bool) -> Presence:
    path = None if folder is None else folder / file.name
    if path is None or not path.exists():
        where = f"put it into {folder}" if folder else f"put it into a folder and set {FEATURES_VARIABLE} to it"
        return Presence(file, path, "missing", f"fetch it from {file.address}, {where}")
    if not path.is_file() and not path.is_dir():
        return Presence(file, path, "damaged", f"it is no file; fetch it from {file.address}")
    known = file.size is not None or file.sha256 is not None
    if not verify or not known or path.is_dir():
        return Presence(file, path, "present")
    wrong = file.size is not None and path.stat().st_size != file.size
    if wrong or not _sha256(path).startswith(file.sha256 or ""):
        return Presence(file, path, "damaged", f"it is not the published file; fetch it again from {file.address}")
    return Presence(file, path, "whole")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

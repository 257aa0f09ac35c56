"""An authors' program of an experiment, as it is: its folder, its command, and what is wrong with them."""

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.spec.document import Document, Location, place_of
from orchestrator.spec.entrants import AuthorsChoice
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.library import Library
from orchestrator.spec.problems import Problem, listed, suggestion
from stagekit.clone import LEFT_OUT
from stagekit.command import PLACEHOLDERS, named_placeholders


@dataclass(frozen=True)
class ResolvedAuthors:
    """An authors' program that takes part in the comparison.

    Attributes:
        source: Absolute path of the authors' folder.
        weights: Absolute path of a file or folder besides it; None: there is none.
    """

    choice: AuthorsChoice
    source: Path
    weights: Path | None

    @property
    def label(self) -> str:
        """The name under which the comparison shows it."""
        return self.choice.label

    @property
    def title(self) -> str:
        """What the report calls it."""
        return self.choice.title or self.choice.label


def resolved_authors(choice: AuthorsChoice, path: Path) -> ResolvedAuthors:
    """Return an authors' program with absolute paths.

    Args:
        path: The experiment's file, where relative paths start.
    """
    program = choice.program
    weights = None if program.weights is None else _absolute(program.weights, path)
    return ResolvedAuthors(choice, _absolute(program.source, path), weights)


def authors_problems(
    experiment: Experiment, path: Path, library: Library, document: Document | None
) -> Iterator[Problem]:
    """Yield folders that are not there or have links that lead out, commands that cannot be, and unknown images."""
    for number, choice in enumerate(experiment.models):
        if isinstance(choice, AuthorsChoice):
            location: Location = ("models", number, "program")
            yield from _image_problems(choice, library, document, location)
            yield from _command_problems(choice, document, location)
            yield from _folder_problems(resolved_authors(choice, path), document, location)


def _image_problems(
    choice: AuthorsChoice, library: Library, document: Document | None, location: Location
) -> Iterator[Problem]:
    image, place = choice.program.image, place_of(document, (*location, "image"))
    if image not in library.image_names:
        close = suggestion(image, library.image_names) or f"; there are {listed(library.image_names)}"
        yield Problem(f"there is no image {image!r}{close}", place, "an image of your own comes by a plug-in folder")


def _command_problems(choice: AuthorsChoice, document: Document | None, location: Location) -> Iterator[Problem]:
    command, place = choice.program.command, place_of(document, (*location, "command"))
    named = named_placeholders(command)
    try:
        words = shlex.split(command)
    except ValueError as error:
        yield Problem(f"the command cannot be split into words: {error}", place, "close every quotation mark")
        return
    for name in sorted(named - set(PLACEHOLDERS)):
        close = suggestion(name, PLACEHOLDERS)
        known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
        yield Problem(
            f"the command names {{{name}}}, which is nothing{close}",
            place,
            f"it may name {known}; where braces are meant themselves, write {{{{{name}}}}}",
        )
    if not words:
        yield Problem("the command is empty", place, "write what the authors tell to run on a folder of pictures")
    elif "input" not in named:
        hint = "write {input} where the authors' program takes the folder of its pictures"
        yield Problem("the command does not name {input}: it would see no picture of the dataset", place, hint)
    if ("weights" in named) != (choice.program.weights is not None):
        words_ = "names {weights}, and 'weights' is missing" if "weights" in named else "does not name {weights}"
        yield Problem(f"the command {words_}", place, "give both, or neither: 'weights' is a file or folder")


def _folder_problems(found: ResolvedAuthors, document: Document | None, location: Location) -> Iterator[Problem]:
    hint = "a relative path starts at the file that names it"
    place = place_of(document, (*location, "source"))
    if not found.source.is_dir():
        what = "is no folder" if found.source.exists() else "is not there"
        yield Problem(f"the authors' folder {str(found.source)!r} {what}", place, hint)
    elif not os.access(found.source, os.R_OK | os.X_OK):
        yield Problem(f"the authors' folder {str(found.source)!r} cannot be read", place, "check its permissions")
    else:
        outside = next(_links_out(found.source), None)
        if outside is not None:
            words = f"the authors' folder has a link that leads out of it or to a folder: {outside}"
            yield Problem(words, place, "put the files themselves there; weights may lie elsewhere, as 'weights'")
    if found.weights is not None and not found.weights.exists():
        words = f"the weights {str(found.weights)!r} are not there"
        yield Problem(words, place_of(document, (*location, "weights")), hint)


def _links_out(folder: Path) -> Iterator[Path]:
    """Yield links that lead out of a folder, or to a folder, which a copy would not hold."""
    real = folder.resolve()
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in (*folders, *sorted(files)):
            path = Path(place, name)
            if path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(real)):
                yield path.relative_to(folder)


def _absolute(path: Path, experiment: Path) -> Path:
    return Path(os.path.normpath(experiment.absolute().parent / path.expanduser()))

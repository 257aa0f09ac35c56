"""Where the predictions of an experiment lie: a folder, or a zip file, for every test dataset."""

import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.spec.document import Document, Location, place_of
from orchestrator.spec.entrants import ITSELF, PredictionsChoice
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.problems import Problem


@dataclass(frozen=True)
class PredictionsPlace:
    """Where the answers to one dataset lie.

    Attributes:
        path: Absolute path of their folder, or of a zip file.
        folder: Which folder of the zip file; None for all of it, and where they lie in a folder.
    """

    path: Path
    folder: str | None = None


@dataclass(frozen=True)
class ResolvedPredictions:
    """Predictions that take part in the comparison.

    Attributes:
        places: By test dataset; without those of which there are none.
    """

    choice: PredictionsChoice
    places: Mapping[str, PredictionsPlace]

    @property
    def label(self) -> str:
        """The name under which the comparison shows them."""
        return self.choice.label

    @property
    def title(self) -> str:
        """What the report calls them."""
        return self.choice.title or self.choice.label


def resolved_predictions(choice: PredictionsChoice, experiment: Experiment, path: Path) -> ResolvedPredictions:
    """Return predictions with absolute paths.

    Args:
        path: The experiment's file, where relative paths start.
    """
    root = _root(choice, path)
    found = {name: _place(choice, root, name, experiment.test) for name in experiment.test}
    return ResolvedPredictions(choice, {name: place for name, place in found.items() if place is not None})


def predictions_problems(experiment: Experiment, path: Path, document: Document | None) -> Iterator[Problem]:
    """Yield predictions that are not there, and test datasets of which they have no folder."""
    for number, choice in enumerate(experiment.models):
        if isinstance(choice, PredictionsChoice):
            yield from _problems(number, choice, experiment, path, document)


def _problems(
    number: int, choice: PredictionsChoice, experiment: Experiment, path: Path, document: Document | None
) -> Iterator[Problem]:
    root, location = _root(choice, path), ("models", number, "predictions")
    if not root.exists():
        words = f"the predictions {choice.name!r}: there is no {str(root)!r}"
        yield Problem(words, place_of(document, location), "a relative path starts at the file that names it")
    elif not root.is_dir() and not (root.is_file() and zipfile.is_zipfile(root)):
        words = f"the predictions {choice.name!r}: {str(root)!r} is neither a folder nor a whole zip file"
        yield Problem(words, place_of(document, location), "name the folder in which the pictures lie")
    elif root.is_dir() and not os.access(root, os.R_OK | os.X_OK):
        words = f"the predictions {choice.name!r}: {str(root)!r} cannot be read"
        yield Problem(words, place_of(document, location), "check the folder's permissions")
    elif root.is_dir():
        yield from _folder_problems(number, choice, root, experiment.test, document)
    if all(choice.sets.get(name, name) is None for name in experiment.test):
        words = f"the predictions {choice.name!r} have none of the test datasets"
        yield Problem(words, place_of(document, ("models", number, "sets")), "leave them out of this experiment")


def _folder_problems(
    number: int, choice: PredictionsChoice, root: Path, tested: tuple[str, ...], document: Document | None
) -> Iterator[Problem]:
    for name in tested:
        place = _place(choice, root, name, tested)
        if place is None or place.path.is_dir():
            continue
        there = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        words = f"the predictions {choice.name!r} have no folder {str(place.path.relative_to(root))!r} in {str(root)!r}"
        location: Location = ("models", number, "sets", name) if name in choice.sets else ("models", number, "sets")
        hint = (
            f"name the folder of {name!r} under 'sets:', {ITSELF!r} where its pictures lie in {root.name!r} itself, or "
            "null where there are none" + (f"; there are {', '.join(there[:9])}" if there else "")
        )
        yield Problem(words, place_of(document, location, name=True), hint)


def _root(choice: PredictionsChoice, path: Path) -> Path:
    return Path(os.path.normpath(path.absolute().parent / choice.predictions.expanduser()))


def _place(choice: PredictionsChoice, root: Path, name: str, tested: tuple[str, ...]) -> PredictionsPlace | None:
    """Return where the answers to a dataset lie; None where the experiment says that there are none."""
    folder = choice.sets.get(name, name)
    if folder is None:
        return None
    if folder == ITSELF:
        return PredictionsPlace(root)
    alone = len(tested) == 1 and name not in choice.sets
    if root.is_file():
        return PredictionsPlace(root, None if alone else folder)
    return PredictionsPlace(root if alone and not (root / folder).is_dir() else root / folder)

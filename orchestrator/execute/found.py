"""What folders hold that a comparison can be made of, as `sirr-orch new` finds it."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from orchestrator.spec.base import NAME_PATTERN
from orchestrator.spec.checks import RESERVED_LABELS

_LONGEST = 40
_RESERVED = (*RESERVED_LABELS, "photos")
"""Names that nothing gets: those of controls, and what `run --photos` calls its folders."""


@dataclass(frozen=True)
class FoundSet:
    """Pictures to compare on.

    Attributes:
        name: Of the dataset.
        title: What the folder is called, where the name has lost letters of it; else empty.
        kind: As a dataset's field `kind`.
        folder: Absolute.
        pictures: What programs may have called each of its pictures.
        patterns: Field of the dataset to the pattern, where it differs from the default.
        words: What it is, for people.
        of_training: Whether its folder says that it is to be trained on.
    """

    name: str
    title: str
    kind: Literal["pairs", "photos", "prepared"]
    folder: Path
    pictures: tuple[tuple[str, ...], ...]
    patterns: Mapping[str, str]
    words: str
    of_training: bool = False


@dataclass(frozen=True)
class FoundEntrant:
    """What can stand in the table without being trained.

    Attributes:
        name: What the comparison calls it.
        title: As of a set.
        kind: What it is.
        path: Absolute: a checkpoint, an ONNX file, or the folder of predictions.
        model: The model that a checkpoint is of; else empty.
        answers: Test dataset to the folder inside, '.' for the folder itself, of which the predictions are.
    """

    name: str
    title: str
    kind: Literal["checkpoint", "onnx", "predictions"]
    path: Path
    words: str
    model: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """What was found and is not in the comparison.

    Attributes:
        what: Its path, as it was given or below it.
        why: In words, with what to do where there is something.
    """

    what: str
    why: str


@dataclass
class Findings:
    """All that was found, in the order in which it was."""

    sets: list[FoundSet] = field(default_factory=list)
    entrants: list[FoundEntrant] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """Names that are given away, or belong to what can be named otherwise."""

    def leave_out(self, what: str | Path, why: str) -> None:
        """Remember something that is not taken."""
        self.left_out.append(LeftOut(str(what), why))

    def name(self, path: Path, otherwise: str) -> tuple[str, str]:
        """Return a name for what lies at a path that nothing else has, and its title, empty where the name says it.

        Args:
            otherwise: What it is called where no letter of its own can stand in a name.
        """
        title = path.name
        own = name_of(title) or otherwise
        above = name_of(path.parent.name)
        tries = [own, *([f"{above}-{own}"] if above else []), *(f"{own}-{number}" for number in range(2, 10_000))]
        name = next(one for one in tries if one not in self.taken and one not in _RESERVED)
        self.taken.add(name)
        return name, "" if name == title else title


def name_of(text: str) -> str:
    """Return a text as the name of a dataset or an entrant; empty where nothing of it can stand in one."""
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode("ascii")
    found = re.sub(r"[^a-z0-9._-]+", "-", plain)[:_LONGEST].strip("-._")
    return found if re.fullmatch(NAME_PATTERN, found) else ""


def sayable(path: Path) -> bool:
    """Whether a path can be written into a file: names that are no UTF-8 cannot."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True

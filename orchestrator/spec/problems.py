"""Mistakes in what users write: each with its place, shown with the line and a caret, all of them at once."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import SpecError

_LONGEST_LINE = 160


@dataclass(frozen=True)
class Place:
    """A position in a file; line and column count from 1."""

    path: Path
    line: int
    column: int
    text: str
    """The whole line, without its end."""

    @property
    def name(self) -> str:
        """The position as file:line:column."""
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Problem:
    """One mistake."""

    message: str
    place: Place | None = None
    """Where it is; None where no line of a file can be blamed."""
    hint: str | None = None
    """What to do beyond correcting the line."""


def suggestion(written: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'X'?" where a known name is close to the written one, else nothing."""
    close = closest(written, known)
    return f"; did you mean {close!r}?" if close else ""


def closest(written: str, known: Iterable[str]) -> str:
    """Return the known name that is close to the written one, empty where none is."""
    lowered = {name.lower(): name for name in reversed(list(known))}
    close = difflib.get_close_matches(written.lower(), lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else ""


def listed(names: Iterable[str]) -> str:
    """Return names for a sentence: "'a', 'b' or 'c'"."""
    quoted = [repr(name) for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def spec_error(problems: Sequence[Problem], path: Path) -> SpecError:
    """Return the error that shows all problems, in the order of the file.

    Args:
        path: The file that is at fault where a problem has no place of its own.
    """
    ordered = sorted(problems, key=_order)
    if len(ordered) == 1:
        problem = ordered[0]
        where = _shown_place(problem.place) if problem.place else str(path)
        return SpecError(problem.message, where=where, hint=problem.hint or "correct it there")
    blocks = "\n  ".join(_block(problem) for problem in ordered)
    return SpecError(f"{path} has {len(ordered)} mistakes", where=blocks, hint="correct them and run the command again")


def _order(problem: Problem) -> tuple[str, int, int]:
    place = problem.place
    return (str(place.path), place.line, place.column) if place else ("", 0, 0)


def _block(problem: Problem) -> str:
    head, *rest = _shown_place(problem.place).split("\n") if problem.place else [""]
    advice = [f"    ({problem.hint})"] if problem.hint else []
    return "\n".join([f"{head}: {problem.message}" if head else problem.message, *rest, *advice])


def _shown_place(place: Place) -> str:
    """Return file:line:column, the line, and a caret under the column; tabs stay, so that the caret stands right."""
    start = max(0, place.column - 1 - _LONGEST_LINE // 2)
    text = place.text[start : start + _LONGEST_LINE]
    before = place.text[start : place.column - 1]
    padding = "".join("\t" if letter == "\t" else " " for letter in before)
    return f"{place.name}\n    {_printable(text)}\n    {padding}^"


def _printable(text: str) -> str:
    """Return text in which no control character can move the cursor."""
    return "".join(letter if letter.isprintable() or letter == "\t" else "?" for letter in text)

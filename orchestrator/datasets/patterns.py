"""Which files of a folder a pattern means, and the name that it finds in each."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.datasets.identifiers import natural_order
from stagekit import BadInput

_ID = "{id}"
_TOKENS = re.compile(r"\{id\}|\*\*/|\*|\?|\[!?\]?[^\]/]*\]|.", re.DOTALL)


@dataclass(frozen=True)
class Match:
    """A file that fits a pattern.

    Attributes:
        id: What {id} stands for, else the path without its end.
        path: Inside the folder.
    """

    id: str
    path: PurePosixPath


def matches(folder: Path, pattern: str) -> list[Match]:
    """Return the files of a folder that fit a pattern, in the order of their paths: numbers by value.

    Args:
        pattern: Parts separated by '/', with '*', '?', '[abc]' inside a part, '**/' for any folders, and {id} for the
            item's name, which does not reach over a '/'. Hidden files and folders are passed over.

    Raises:
        BadInput: Where the pattern leads out of the folder, or the folder cannot be read.
    """
    expression = pattern_expression(pattern)
    found = [(expression.fullmatch(path), path) for path in _files(folder, _depth(pattern))]
    fits = [Match(_name(fit, path), PurePosixPath(path)) for fit, path in found if fit]
    return sorted(fits, key=_order)


def pattern_expression(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern; the group `id` is what {id} stands for.

    Raises:
        BadInput: Where the pattern is empty, absolute, or leads out of the folder.
    """
    if not pattern or pattern.startswith("/") or ".." in PurePosixPath(pattern).parts:
        raise BadInput(
            f"pattern {pattern!r} does not lie inside the folder", "write it relative to the folder, without '..'"
        )
    seen = False
    parts: list[str] = []
    for token in _TOKENS.findall(pattern.removeprefix("./")):
        parts.append(_token_expression(token, again=seen))
        seen = seen or token == _ID
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error as error:
        raise BadInput(f"pattern {pattern!r} cannot be understood: {error}", "correct its [...] part") from error


def other_case(folder: Path, pattern: str) -> list[str]:
    """Return files that would fit if capital and small letters were the same: the usual reason for an empty set."""
    expression = re.compile(pattern_expression(pattern).pattern, re.DOTALL | re.IGNORECASE)
    return sorted(path for path in _files(folder, _depth(pattern)) if expression.fullmatch(path))


def _token_expression(token: str, *, again: bool) -> str:
    if token == _ID:
        return "(?P=id)" if again else "(?P<id>[^/]+)"
    if token.startswith("[") and len(token) > 2:
        inner = token[1:-1]
        negated, inner = ("^/", inner[1:]) if inner.startswith("!") else ("", inner)
        return "[" + negated + inner.replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^") + "]"
    return {"**/": "(?:[^/]+/)*", "*": "[^/]*", "?": "[^/]"}.get(token, re.escape(token))


def _files(folder: Path, depth: int | None) -> Iterator[str]:
    """Yield the paths of all files, '/' between their parts, down to a depth of folders; None: any depth."""

    def refuse(error: OSError) -> None:
        raise BadInput(f"folder cannot be read: {error}", "check that it exists and that you may read it") from error

    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=depth is not None):
        above = Path(place).relative_to(folder)
        level = len(above.parts)
        folders[:] = [] if depth is not None and level >= depth else _visible(folders)
        for name in _visible(names):
            yield (above / name).as_posix()


def _visible(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith(".")]


def _depth(pattern: str) -> int | None:
    return None if "**/" in pattern else pattern.removeprefix("./").count("/")


def _name(fit: re.Match[str], path: str) -> str:
    named = fit.groupdict().get("id")
    return named if named is not None else str(PurePosixPath(path).with_suffix(""))


def _order(match: Match) -> tuple[tuple[int, str], ...]:
    return natural_order(str(match.path))

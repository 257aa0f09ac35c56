"""A YAML file as plain values, with the position of every value and every field's name."""

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from orchestrator.spec.numbers import YAML_1_1_TRUTHS, UnquotedWord
from orchestrator.spec.problems import Place, Problem, spec_error
from orchestrator.spec.yaml_limits import excess
from stagekit.inside import read_plain

Location = Sequence[str | int]
"""The way to a value: field names and list indices from the top."""

_LARGEST_BYTES = 2**20
_SCALARS = {"int": "a whole number", "float": "a number", "bool": "true or false", "timestamp": "a date"}
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)")


@dataclass(frozen=True)
class Document:
    """One parsed file."""

    path: Path
    lines: tuple[str, ...]
    data: dict[str, Any]
    root: Node = field(repr=False)

    def place(self, location: Location, *, name: bool = False) -> Place:
        """Return where a value stands, or the nearest thing around it that is in the file.

        Where nothing stands, that is the field's name: the next thing in the file belongs to another field.

        Args:
            name: Point at the field's name instead of its value. Parts of the location that are not in the file (the
                tags of unions, values that were expanded from a short form) are passed over.
        """
        node, mark = self.root, self.root.start_mark
        for part in location:
            found = _child(node, part)
            if found is None:
                continue
            key, node = found
            mark = key.start_mark if key is not None and (name or _is_nothing(node)) else node.start_mark
        return self.at(mark.line, mark.column)

    def written(self, location: Location) -> str | None:
        """Return a single value as it stands in the file, such as 010 for what is read as 10; None for several.

        Args:
            location: As `place` takes it.
        """
        node = self.root
        for part in location:
            found = _child(node, part)
            node = node if found is None else found[1]
        return str(node.value) if isinstance(node, ScalarNode) else None

    def at(self, line: int, column: int) -> Place:
        """Return a place from a line and a column that count from 0."""
        text = self.lines[line] if line < len(self.lines) else ""
        return Place(self.path, line + 1, column + 1, text)


def read_document(path: Path, smallest: str = "the smallest useful spec has name, models, train and test") -> Document:
    """Read a YAML file whose top is a mapping.

    Args:
        smallest: What an empty file could begin with, for the hint.

    Raises:
        SpecError: With every mistake that can be told, for a file that is missing, cannot be read, is empty, is not
            UTF-8 or not YAML, holds tabs as indentation, marks of a merge conflict, a field twice, more values or
            deeper ones than any spec, or is not a mapping.
    """
    lines = tuple(_text(path).splitlines())
    problems = list(_line_problems(path, lines, smallest))
    if problems:
        raise spec_error(problems, path)
    root = _composed(path, lines)
    document = Document(path, lines, {}, root)
    problems = list(_node_problems(document, root, ()))
    if problems:
        raise spec_error(problems, path)
    return Document(path, lines, _constructed(document), root)


def place_of(document: Document | None, location: Location, *, name: bool = False) -> Place | None:
    """Return where a value stands; None where there is no file, or a field of the top is not in it.

    A field that is missing altogether is looked for with `name`, and then placed at what should hold it.
    """
    if document is None or (not name and location and location[0] not in document.data):
        return None
    return document.place(location, name=name)


def _text(path: Path) -> str:
    try:
        raw = read_plain(os.path.realpath(path), _LARGEST_BYTES)
    except FileNotFoundError:
        raise spec_error([Problem(f"there is no file {str(path)!r}", hint=_nearby(path))], path) from None
    except OSError as error:
        if path.is_dir():
            problem = Problem(f"{str(path)!r} is a folder", hint="name the YAML file inside it")
        elif error.strerror:
            problem = Problem(f"{str(path)!r} cannot be read: {error.strerror}", hint="check the file's permissions")
        else:
            words = f"{str(path)!r} is no spec, which has a few thousand bytes: {error}"
            problem = Problem(words, hint="check which file this is")
        raise spec_error([problem], path) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start)
        start = raw.rfind(b"\n", 0, error.start) + 1
        text = raw[start:].split(b"\n", 1)[0].decode("utf-8", errors="replace")
        column = len(raw[start : error.start].decode("utf-8", errors="replace"))
        place = Place(path, line + 1, column + 1, text.rstrip("\r"))
        raise spec_error([Problem("this is not UTF-8 text", place, "save the file as UTF-8")], path) from None


def _nearby(path: Path) -> str:
    others = sorted(other.name for other in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
    return f"the folder has: {', '.join(others[:8])}" if others else "check the path"


def _line_problems(path: Path, lines: Sequence[str], smallest: str) -> Iterator[Problem]:
    """Yield what YAML's own messages explain badly."""
    if not any(line.strip() and not line.lstrip().startswith("#") for line in lines):
        words = "the file holds comments alone" if any(map(str.strip, lines)) else "the file is empty"
        yield Problem(words, hint=smallest)
    for number, line in enumerate(lines):
        if _CONFLICT.match(line):
            place = Place(path, number + 1, 1, line)
            yield Problem("this is the mark of a merge conflict", place, "resolve the conflict")
        indentation = line[: len(line) - len(line.lstrip())]
        if "\t" in indentation and line.strip() and not line.lstrip().startswith("#"):
            place = Place(path, number + 1, indentation.index("\t") + 1, line)
            yield Problem("a tab is used as indentation, which YAML forbids", place, "write spaces instead of tabs")


def _composed(path: Path, lines: Sequence[str]) -> Node:
    text = "\n".join(lines)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # YAML allows it
            beyond = excess(YAML(typ="safe", pure=True).parse(text))
            root = None if beyond else YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise spec_error([_syntax_problem(error, path, lines)], path) from error
    except ReaderError as error:
        words = f"the file holds a character that YAML forbids: {error.reason}"
        place = _first_place(path, lines, chr(error.character))
        raise spec_error([Problem(words, place, "remove the character")], path) from error
    except YAMLError as error:
        raise spec_error([Problem("this is not YAML")], path) from error
    if beyond:
        place = Place(path, beyond.mark.line + 1, beyond.mark.column + 1, lines[beyond.mark.line])
        raise spec_error([Problem(beyond.words, place, beyond.hint)], path)
    if not isinstance(root, MappingNode):
        mark = root.start_mark if root is not None else None
        place = Place(path, mark.line + 1, mark.column + 1, lines[mark.line]) if mark else None
        problem = Problem("a list of fields was expected, such as 'name: first'", place, "write 'field: value' lines")
        raise spec_error([problem], path)
    return root


def _first_place(path: Path, lines: Sequence[str], character: str) -> Place | None:
    """Return where a character stands first; None where it does not."""
    found = ((number, line.find(character), line) for number, line in enumerate(lines))
    return next((Place(path, number + 1, column + 1, line) for number, column, line in found if column >= 0), None)


def _syntax_problem(error: MarkedYAMLError, path: Path, lines: Sequence[str]) -> Problem:
    mark = error.problem_mark or error.context_mark
    words = error.problem or "it cannot be read"
    if error.context:
        words = f"{words} {error.context}"
    hint = "check colons, quotes, brackets and indentation around this line"
    if "2002:merge" in words:
        words, hint = "'<<' merges fields in older YAML alone", "write the fields out, or give each model its own"
    elif words.startswith("but found another document"):
        words, hint = (
            "it holds a second document, which begins here",
            "keep one in the file: take out '---' between them",
        )
    elif words.startswith("could not determine a constructor"):
        words, hint = "tags such as '!!name' are not allowed", "remove the tag: plain values are all that a spec needs"
    if mark is None:
        return Problem(f"this is not YAML: {words}", hint=hint)
    line = min(mark.line, len(lines) - 1)
    column = mark.column if line == mark.line else len(lines[line])
    return Problem(f"this is not YAML: {words}", Place(path, line + 1, column + 1, lines[line]), hint)


def _node_problems(document: Document, node: Node, above: tuple[int, ...]) -> Iterator[Problem]:
    """Yield fields given twice, keys that are no names, values that contain themselves or are not what they seem."""
    mark = node.start_mark
    if id(node) in above:
        yield Problem("this value contains itself", document.at(mark.line, mark.column), "write it out")
        return
    above = (*above, id(node))
    if isinstance(node, ScalarNode):
        yield from _scalar_problems(document, node)
    if isinstance(node, SequenceNode):
        for child in node.value:
            yield from _node_problems(document, child, above)
    if isinstance(node, MappingNode):
        first: dict[str, int] = {}
        for key, child in node.value:
            place = document.at(key.start_mark.line, key.start_mark.column)
            if not isinstance(key.value, str):
                yield Problem("a field's name must be a single word", place)
            elif key.value in first:
                words = f"field {key.value!r} is given twice, first in line {first[key.value]}"
                yield Problem(words, place, "keep one of the two")
            else:
                first[key.value] = place.line
                yield from _scalar_problems(document, key)
            yield from _node_problems(document, child, above)


def _scalar_problems(document: Document, node: ScalarNode) -> Iterator[Problem]:
    """Yield why a value cannot be read, such as the thirteenth month, or a number of thousands of digits."""
    try:
        _constructor().construct_document(node)
    except ConstructorError as error:
        yield _syntax_problem(error, document.path, document.lines)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # What the library's readers of numbers, dates and truths raise for text that only looks like one.
        kind = str(node.tag).rsplit(":", 1)[-1]
        place = document.at(node.start_mark.line, node.start_mark.column)
        yield Problem(
            f"this cannot be read as {_SCALARS.get(kind, kind)}",
            place,
            "correct it, or put it in quotes where it is text",
        )


class _Constructor(SafeConstructor):
    """Makes plain values of nodes."""

    def construct_text(self, node: ScalarNode) -> str:
        """Return text, as an `UnquotedWord` where it is one."""
        text = str(self.construct_scalar(node))
        return UnquotedWord(text) if node.style is None and text.lower() in YAML_1_1_TRUTHS else text


_Constructor.add_constructor("tag:yaml.org,2002:str", _Constructor.construct_text)


def _constructor() -> SafeConstructor:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    constructor = yaml.constructor
    assert isinstance(constructor, _Constructor)
    return constructor


def _constructed(document: Document) -> dict[str, Any]:
    try:
        data = _constructor().construct_document(document.root)
    except ConstructorError as error:
        raise spec_error([_syntax_problem(error, document.path, document.lines)], document.path) from error
    assert isinstance(data, dict)
    return {str(key): value for key, value in data.items()}


def _is_nothing(node: Node) -> bool:
    """Return whether a value is not written at all."""
    return isinstance(node, ScalarNode) and node.style is None and node.start_mark.index == node.end_mark.index


def _child(node: Node, part: str | int) -> tuple[Node | None, Node] | None:
    """Return the name (of a field) and the value that a part of a location leads to; None where there is none."""
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key, value
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return None, node.value[part]
    return None

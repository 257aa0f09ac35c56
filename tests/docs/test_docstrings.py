"""Docstrings are in a form that tools parse: Google's sections, one line for each argument, attribute and exception."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ROOMS = (
    "benchmarks",
    "images",
    "orchestrator/api",
    "orchestrator/datasets",
    "orchestrator/engine",
    "orchestrator/environments",
    "orchestrator/execute",
    "orchestrator/infer",
    "orchestrator/metrics",
    "orchestrator/photos",
    "orchestrator/plan",
    "orchestrator/report",
    "orchestrator/spec",
    "orchestrator/store",
    "stagekit",
)

_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$")
_WITH_ENTRIES = frozenset({"Args:", "Attributes:", "Raises:"})
_ENTRY = re.compile(r"^    [A-Za-z_*][\w.]*: \S")


def documented(path: Path) -> Iterator[tuple[str, str, set[str]]]:
    """Yield name, docstring, and names of parameters and fields, of each class and function of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or ast.get_docstring(node) is None:
            continue
        if isinstance(node, ast.ClassDef):
            names = {one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and hasattr(one.target, "id")}
        else:
            arguments = node.args
            names = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        yield node.name, ast.get_docstring(node) or "", names


def faults(docstring: str, names: set[str]) -> Iterator[str]:
    """Yield what a tool would not parse: sections in a line, entries in the text, and sections without entries."""
    section = ""
    for line in docstring.splitlines():
        if _SECTION.match(line):
            section = line
        elif line and not line.startswith(" "):
            section = ""
            if re.match(r"(Args|Attributes|Raises|Returns|Yields): ", line):
                yield f"{line!r}: the section's entries belong on lines of their own"
            found = re.search(r"(?:^|[.;] )(\w+(?:, \w+)*): ", line)
            if found and names.issuperset(found[1].split(", ")):
                yield f"{line!r}: {found[1]} belongs into the section Args or Attributes"
        elif section in _WITH_ENTRIES and re.match(r"    \S", line) and not _ENTRY.match(line):
            yield f"{line!r}: no entry of {section}"


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_have_sections_that_tools_parse(room: str) -> None:
    paths = sorted((ROOT / room).rglob("*.py"))
    assert paths
    found = [
        f"{path.relative_to(ROOT)}: {name}: {fault}"
        for path in paths
        for name, docstring, names in documented(path)
        for fault in faults(docstring, names)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "docstring",
    [
        pytest.param("Read.\n\nRaises: OSError where it is not there.", id="raises-in-a-line"),
        pytest.param("Read. path: of the file", id="argument-in-the-summary"),
        pytest.param("Read.\n\npath: of the file", id="argument-in-the-text"),
        pytest.param("Read.\n\nRaises:\n    OSError where it is not there.", id="no-colon"),
    ],
)
def test_a_docstring_that_tools_would_not_parse_is_found(docstring: str) -> None:
    assert list(faults(docstring, {"path"}))

"""Words of the code: what a name may not be, because it says nothing of the thing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[2]


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of every variable and parameter."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


@pytest.mark.parametrize("folder", ["benchmarks", "examples", "images", "orchestrator", "scripts", "stagekit", "tests"])
def test_no_variable_is_called_of(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, name in bound_names(ast.parse(path.read_text(encoding="utf-8")))
        if name == "of"
    ]
    assert not found


def test_no_variable_of_a_template_is_called_of() -> None:
    templates = sorted((ROOT / "orchestrator" / "report" / "templates").glob("*.jinja"))
    assert templates
    trees = {path.name: Environment(autoescape=True).parse(path.read_text(encoding="utf-8")) for path in templates}
    assert [
        name for name, tree in trees.items() if any(found.name == "of" for found in tree.find_all(nodes.Name))
    ] == []

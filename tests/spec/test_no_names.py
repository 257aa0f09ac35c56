"""Nothing in the orchestrator's code names a network: what there is, folders say."""

import ast
from pathlib import Path

from orchestrator.spec.library import built_in

ROOT = Path(__file__).parents[2] / "orchestrator"
NAMES = {*built_in().model_names, *built_in().program_names}


def test_no_class_and_no_literal_in_the_orchestrator_names_a_network():
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = node.name.lower() if isinstance(node, ast.ClassDef) else getattr(node, "value", None)
            if isinstance(named, str) and any(name == named or named == f"{name}recipe" for name in NAMES):
                found.append(f"{path.relative_to(ROOT)}: {named}")
    assert not found

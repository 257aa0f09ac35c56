"""What an image's program may import of ours: nothing upwards, and of the orchestrator only what its recipe copies."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.spec.load import image_names, load_image

ROOT = Path(__file__).parents[1]
OURS = ("orchestrator", "netkit", "stagekit", *image_names(), *(f"{name}_program" for name in image_names()))


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of ours that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in OURS)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in OURS:
            yield node.module


def lies_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("name", image_names())
def test_program_imports_of_ours_only_what_its_recipe_copies(name: str) -> None:
    image = load_image(name)
    folder = ROOT / "images" / name / image.module
    modules = [module for path in folder.rglob("*.py") for module in imported(path)]
    assert modules
    assert [module for module in modules if not lies_in(module, (*image.code, image.module))] == []


@pytest.mark.parametrize("name", image_names())
def test_program_of_a_network_imports_nothing_of_the_orchestrator_or_of_another_network(name: str) -> None:
    image = load_image(name)
    if "train" not in image.behaviours:
        return
    modules = [module for path in (ROOT / "images" / name).rglob("*.py") for module in imported(path)]
    assert [module for module in modules if not lies_in(module, ("netkit", "stagekit", image.module))] == []

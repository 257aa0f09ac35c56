"""What installing the program brings suffices for every command: the developers' tools would hide what is missing."""

import ast
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IN_IMAGES = ("infer", "metrics", "datasets", "photos")
"""Rooms that run inside images alone, from the images' own locks."""


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0]


def named(requirement):
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def required(distribution):
    """Return what a distribution requires; nothing of an extra that developers do without."""
    try:
        return requires(distribution) or ()
    except PackageNotFoundError:
        return ()


def test_every_import_of_the_program_is_installed_with_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [one for requirements in project["optional-dependencies"].values() for one in requirements]
    direct = {named(requirement) for requirement in (*project["dependencies"], *extras)}
    brought = direct | {
        named(requirement) for name in direct for requirement in required(name) if "extra ==" not in requirement
    }
    package, own = ROOT / "orchestrator", {"orchestrator", "stagekit", *sys.stdlib_module_names}
    distributions = packages_distributions()
    missing = {
        f"{path.relative_to(package)} imports {name}"
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[0] not in IN_IMAGES
        for name in set(imported(path)) - own
        if not brought & {named(distribution) for distribution in distributions.get(name, [name])}
    }
    assert not missing

"""Writes a plug-in folder to start from: a template that works, under the name that its author wants."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from orchestrator.environments.plugin_image import unbuildable_name
from orchestrator.errors import DISK_FULL, ResultExists, SpecError
from orchestrator.resources import plugin_templates_folder
from orchestrator.spec.base import NAME_PATTERN
from orchestrator.spec.checks import RESERVED_LABELS
from orchestrator.spec.library import Library

PluginKind = Literal["program", "network"]
"""What a template brings: a method that is a program, from pictures to pictures; a network that is trained."""

_NAMES: dict[PluginKind, tuple[str, str]] = {
    "program": ("template-method", "program_template"),
    "network": ("template-network", "network_template"),
}
"""What a template's files and folders are called after, and its Python package."""


def new_plugin(name: str, kind: PluginKind, folder: Path, library: Library) -> Path:
    """Write a plug-in folder and return it.

    Args:
        name: Of the method or network, and of its image.
        folder: Where it goes; nothing may lie there.
        library: What has names already.

    Raises:
        SpecError: Where the name is no name, is taken, or is one of a control or that no Docker image can have, and
            where the folder cannot be made.
        ResultExists: Where the folder is there and not empty.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise SpecError(
            f"{name!r} is no name: lower case letters, digits, '.', '_' and '-', at most 63, beginning with a letter "
            "or digit",
            hint="choose another, such as my-method",
        )
    if name in RESERVED_LABELS:
        raise SpecError(
            f"{name!r} is one of the controls, which every comparison contains",
            hint="choose another name, such as my-method",
        )
    unbuildable = unbuildable_name(name)
    if unbuildable:
        raise SpecError(unbuildable, hint="choose another name, such as my-method")
    taken = (("program", library.program_names), ("network", library.model_names), ("image", library.image_names))
    for part, names in taken:
        if name in names:
            raise SpecError(f"there is {part} {name!r} already", hint="choose another name: each is taken once")
    with _explained(folder):
        if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
            raise ResultExists(f"{folder} is there already", hint="name another folder with --out")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{name}-") as scratch:
            made = Path(scratch) / "plug-in"
            made.mkdir()
            template, module = _NAMES[kind]
            _fill(made, plugin_templates_folder() / kind, {template: name, module: _module(kind, name)})
            made.rename(folder)
    return folder


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Tell the system's refusal to make a folder as a mistake of its name; a full disk stays what it is."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        raise SpecError(
            f"'{folder}' cannot be made: {error.strerror}", hint="name another folder with --out, where you may write"
        ) from error


def _module(kind: PluginKind, name: str) -> str:
    """Return what the package is called: never as a library is, whatever the name."""
    return f"{kind}_" + re.sub(r"[^a-z0-9_]", "_", name)


def _fill(folder: Path, template: Path, names: dict[str, str]) -> None:
    for path in sorted(template.rglob("*")):
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        target = folder / _renamed(path.relative_to(template).as_posix(), names)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_renamed(path.read_text(encoding="utf-8"), names), encoding="utf-8")
        shutil.copymode(path, target)


def _renamed(text: str, names: dict[str, str]) -> str:
    """Return a text with all names exchanged at once, so that a new name is not taken for an old one."""
    return re.sub("|".join(map(re.escape, names)), lambda found: names[found[0]], text)

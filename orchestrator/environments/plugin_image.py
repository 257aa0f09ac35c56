"""Whether the files of a plug-in's image are all there, lie inside it, and lock what is installed by hash."""

import re
from pathlib import Path

from orchestrator.environments.recipe import BUILD_REQUIREMENTS, code_files, lock_files
from orchestrator.errors import SpecError
from orchestrator.inside import path_inside
from orchestrator.spec.image import ImageSpec

_SHARED = ("stagekit", "netkit", "orchestrator")
"""Packages that this project gives to images: one of a plug-in's own would take their place unseen."""


_DOCKER_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
"""What Docker takes for a part of an image's name."""


def unbuildable_name(name: str) -> str:
    """Return why no image can be called so, as a sentence; empty where one can."""
    if _DOCKER_NAME.fullmatch(name):
        return ""
    return (
        f"no Docker image can be called {name!r}: '.', '_' and '-' stand between letters or digits, not at the end and "
        "not side by side"
    )


def check_image(image: ImageSpec) -> None:
    """Refuse an image of a plug-in that cannot be built as ours are; images of this project are not looked at.

    Raises:
        SpecError: Naming the file, and what to do.
    """
    folder = image.folder
    if folder is None:
        return
    unbuildable = unbuildable_name(image.name)
    if unbuildable:
        raise SpecError(unbuildable, where=str(folder), hint=_OTHER_NAME)
    wrong = _missing(image, folder) or _misplaced(image, folder)
    if wrong:
        raise SpecError(
            f"the image {image.name!r} of a plug-in cannot be built: {wrong}", where=str(folder), hint=_HINT
        )
    for variant in image.variants:
        for path in lock_files(image, variant).values():
            _check_lock(path)


_HINT = "bring its folder in order: docs/how-to/add-a-network.md says what belongs in it"

_OTHER_NAME = "rename it in the plug-in: its folder, 'name:' in its image.yaml, and 'image:' wherever it is named"


def _missing(image: ImageSpec, folder: Path) -> str:
    named = {variant.requirements for variant in image.variants.values()}
    for name in ("Dockerfile", "smoke.py", *sorted(named)):
        if not (folder / name).is_file():
            return f"it has no file {name}"
    found = code_files(image)
    for package in image.code:
        if not any(name.startswith(f"{package.replace('.', '/')}/") for name in found):
            return f"'code:' names the package {package!r}, which is neither beside its image.yaml nor this project's"
    if not any(name in found for name in _programs(image)):
        return f"'module:' names {image.module!r}, which is in none of the packages under 'code:'"
    return ""


def _programs(image: ImageSpec) -> tuple[str, ...]:
    path = image.module.replace(".", "/")
    return f"{path}/__main__.py", f"{path}.py"


def _misplaced(image: ImageSpec, folder: Path) -> str:
    for package in _SHARED:
        if (folder / package).exists():
            return f"it has a folder {package!r}, as a package of this project is called"
    named = ("Dockerfile", "smoke.py", BUILD_REQUIREMENTS, *(one.requirements for one in image.variants.values()))
    own = [path for path in code_files(image).values() if path.is_relative_to(folder)]
    for path in (*own, *(folder / name for name in named)):
        try:
            path_inside(folder, path.relative_to(folder).as_posix())
        except ValueError as error:
            return str(error)
    return ""


def _check_lock(path: Path) -> None:
    """Refuse a lock that leaves open what is installed; one without any package is a lock too."""
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8", errors="replace"))
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.partition(" #")[0].strip()
        if not entry or entry.startswith("#"):
            continue
        if not re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*==\S+", entry) or "--hash=sha256:" not in entry:
            raise SpecError(
                f"{entry[:80]!r} is not locked: a version and a hash are missing, or it is another option",
                where=f"{path}, entry {number}",
                hint="make the lock with: uv pip compile --generate-hashes --no-annotate NAME.in --output-file NAME",
            )

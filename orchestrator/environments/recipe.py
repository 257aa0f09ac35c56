"""What an image is made of: its build context, and the hash that names it."""

import hashlib
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from orchestrator.resources import contract_folder, images_folder
from orchestrator.spec.image import ImageSpec, Variant

BUILDER_SCHEMA = 1
"""Version of the way contexts are built; raised where the same files make another environment."""

_PACKAGE = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)
_FILES = ("Dockerfile", "smoke.py")


def context_files(image: ImageSpec, variant: Variant) -> dict[str, Path]:
    """Return the files of an image's build context by their path in it: Dockerfile, lock, smoke test and code."""
    folder = images_folder() / image.name
    files = {name: folder / name for name in _FILES}
    files["requirements.txt"] = folder / image.variants[variant].requirements
    return {**files, **{f"code/{name}": path for name, path in code_files(image).items()}}


def code_files(image: ImageSpec) -> dict[str, Path]:
    """Return the files of an image's code by their path below the folder that its interpreter looks into."""
    folder = images_folder() / image.name
    left_out = tuple(f"{package.replace('.', '/')}/" for package in image.without)
    files = {name: path for package in image.code for name, path in _package_files(package, folder)}
    return {name: path for name, path in files.items() if not name.startswith(left_out)}


def _package_files(package: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a package with their path below the code folder."""
    if package.startswith("orchestrator."):
        room = package.partition(".")[2]
        yield "orchestrator/__init__.py", _PACKAGE / "__init__.py"
        root, prefix = _PACKAGE / room, f"orchestrator/{room}"
    else:
        own = folder / package
        shared = contract_folder() if package == "stagekit" else images_folder() / package
        root, prefix = (own if own.is_dir() else shared), package
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"{prefix}/{path.relative_to(root).as_posix()}", path


def recipe_hash(image: ImageSpec, variant: Variant) -> str:
    """Return the hash of everything that an image is made of.

    A site's base image and wheel folder are not in it: they are where the same pinned things come from.
    """
    return _hash(context_files(image, variant), image.python, image.module, variant)


def lock_hash(image: ImageSpec, variant: Variant) -> str:
    """Return the hash of the installed packages alone: environments of one lock can be shared."""
    lock = images_folder() / image.name / image.variants[variant].requirements
    return _hash({"requirements.txt": lock}, image.python)


def locked_packages(lock: Path) -> dict[str, str]:
    """Return what a lock pins: package to version."""
    return dict(_PIN.findall(lock.read_text(encoding="utf-8")))


def image_packages(image: ImageSpec, variant: Variant) -> dict[str, str]:
    """Return everything that an image's lock pins."""
    return locked_packages(images_folder() / image.name / image.variants[variant].requirements)


def orchestrator_files() -> dict[str, Path]:
    """Return the files of the orchestrator and of the contract that it shares with images, as `code_files` does."""
    folders = {"orchestrator": _PACKAGE, "stagekit": contract_folder()}
    return {
        f"{package}/{path.relative_to(root).as_posix()}": path
        for package, root in folders.items()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@cache
def orchestrator_hash() -> str:
    """Return the hash of the orchestrator's own code, comments and all."""
    return _hash(orchestrator_files())


def _hash(files: dict[str, Path], *words: str) -> str:
    digest = hashlib.sha256("\0".join((str(BUILDER_SCHEMA), *words)).encode())
    for name, path in sorted(files.items()):
        digest.update(f"\0{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return digest.hexdigest()


def assemble(image: ImageSpec, variant: Variant, target: Path) -> None:
    """Copy an image's build context into an empty folder."""
    for name, path in context_files(image, variant).items():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)

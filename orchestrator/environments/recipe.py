"""What an image is made of: its build context, and the hash that names it."""

import hashlib
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from orchestrator.environments.pins import name_and_digest, pinned
from orchestrator.errors import BuildError
from orchestrator.resources import contract_folder, images_folder
from orchestrator.spec.image import ImageSpec, RecordedRecipe, Variant

BUILDER_SCHEMA = 1
"""Version of the way contexts are built; raised where the same files make another environment."""

_PACKAGE = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)
_FILES = ("Dockerfile", "smoke.py")
REQUIREMENTS = "requirements.txt"
BUILD_REQUIREMENTS = "requirements.build.txt"
"""What builds the packages that are published as source alone; only some images need it."""
_INSTALLER = "uv.txt"


def image_folder(image: ImageSpec) -> Path:
    """Return the folder of an image's files, below that of this project's images or in a plug-in.

    Raises:
        BuildError: Where only a run has recorded the image, and its files are gone.
    """
    if image.recorded:
        raise BuildError(
            f"the image {image.name} comes from a plug-in that is not here, so that it cannot be built",
            hint="name the plug-in's folder with --plugins or SIRR_PLUGINS",
        )
    return image.folder or images_folder() / image.name


def context_files(image: ImageSpec, variant: Variant) -> dict[str, Path]:
    """Return the files of an image's build context by their path in it: Dockerfile, locks, smoke test and code."""
    files = {name: image_folder(image) / name for name in _FILES}
    files[_INSTALLER] = images_folder() / _INSTALLER
    return {**files, **lock_files(image, variant), **{f"code/{name}": path for name, path in code_files(image).items()}}


def lock_files(image: ImageSpec, variant: Variant) -> dict[str, Path]:
    """Return the locks of what is installed and, where something is built, of what builds it, by their path there."""
    folder = image_folder(image)
    build = folder / BUILD_REQUIREMENTS
    return {
        REQUIREMENTS: folder / image.variants[variant].requirements,
        **({BUILD_REQUIREMENTS: build} if build.is_file() else {}),
    }


def installed_locks(image: ImageSpec, variant: Variant, *, with_installer: bool) -> list[Path]:
    """Return the locks of what is installed in an environment; Docker images keep what installed it.

    There are none of an image whose files are gone.
    """
    if image.recorded:
        return []
    lock = lock_files(image, variant)[REQUIREMENTS]
    return [lock, images_folder() / _INSTALLER] if with_installer else [lock]


def lock_names(context: Path) -> list[str]:
    """Return the names of all locks in a build context."""
    return [name for name in (_INSTALLER, REQUIREMENTS, BUILD_REQUIREMENTS) if (context / name).is_file()]


def code_files(image: ImageSpec) -> dict[str, Path]:
    """Return the files of an image's code by their path below the folder that its interpreter looks into."""
    folder = image_folder(image)
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

    The official base is in it where it is pinned. A site's own base is not, but in the labels of what is built on it;
    nor is its folder of wheels, which is where the same locked packages come from.
    """
    if variant in image.recorded:
        return image.recorded[variant].recipe
    base = pinned(image.variants[variant].base)
    _, digest = name_and_digest(base)
    return _hash(context_files(image, variant), image.python, image.module, variant, *filter(None, [digest]))


def lock_hash(image: ImageSpec, variant: Variant) -> str:
    """Return the hash of the installed packages alone: environments of one lock can be shared."""
    if variant in image.recorded:
        return image.recorded[variant].lock
    return _hash(lock_files(image, variant), image.python)


def locked_packages(lock: Path) -> dict[str, str]:
    """Return what a lock pins: package to version."""
    return dict(_PIN.findall(lock.read_text(encoding="utf-8")))


def image_packages(image: ImageSpec, variant: Variant) -> dict[str, str]:
    """Return everything that an image's lock pins."""
    if variant in image.recorded:
        return dict(image.recorded[variant].packages)
    return locked_packages(lock_files(image, variant)[REQUIREMENTS])


def recorded_recipe(image: ImageSpec, variant: Variant) -> RecordedRecipe:
    """Return what finds an image where it is built when its files are gone."""
    return RecordedRecipe(recipe_hash(image, variant), lock_hash(image, variant), image_packages(image, variant))


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

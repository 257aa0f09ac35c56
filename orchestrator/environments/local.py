"""Builds images as local environments: one venv for each lock, one copy of the code for each recipe."""

import contextlib
import json
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from orchestrator.environments.builder import BuildSettings, Output
from orchestrator.environments.recipe import (
    BUILD_REQUIREMENTS,
    REQUIREMENTS,
    assemble,
    image_packages,
    lock_hash,
    locked_packages,
    recipe_hash,
)
from orchestrator.errors import BuildError
from orchestrator.process import ProcessFailed, run, stream
from orchestrator.spec.environment import Environment
from orchestrator.spec.image import ImageSpec, Variant
from orchestrator.store.leases import held

_RECORD = "environment.json"
_TAIL_LINES = 25
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "no_proxy")
_KEPT_PREFIXES = ("UV_", "PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "XDG_")


class LocalBuilder:
    """Makes local environments below `root`: venvs/ by lock, code/ by recipe."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def find(self, image: ImageSpec, variant: Variant, _settings: BuildSettings) -> Environment | None:
        """Return the environment of exactly this recipe, or None."""
        recipe = recipe_hash(image, variant)
        record = self._root / "code" / recipe / _RECORD
        python = self._venv(image, variant) / "bin" / "python"
        if not record.is_file() or not python.exists():
            return None
        details = _details(record)
        if details is None:
            return None
        packages = image_packages(image, variant)
        return Environment("local", image.name, recipe, str(python), record.parent / "code", details, packages)

    def build(self, image: ImageSpec, variant: Variant, settings: BuildSettings, output: Output) -> Environment:
        """Make the environment and run its smoke test; see `Builder.build`."""
        with self._lock(image.name, variant):
            found = self.find(image, variant, settings)
            if found is not None:
                return found
            venv = self._venv(image, variant)
            if not venv.is_dir():
                self._make_venv(image, variant, venv, settings, output)
            self._make_code(image, variant, venv, output)
            built = self.find(image, variant, settings)
        if built is None:
            raise files_changed(image)
        return built

    def folders(self, images: Iterable[ImageSpec]) -> set[Path]:
        """Return the folders that environments of these images' present recipes have, whether they are built or not."""
        found: set[Path] = set()
        for image in images:
            for variant in [name for name in image.variants if not image.recorded or name in image.recorded]:
                found |= {self._venv(image, variant), self._root / "code" / recipe_hash(image, variant)}
        return found

    def restore(self, folder: str, python: str, packed: Path) -> bool:
        """Make an environment of packages that were packed elsewhere; return whether there was none.

        The environment itself is made anew, as it names the interpreter of its machine; nothing is fetched.

        Args:
            folder: Name of the environment's folder.
            python: Minor version of its interpreter, such as "3.8".
            packed: The folder with its packages, on the store's disk; they are moved.

        Raises:
            BuildError: Where this machine has no such interpreter, or the environment cannot be made.
        """
        venv = self._root / "venvs" / folder
        if venv.is_dir():
            return False
        interpreter = find_interpreter(python, fetch=False)
        if interpreter is None:
            raise BuildError(
                f"the environment {folder} needs Python {python}, which is not on this machine",
                hint=f"install Python {python} here (with uv python install, pyenv, or the distribution's packages)",
            )
        made = packed.with_name(f"{packed.name}.made")
        try:
            run(
                [_uv(), "venv", "--quiet", "--relocatable", "--python", str(interpreter), str(made)], env=_environment()
            )
        except ProcessFailed as error:
            raise BuildError(
                f"the environment {folder} could not be made", where=str(error), hint="check the interpreter and uv"
            ) from error
        for path in sorted(packed.rglob("*")):
            if path.is_file():
                target = made / path.relative_to(packed)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
        _place(made, venv)
        return True

    def restore_code(self, packed: Path) -> None:
        """Take a folder of code that was packed elsewhere, named after its recipe; it is moved."""
        if not (self._root / "code" / packed.name).is_dir():
            _place(packed, self._root / "code" / packed.name)

    def _venv(self, image: ImageSpec, variant: Variant) -> Path:
        return self._root / "venvs" / f"{image.name}-{variant}-{lock_hash(image, variant)[:16]}"

    @contextlib.contextmanager
    def _lock(self, name: str, variant: str) -> Iterator[None]:
        self._root.mkdir(parents=True, exist_ok=True)
        with held(self._root / f"{name}-{variant}.lock"):
            yield

    def _make_venv(
        self, image: ImageSpec, variant: Variant, venv: Path, settings: BuildSettings, output: Output
    ) -> None:
        interpreter = find_interpreter(image.python)
        assert interpreter is not None  # with fetch, one is found or an error raised
        partial = venv.with_name(venv.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        output(f"{image.name}: Python {image.python} from {interpreter}")
        # Relocatable, because it is made beside and renamed: a build that was cut short is never taken for a whole one.
        _step(
            image,
            "make the environment",
            [_uv(), "venv", "--quiet", "--relocatable", "--python", str(interpreter), str(partial)],
            output,
        )
        context = self._root / f"context-{image.name}-{variant}"
        shutil.rmtree(context, ignore_errors=True)
        assemble(image, variant, context)
        self._install(image, partial, context, settings, output)
        partial.rename(venv)
        shutil.rmtree(context)

    def _install(self, image: ImageSpec, venv: Path, context: Path, settings: BuildSettings, output: Output) -> None:
        """Install the locked packages: wheels alone, unless what builds the others is locked too; that is not kept."""
        python = str(venv / "bin" / "python")
        install = [_uv(), "pip", "install", "--python", python, "--require-hashes"]
        lock, build = context / REQUIREMENTS, context / BUILD_REQUIREMENTS
        how, environment = ["--no-build"], _environment()
        if build.is_file():
            tools = context / "build"
            wheels = ["--no-build", *wheel_options(build, settings.wheels), "--requirement", str(build)]
            _step(image, "install what builds packages", [*install, "--target", str(tools), *wheels], output)
            how, environment = ["--no-build-isolation"], {**environment, "PYTHONPATH": str(tools)}
        _step(
            image,
            "install the locked packages",
            [*install, *how, *wheel_options(lock, settings.wheels), "--requirement", str(lock)],
            output,
            environment,
        )

    def _make_code(self, image: ImageSpec, variant: Variant, venv: Path, output: Output) -> None:
        recipe = recipe_hash(image, variant)
        folder = self._root / "code" / recipe
        partial = folder.with_name(f"{recipe}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        assemble(image, variant, partial)
        python = str(venv / "bin" / "python")
        environment = {**_environment(), "PYTHONPATH": str(partial / "code"), "PYTHONDONTWRITEBYTECODE": "1"}
        _step(image, "run the smoke test", [python, str(partial / "smoke.py")], output, environment)
        details = {
            "variant": variant,
            "python": run([python, "-c", "import platform; print(platform.python_version())"]).stdout.strip(),
            "lock": lock_hash(image, variant)[:16],
            "packages": ", ".join(_main_packages(partial / REQUIREMENTS)),
            "reference": f"local environment {venv.name}",
        }
        (partial / _RECORD).write_text(json.dumps(details, indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)


def _details(record: Path) -> dict[str, str] | None:
    """Return what is recorded of an environment; None where a power cut left no whole record: it is built again."""
    try:
        found = json.loads(record.read_bytes())
    except (ValueError, RecursionError):
        return None
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else None


def _place(made: Path, target: Path) -> None:
    """Rename a folder to its place; where another program was quicker, its own stays."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        made.rename(target)


def files_changed(image: ImageSpec) -> BuildError:
    """Return the error for a recipe that is not the one that was built."""
    return BuildError(f"the files of the image {image.name} were changed while it was built", hint="build it again")


def wheel_options(lock: Path, folders: Sequence[Path]) -> list[str]:
    """Return uv's options for the site's wheels; where no folder has the lock's CPU build of torch, its own index."""
    options = [option for folder in folders for option in ("--find-links", str(folder))]
    return [*options, *([] if not needs_torch_index(lock, folders) else ["--torch-backend", "cpu"])]


def needs_torch_index(lock: Path, folders: Sequence[Path]) -> bool:
    """Return whether the lock names a CPU build of torch, found on PyTorch's own index only, that no folder has."""
    pinned = re.search(r"^torch==(\S+\+cpu)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if pinned is None:
        return False
    return not any(any(folder.glob(f"torch-{pinned[1]}-*.whl")) for folder in folders)


def find_interpreter(python: str, *, fetch: bool = True) -> Path | None:
    """Return an interpreter of a minor version such as "3.8": one that uv finds, pyenv's, or one that uv fetches.

    Args:
        fetch: Whether one may be downloaded; None is returned only where it may not.

    Raises:
        BuildError: Where none is found and none can be fetched.
    """
    found = _uv_finds(python) or _pyenv_has(python)
    if found is not None or not fetch:
        return found
    try:
        run([_uv(), "python", "install", python], env=_environment())
    except ProcessFailed as error:
        raise BuildError(
            f"there is no Python {python} on this machine, and uv cannot fetch one",
            where=error.output.strip()[-400:] or None,
            hint=f"install Python {python} (with pyenv, or the distribution's packages), or use Docker",
        ) from error
    return _uv_finds(python)


def _uv_finds(python: str) -> Path | None:
    try:
        done = run(
            [_uv(), "python", "find", "--no-project", "--no-python-downloads", python],
            env=_environment(),
            cwd=Path("/"),
        )
    except ProcessFailed:
        return None
    found = Path(done.stdout.strip())
    return found if _works(found, python) else None


def _pyenv_has(python: str) -> Path | None:
    """Look into pyenv's folder of versions: its shims answer only for those that are selected."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = sorted(root.glob(f"{python}.*/bin/python"), key=_patch)
    return next((path for path in reversed(found) if _works(path, python)), None)


def _patch(path: Path) -> int:
    number = path.parents[1].name.rpartition(".")[2]
    return int(number) if number.isdigit() else -1


def _works(path: Path, python: str) -> bool:
    try:
        done = run([str(path), "-c", "import ssl, sys; print('%d.%d' % sys.version_info[:2])"])
    except ProcessFailed:
        return False
    return done.stdout.strip() == python


def _uv() -> str:
    """Return uv as it is installed beside this program."""
    beside = Path(sysconfig.get_path("scripts")) / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise BuildError("uv is not installed", hint=f"run: {sys.executable} -m pip install uv")
    return found


def _environment() -> dict[str, str]:
    """Return what a build needs of this process's environment: paths, proxies, certificates, uv's own settings."""
    return {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}


def _step(
    image: ImageSpec, step: str, argv: Sequence[str], output: Output, environment: dict[str, str] | None = None
) -> None:
    tail: list[str] = []
    try:
        for line in stream(argv, env=environment or _environment()):
            tail = [*tail[1 - _TAIL_LINES :], line]
            output(f"{image.name}: {line}")
    except ProcessFailed as error:
        said = "".join(f"\n    {line}" for line in tail)
        hint = "free some space" if "No space left" in said else "read the lines above; then run sirr-orch build again"
        raise BuildError(
            f"the environment of {image.name} could not be built: the step 'to {step}' failed",
            where=f"{Path(argv[0]).name} ended with status {error.status}{said}",
            hint=hint,
        ) from error


def _main_packages(lock: Path) -> list[str]:
    """Return the packages of a lock that decide numbers, with their versions."""
    names = (
        "tensorflow",
        "tf2onnx",
        "torch",
        "torchvision",
        "onnx",
        "onnxruntime",
        "onnxruntime-gpu",
        "lpips",
        "scikit-image",
        "numpy",
        "scipy",
        "pillow",
    )
    return [f"{name} {version}" for name, version in locked_packages(lock).items() if name in names]

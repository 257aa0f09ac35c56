"""Examines the machine: each finding says what is there or missing, and what would help."""

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.engine.gpu import list_gpus
from orchestrator.engine.select import available_engine, walls_asked_for
from orchestrator.engine.walls import find_walls
from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.local import find_interpreter
from orchestrator.environments.plugin_image import check_image
from orchestrator.errors import BuildError, SirrError
from orchestrator.execute.build import builder_for
from orchestrator.spec.image import ImageSpec
from orchestrator.spec.library import Library
from orchestrator.spec.weights import presence, released_files, weights_folder
from orchestrator.store.leases import how_kept_apart
from orchestrator.store.store import Store

_IMAGES_BYTES = 25 * 2**30
_LOCAL_BYTES = 12 * 2**30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    severity: Literal["ok", "warning", "error"]
    message: str
    remedy: str | None = None


def examine(store_root: Path, library: Library) -> list[Finding]:
    """Look at everything that a comparison needs; errors are only what keeps every comparison from running."""
    store = Store(store_root, make=False)
    findings = [_python(), _disk(store), Finding("locks", "ok", how_kept_apart(store.layout))]
    findings.extend(_engines(store, library))
    findings.append(_walls())
    findings.extend(_interpreters(library))
    findings.append(_gpus())
    findings.extend(_features(library))
    findings.extend(plugin_findings(library))
    return findings


def sound_images(library: Library) -> list[ImageSpec]:
    """Return the images whose descriptions and files are right; what is wrong with others is a finding by itself."""
    found = []
    for name in library.image_names:
        with contextlib.suppress(SirrError):
            image = library.image(name)
            check_image(image)
            found.append(image)
    return found


def plugin_findings(library: Library) -> Iterator[Finding]:
    """Yield what each plug-in brings, and every file of it that is wrong by itself."""
    readers: dict[str, Callable[[str], object]] = {
        "model": library.model,
        "program": library.program,
        "image": lambda name: check_image(library.image(name)),
        "dataset": library.dataset,
        "published table": library.published_table,
        "list of weights": lambda _name: library.released_files,
        "metric": library.metric,
        "protocol": library.protocol,
    }
    for plugin in library.plugins:
        brought = [(part, name) for part in readers for name in library.names(part, plugin)]
        wrong = False
        for part, name in brought:
            try:
                readers[part](name)
            except SirrError as error:
                wrong = True
                message = f"{part} {name}: {error.message}" + (f" ({error.where})" if error.where else "")
                yield Finding(f"plug-in {plugin.folder.name}", "warning", message, error.hint)
        if not wrong:
            said = ", ".join(f"{part} {name}" for part, name in brought) or "nothing yet"
            yield Finding(f"plug-in {plugin.folder.name}", "ok", f"{plugin.folder} ({plugin.named_by}): {said}")


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("python", "ok", f"Python {version}")


def _disk(store: Store) -> Finding:
    free = store.free_bytes
    said = f"{free / 2**30:.1f} GiB free at {store.root}"
    if free >= _IMAGES_BYTES:
        return Finding("disk", "ok", said)
    if free >= _LOCAL_BYTES:
        return Finding("disk", "warning", f"{said}; five Docker images take about 12 GiB more than local environments")
    return Finding(
        "disk", "warning", f"{said}; the environments alone take about 8 GiB", "put the store elsewhere: --store"
    )


def _engines(store: Store, library: Library) -> Iterator[Finding]:
    staging = store.layout.stagings
    engines = []
    for name in ("docker", "podman"):
        try:
            found = available_engine(name, staging)
        except SirrError as error:
            if name == "docker" or shutil.which(name):
                yield Finding(name, "warning", error.message, error.hint)
            continue
        if found.engine.name not in engines:
            whole = found.engine.capabilities.limits_memory and found.engine.capabilities.same_machine
            yield Finding(name, "ok" if whole else "warning", found.finding)
            engines.append(found.engine.name)
    for engine in (*engines, "local"):
        builder = builder_for(engine, store.root)
        settings = BuildSettings.from_environment()
        images = sound_images(library)
        built = [image.name for image in images if builder.find(image, "cpu", settings) is not None]
        missing = [image.name for image in images if image.name not in built]
        if missing:
            remedy = f"run: sirr-orch build --engine {engine} {' '.join(missing)}"
            yield Finding(f"{engine} images", "warning", f"not built: {', '.join(missing)}", remedy)
        else:
            yield Finding(f"{engine} images", "ok", f"all built: {', '.join(built)}")


def _walls() -> Finding:
    """Say what local programs are kept in, as a start showed it."""
    try:
        found = find_walls(walls_asked_for())
    except SirrError as error:
        return Finding("walls", "error", error.message, error.hint)
    if found.walls.name == "bubblewrap":
        return Finding("walls", "ok", found.sentence)
    return Finding("walls", "warning", found.sentence, "install bubblewrap, allow user namespaces, or use Docker")


def _interpreters(library: Library) -> Iterator[Finding]:
    """Local environments need an interpreter of each image's version; uv fetches one that is missing."""
    for python in sorted({image.python for image in sound_images(library)}):
        try:
            found = find_interpreter(python, fetch=False)
        except BuildError as error:
            found, remedy = None, error.hint
        else:
            remedy = f"run: uv python install {python}   (a local build does so by itself)"
        if found is None:
            yield Finding(f"python {python}", "warning", "no interpreter for local environments", remedy)
        else:
            yield Finding(f"python {python}", "ok", str(found))


def _gpus() -> Finding:
    gpus = list_gpus()
    if gpus:
        return Finding("gpu", "ok", ", ".join(f"{gpu.name} ({gpu.memory_bytes / 2**30:.0f} GiB)" for gpu in gpus))
    if shutil.which("nvidia-smi"):
        return Finding("gpu", "warning", "nvidia-smi is there but shows no GPU", "check the driver: nvidia-smi")
    return Finding("gpu", "ok", "none: experiments run with device: cpu")


def _features(library: Library) -> Iterator[Finding]:
    try:
        known = library.released_files
    except SirrError:
        known = released_files()  # what is wrong in a plug-in's list is a finding by itself
    files = [file for file in known if file.kind == "features"]
    for found in presence(files, weights_folder(), verify=True):
        if found.state == "missing":
            remedy = f"{found.remedy}, or write features: random to try things out"
            yield Finding("features", "warning", f"{found.file.name} is not there", remedy)
        elif found.state == "damaged":
            yield Finding(
                "features", "warning", f"{found.file.name} is another file than the published one", found.remedy
            )
        else:
            yield Finding("features", "ok", found.file.name)

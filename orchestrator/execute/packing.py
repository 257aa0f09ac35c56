"""Packs and unpacks runs with what a machine without a network needs to go on: environments, images, data."""

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.docker import DockerBuilder
from orchestrator.environments.local import LocalBuilder
from orchestrator.errors import PackInvalid, StoreError
from orchestrator.execute.build import not_built
from orchestrator.execute.plugins import known_library, library_of_runs
from orchestrator.execute.store_care import paths_in_use
from orchestrator.spec.image import ImageSpec, Variant
from orchestrator.spec.prepared import prepared_folder
from orchestrator.store.opened import opened_store
from orchestrator.store.pack import Entry, Extras, Progress, folder_entries, pack_runs
from orchestrator.store.pack_form import PackedEnvironment, PackIndex, Place
from orchestrator.store.reference import run_reference
from orchestrator.store.run_document import RunDocument
from orchestrator.store.runs import run_document
from orchestrator.store.store import Store
from orchestrator.store.unpack import Unpacked, Unpacking, unpacking

_SHELVES = ("venvs", "code")


@dataclass(frozen=True)
class Wanted:
    """What goes into a pack besides runs.

    Attributes:
        data: The data folder; None for the environment's, or the default.
    """

    environments: bool = False
    images: bool = False
    datasets: bool = False
    data: Path | None = None


def pack(folder: Path, runs: Sequence[str], target: Path, wanted: Wanted, progress: Progress) -> PackIndex:
    """Write runs into one file; see `pack_runs`.

    Raises what `pack_runs` raises, and ImageNotBuilt for an environment or image that is not built here.

    Args:
        runs: RUN or RUN@2.
    """
    store = opened_store(folder)
    references = [run_reference(run) for run in runs]
    documents = [run_document(store, reference) for reference in references]
    layout = store.layout
    at_work = {layout.key_of(path) for path in paths_in_use(layout) if path.is_relative_to(layout.stagings)}
    for document in documents:
        running = [stage.name for stage in document.stages if stage.key is not None and stage.key in at_work]
        if running:
            raise StoreError(
                f"{', '.join(running)} of {document.name!r} runs on, though its run has ended: it cannot be packed now",
                hint="wait until it has ended; or run the experiment again, which takes it over, and stop it",
            )
    return pack_runs(store, references, target, _extras(store, documents, wanted), progress)


def unpack(
    folder: Path, file: Path, named: str | None, data: Path | None, progress: Progress, say: Callable[[str], None]
) -> Unpacked:
    """Take a pack into a store; see `unpacking`.

    Raises what `unpacking` raises, and BuildError where the interpreter of an environment is not on this machine.

    Args:
        data: As in `Wanted`.
    """
    store = Store(folder)
    with unpacking(store, file, named, progress) as parts:
        _restore_environments(parts, say)
        _load_images(parts, say)
        _place_data(parts, data, say)
        return parts.publish()


@dataclass
class _Gathered:
    environments: list[PackedEnvironment] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


def _extras(store: Store, documents: Sequence[RunDocument], wanted: Wanted) -> Extras:
    gathered = _Gathered()
    variants = {document.name: _variant(document) for document in documents}
    needed = {
        (stage.image, variants[document.name]) for document in documents for stage in document.stages if stage.image
    }
    images: list[tuple[ImageSpec, Variant]] = []
    if wanted.environments or wanted.images:
        library = library_of_runs(documents, known_library(()))
        images = [(library.image(name), variant) for name, variant in sorted(needed)]
    if wanted.environments:
        _add_environments(store, images, gathered)
    if wanted.images:
        _add_images(images, gathered)
    if wanted.datasets:
        for name in sorted({dataset.name for document in documents for dataset in document.datasets}):
            prepared = prepared_folder(name, wanted.data)
            if prepared.is_dir():
                gathered.data.append(name)
                gathered.entries += folder_entries(Place("data", name, ""), prepared)
    return Extras(tuple(gathered.environments), tuple(gathered.images), tuple(gathered.data), gathered.entries)


def _variant(document: RunDocument) -> Variant:
    return "cuda" if document.device == "cuda" else "cpu"


def _add_environments(store: Store, images: Sequence[tuple[ImageSpec, Variant]], gathered: _Gathered) -> None:
    builder, settings = LocalBuilder(store.layout.environments), BuildSettings.from_environment()
    found = {(image.name, variant): builder.find(image, variant, settings) for image, variant in images}
    missing = [image for image, variant in images if found[image.name, variant] is None]
    if missing:
        raise not_built(missing, "local", images[0][1])
    for image, variant in images:
        environment = found[image.name, variant]
        assert environment is not None  # checked just above
        assert environment.code is not None  # a local environment has its code in a folder
        venv, code = Path(environment.reference).parents[1], environment.code.parent
        gathered.environments.append(
            PackedEnvironment(folder=venv.name, image=image.name, python=image.python, system=_system())
        )
        gathered.entries += folder_entries(Place("environments", "venvs", venv.name), venv, _made_again)
        gathered.entries += folder_entries(Place("environments", "code", code.name), code, _made_again)


def _made_again(inner: Path) -> bool:
    """Return whether a file of an environment is made where it is unpacked: it names this machine's interpreter."""
    interpreter = inner.parts[0] == "bin" and inner.name.startswith("python")
    return "__pycache__" in inner.parts or inner.name == "pyvenv.cfg" or interpreter


def _system() -> str:
    return f"{platform.system()} {platform.machine()}"


def _add_images(images: Sequence[tuple[ImageSpec, Variant]], gathered: _Gathered) -> None:
    builder, settings = DockerBuilder(engine="auto"), BuildSettings.from_environment()
    for number, (image, variant) in enumerate(images):
        tag = builder.tag(image, variant, settings)
        if tag is None:
            raise not_built([image], "docker", variant)
        gathered.images.append(tag)
        chunks = _saved(builder, tag)
        gathered.entries.append(Entry(Place("images", str(number), "image.tar"), chunks, None))


def _saved(builder: DockerBuilder, tag: str) -> Callable[[], Iterable[bytes]]:
    return lambda: builder.saved(tag)


def _restore_environments(parts: Unpacking, say: Callable[[str], None]) -> None:
    builder = LocalBuilder(parts.store.layout.environments)
    for environment in parts.index.environments:
        if environment.system != _system():
            raise PackInvalid(
                f"the environment of {environment.image} was made for {environment.system}, and this is {_system()}",
                hint="pack without --with-environments, and build them here: sirr-orch build --engine local",
            )
        packed = parts.folder / "environments" / "venvs" / environment.folder
        if builder.restore(environment.folder, environment.python, packed):
            say(f"{environment.image}: environment unpacked")
    code = parts.folder / "environments" / "code"
    for recipe in sorted(code.iterdir()) if code.is_dir() else ():
        builder.restore_code(recipe)


def _load_images(parts: Unpacking, say: Callable[[str], None]) -> None:
    if parts.index.images:
        builder = DockerBuilder(engine="auto")
        for number, tag in enumerate(parts.index.images):
            with (parts.folder / "images" / str(number) / "image.tar").open("rb") as stream:
                builder.load(stream)
            say(f"{tag}: loaded into the engine")


def _place_data(parts: Unpacking, data: Path | None, say: Callable[[str], None]) -> None:
    for name in parts.index.data:
        target = prepared_folder(name, data)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            (parts.folder / "data" / name).rename(target)
            say(f"{name}: dataset unpacked into {target}")

"""Chooses an engine and brings images into being for it."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from orchestrator.engine.protocol import Engine, Environment
from orchestrator.engine.select import Selection, available_engine
from orchestrator.environments.builder import Builder, BuildSettings
from orchestrator.environments.docker import DockerBuilder
from orchestrator.environments.local import LocalBuilder
from orchestrator.environments.plugin_image import check_image
from orchestrator.errors import EngineUnavailable, ImageNotBuilt, SpecError
from orchestrator.execute.cluster import asked_site, site_sentence
from orchestrator.spec.image import ImageSpec, Variant
from orchestrator.spec.library import Library
from orchestrator.spec.names import Device, EngineName
from orchestrator.store.layout import Layout
from orchestrator.store.store import Store


@dataclass(frozen=True)
class Built:
    """One image after `build_images`."""

    image: str
    environment: Environment
    already: bool
    """Whether it was there before."""
    note: str = ""
    """What is to be known of its variant."""

    @property
    def sentence(self) -> str:
        """What to tell the user."""
        verb = "is built already" if self.already else "built"
        sentence = f"{self.image}: {verb} (recipe {self.environment.recipe[:12]}, {self.environment.engine})"
        return f"{sentence}. {self.note}" if self.note and not self.already else sentence


BUILDERS = "sirr_orch.builders"
"""The group of entry points by which an installed distribution names builders, each for the environments of its name:
something that takes the store's folder of environments and returns a `Builder`."""

_BUILDERS: Mapping[str, Callable[[Path], Builder]] = {
    "docker": lambda _folder: DockerBuilder(),
    "podman": lambda _folder: DockerBuilder(engine="podman"),
    "local": LocalBuilder,
}


def chosen_engine(name: EngineName, store: Path) -> Selection:
    """Return the engine that runs stages here, and a sentence that says which and why.

    Raises:
        EngineUnavailable: Where the one that was asked for does not answer, or the site's cluster cannot run what it
            runs.
        SpecError: Where the site's file is wrong.
    """
    site = asked_site()
    stagings = Layout(store.absolute()).stagings
    if site is None or site.where == "here":
        return available_engine(name, stagings)
    chosen = available_engine("local" if name == "auto" else name, stagings)
    return Selection(chosen.engine, f"{chosen.sentence}; {site_sentence(site, chosen.engine)}")


def not_built(images: Sequence[ImageSpec], engine: str, variant: Device) -> ImageNotBuilt:
    """Return the error that names the images, with the command that builds them for this engine and device."""
    device = "" if variant == "cpu" else f" --device {variant}"
    names = [image.name for image in images]
    folders = dict.fromkeys(image.folder.parents[1] for image in images if image.folder is not None)
    plugins = "".join(f" --plugins {shlex.quote(str(folder))}" for folder in folders)
    return ImageNotBuilt(
        f"{'image' if len(images) == 1 else 'images'} not built: {', '.join(names)}",
        hint=f"run: sirr-orch build --engine {engine}{device}{plugins} {' '.join(names)}",
    )


def build_settings(bases: Iterable[str], wheels: Iterable[Path]) -> BuildSettings:
    """Return the site's build settings: the environment's, overridden by options such as "3.10=registry/python".

    Raises:
        SpecError: Where an option is not of that form.
    """
    named: dict[str, str] = {}
    for text in bases:
        python, found, image = text.partition("=")
        if not found or not image:
            raise SpecError(f"--base {text!r} is not PYTHON=IMAGE", hint="write for example --base 3.10=python:3.10")
        named[python] = image
    site = BuildSettings.from_environment()
    return BuildSettings(
        bases={**site.bases, **named},
        wheels=(*(folder.resolve() for folder in wheels), *site.wheels),
        network_host=site.network_host,
    )


def builder_for(environments: str, store: Path) -> Builder:
    """Return what builds environments of a kind, which engines name in their capabilities.

    Raises:
        EngineUnavailable: Where nothing builds such environments.
    """
    make = _BUILDERS.get(environments)
    if make is not None:
        return make(Layout(store.absolute()).environments)
    brought = {entry.name: entry for entry in entry_points(group=BUILDERS)}
    if environments not in brought:
        known = ", ".join(sorted({*_BUILDERS, *brought}))
        raise EngineUnavailable(
            f"nothing builds environments of the kind {environments!r}; there are builders of: {known}",
            hint=f"install the package that brings the engine's builder, as an entry point of the group {BUILDERS}",
        )
    builder: Builder = brought[environments].load()(Layout(store.absolute()).environments)
    return builder


def named_images(names: Sequence[str], library: Library) -> list[ImageSpec]:
    """Return images by name; all that there are where none is named.

    Raises:
        SpecError: For a name that no image has.
    """
    return [library.image(name) for name in names or library.image_names]


def build_images(
    images: Iterable[ImageSpec],
    variant: Variant,
    selection: Selection,
    store: Path,
    settings: BuildSettings,
    output: Callable[[str], None],
) -> Iterator[Built]:
    """Build images, one after the other; yield each when it is there.

    Raises:
        SpecError: Where files of a plug-in's image are missing.
        BuildError: Names the failing step.
    """
    builder = builder_for(selection.engine.capabilities.environments, store)
    for image in images:
        check_image(image)
        found = builder.find(image, variant, settings)
        if found is None:
            Store(store, make=False).make()
        environment = found or builder.build(image, variant, settings, output)
        yield Built(image.name, environment, found is not None, image.variants[variant].note.strip())


def built_environments(
    images: Iterable[ImageSpec], variant: Variant, selection: Selection, store: Path, settings: BuildSettings
) -> Mapping[str, Environment]:
    """Return the environments of those of some images that are built, by name."""
    builder = builder_for(selection.engine.capabilities.environments, store)
    found = {image.name: builder.find(image, variant, settings) for image in images}
    return {name: environment for name, environment in found.items() if environment is not None}


def engine_outlook(
    images: Sequence[ImageSpec], variant: Variant, engine: EngineName, store: Path, settings: BuildSettings
) -> Iterator[str]:
    """Yield which engine would run stages of some images, and which of them would have to be built first.

    Raises:
        EngineUnavailable: Where no engine answers.
    """
    if not images:
        return
    selection = chosen_engine(engine, store)
    yield selection.sentence
    there = built_environments(images, variant, selection, store, settings)
    unbuilt = [image for image in images if image.name not in there]
    if unbuilt:
        error = not_built(unbuilt, selection.engine.name, variant)
        yield f"{error.message}; {error.hint}"


def prepared_engine(
    images: Sequence[ImageSpec],
    variant: Variant,
    engine: EngineName,
    store: Path,
    settings: BuildSettings,
    say: Callable[[str], None],
    *,
    build: bool,
) -> tuple[Engine | None, Mapping[str, Environment]]:
    """Return the engine and those of some images' environments that are built; no engine where no image is needed.

    Args:
        say: Called with which engine is used and what is built.
        build: Build the missing ones first.

    Raises:
        EngineUnavailable: Where no engine answers.
        BuildError: Where an image cannot be built.
    """
    if not images:
        return None, {}
    selection = chosen_engine(engine, store)
    say(selection.sentence)
    if build:
        for built in build_images(images, variant, selection, store, settings, say):
            say(built.sentence)
    return selection.engine, built_environments(images, variant, selection, store, settings)

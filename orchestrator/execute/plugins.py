"""Plug-ins as a machine and its commands know them, and what runs keep of them."""

import importlib.util
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from pydantic import ValidationError

from orchestrator.environments.recipe import recorded_recipe
from orchestrator.errors import SpecError
from orchestrator.execute.comparison import Comparison
from orchestrator.plan.scored import brought_metrics
from orchestrator.spec.image import ImageSpec, RecordedRecipe
from orchestrator.spec.library import LAYOUT, Library, Plugin, built_in
from orchestrator.spec.published_numbers import PublishedTable
from orchestrator.store.run_document import RunDocument
from orchestrator.store.run_entries import ImageEntry, PluginEntry, RecipeEntry

PLUGINS_VARIABLE = "SIRR_PLUGINS"
"""The environment variable that lists folders of plug-ins, parted as those of PATH are."""

ENTRY_POINTS = "sirr_orch.plugins"
"""The group of entry points by which an installed distribution names the package whose folder is a plug-in."""


def known_library(named: Sequence[Path], environment: Mapping[str, str] = os.environ) -> Library:
    """Return this project's own things, and those of every plug-in that this machine or a command names.

    Args:
        named: Folders as a command was told.
        environment: Where the variables are read.

    Raises:
        SpecError: Where a plug-in is no such folder, or brings a name that is taken.
    """
    return built_in().extended(_plugins(named, environment))


def _plugins(named: Sequence[Path], environment: Mapping[str, str]) -> Iterator[Plugin]:
    yield from (Plugin(_absolute(folder), "--plugins") for folder in named)
    listed = environment.get(PLUGINS_VARIABLE, "").split(os.pathsep)
    yield from (Plugin(_absolute(Path(folder)), PLUGINS_VARIABLE) for folder in listed if folder.strip())
    yield from _configured(environment)
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda one: one.name):
        yield _installed(entry)


def _absolute(folder: Path) -> Path:
    return folder.expanduser().absolute()


def _configured(environment: Mapping[str, str]) -> Iterator[Plugin]:
    """Yield the folders in the user's configuration; that itself where it has the layout of a plug-in."""
    base = environment.get("XDG_CONFIG_HOME", "")
    home = Path(base) if Path(base).is_absolute() else Path("~/.config").expanduser()
    folder = home / "sirr-orch" / "plugins"
    if any((folder / part).is_dir() for part in LAYOUT):
        yield Plugin(folder, str(folder))
    elif folder.is_dir():
        inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        yield from (Plugin(path, str(folder)) for path in inner)


def _installed(entry: EntryPoint) -> Plugin:
    """Return the plug-in of an installed distribution; none of its code is run.

    Raises:
        SpecError: Where the entry point names no package that is there.
    """
    title = f"entry point {entry.name!r} of {entry.dist.name if entry.dist else 'a distribution'}"
    try:
        found = importlib.util.find_spec(entry.module) if "." not in entry.module else None
    except (ImportError, ValueError):
        found = None
    locations = list(found.submodule_search_locations or ()) if found is not None else []
    if not locations:
        raise SpecError(
            f"{entry.value!r} is no package at the top level whose folder could be a plug-in",
            where=title,
            hint="install the distribution again, or uninstall it",
        )
    return Plugin(_absolute(Path(locations[0])), title)


def recorded_images(comparison: Comparison) -> tuple[ImageEntry, ...]:
    """Return what a run keeps of the images that plug-ins bring, so that they can be found when those are gone."""
    library, variant = comparison.resolved.library, comparison.variant
    entries = []
    for name, image in comparison.images.items():
        if library.plugin_of("image", name) is not None:
            made = recorded_recipe(image, variant)
            entry = RecipeEntry(recipe=made.recipe, lock=made.lock, packages=dict(made.packages))
            entries.append(ImageEntry(description=image.model_dump(mode="json"), recipes={variant: entry}))
    return tuple(entries)


def recorded_plugins(comparison: Comparison) -> tuple[PluginEntry, ...]:
    """Return what a run keeps of the plug-ins of which it uses something: their names, and what that is."""
    resolved = comparison.resolved
    experiment, library = resolved.experiment, resolved.library
    used = {
        "model": [one.spec.name for one in resolved.models],
        "program": [one.spec.name for one in resolved.programs],
        "image": list(comparison.images),
        "dataset": [name for name in resolved.datasets if name not in experiment.datasets],
        "metric": [metric.name for metric in brought_metrics(experiment.protocols, resolved)],
        "protocol": list(experiment.protocols),
    }
    entries = []
    for plugin in library.plugins:
        brings = [
            f"{part} {name}"
            for part, names in used.items()
            for name in dict.fromkeys(names)
            if library.plugin_of(part, name) == plugin
        ]
        if brings:
            entries.append(PluginEntry(name=plugin.name, origin=plugin.origin, brings=tuple(brings)))
    return tuple(entries)


def library_of_runs(documents: Iterable[RunDocument], library: Library) -> Library:
    """Return the library in which images that runs recorded stand in for those of plug-ins that are gone."""
    return library.with_recorded(image for document in documents for image in images_of_run(document))


def images_of_run(document: RunDocument) -> Iterator[ImageSpec]:
    """Yield the images that a run recorded; what cannot be read is left out, as another version may have written it."""
    for entry in document.images:
        try:
            image = ImageSpec.model_validate(entry.description)
        except ValidationError:
            continue
        recipes = {name: RecordedRecipe(one.recipe, one.lock, one.packages) for name, one in entry.recipes.items()}
        yield image.as_recorded(recipes)


def tables_of_run(document: RunDocument) -> tuple[PublishedTable, ...]:
    """Return this project's published tables, and those that a run recorded of plug-ins."""
    own = built_in().published_tables
    names = {table.name for table in own}
    recorded = []
    for values in document.published:
        try:
            recorded.append(PublishedTable.model_validate(values))
        except ValidationError:
            continue
    return (*own, *(table for table in recorded if table.name not in names))

"""Looks after a store: what it needs of engines, recipes and runs, brought together for the commands."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from orchestrator.environments.local import LocalBuilder
from orchestrator.errors import SirrError
from orchestrator.execute.leftovers import engines_that_answer
from orchestrator.execute.plugins import images_of_run, known_library
from orchestrator.spec.image import ImageSpec
from orchestrator.store.check import Check, Progress, check_store
from orchestrator.store.clean import Cleaned, Kept, Removable, clean, removables
from orchestrator.store.layout import Layout
from orchestrator.store.need import documents, keys_of_run
from orchestrator.store.opened import opened_store
from orchestrator.store.runs import unknown_run
from orchestrator.store.usage import Usage, store_usage


def check(folder: Path, runs: Sequence[str], progress: Progress, *, repair: bool = False) -> Check:
    """Compare a store's results with their manifests.

    Args:
        runs: Those whose results are looked at; none: all.

    Raises:
        SpecError: For a run that is not there.
        StoreError: Where the store cannot be read, or a newer program made it.
    """
    layout = opened_store(folder).layout
    keys = {key for run in runs for key in keys_of_run(layout, _known(layout, run))} if runs else None
    return check_store(layout, keys, repair=repair, progress=progress)


def usage(folder: Path) -> Usage:
    """Return what fills a store.

    Raises:
        SpecError: Where the spec is wrong.
        StoreError: Where the store cannot be read, or a newer program made it.
    """
    return store_usage(opened_store(folder).layout)


def cleanable(folder: Path) -> list[Removable]:
    """Return what can be taken out of a store.

    Raises:
        SpecError: Where the spec is wrong.
        StoreError: Where the store cannot be read, or a newer program made it.
    """
    layout = opened_store(folder).layout
    return removables(layout, _kept(layout))


def cleaned(folder: Path, listed: Sequence[Removable], waiting: Callable[[], None]) -> Cleaned:
    """Take what was listed out of a store.

    Args:
        waiting: Called while another cleaning is at work.

    Raises:
        SpecError: Where the spec is wrong.
        StoreError: Where the store cannot be read, or a newer program made it.
    """
    layout = opened_store(folder).layout
    return clean(layout, listed, _kept(layout), waiting)


def forget_ended_jobs(folder: Path) -> int:
    """Let engines forget the ended jobs of dead programs that left no result to fetch; return how many.

    A daemon that was killed in the middle of its work can leave a container of which nothing else tells any more. An
    engine that cannot be asked now keeps them.

    Raises:
        SpecError: Where the folder is no store.
        StoreError: Where a newer program made it.
    """
    store = opened_store(folder)
    forgotten = 0
    for engine in engines_that_answer(store.layout.stagings):
        with contextlib.suppress(SirrError):
            forgotten += len(engine.sweep(store.claimed))
    return forgotten


def _known(layout: Layout, run: str) -> str:
    if run not in layout.run_names():
        raise unknown_run(layout, run, layout.run_names())
    return run


def paths_in_use(layout: Layout) -> set[Path]:
    """Return what jobs that run now read and write, whether the programs that started them live or not."""
    return set().union(*(engine.paths_in_use() for engine in engines_that_answer(layout.stagings)))


def _kept(layout: Layout) -> Kept:
    """Return what jobs that run need, and the environments of today's recipes."""
    paths = paths_in_use(layout)
    keys = {key for key in map(layout.key_of, paths) if key is not None}
    recipes = LocalBuilder(layout.environments).folders(_images(layout))
    used = {layout.environments / shelf / name for shelf, name in _environments(layout, paths)}
    return Kept(keys, recipes | used)


def _images(layout: Layout) -> Iterator[ImageSpec]:
    """Yield every image that is known here, and those of plug-ins that runs used, whose folders need not be known."""
    library = known_library(())
    yield from map(library.image, library.image_names)
    for document in documents(layout):
        yield from images_of_run(document)


def _environments(layout: Layout, paths: set[Path]) -> set[tuple[str, str]]:
    """Return the environments that paths lie in, by shelf and name."""
    inner = [path.relative_to(layout.environments).parts for path in paths if path.is_relative_to(layout.environments)]
    return {(parts[0], parts[1]) for parts in inner if len(parts) > 1}

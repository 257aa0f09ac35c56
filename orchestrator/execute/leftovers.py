"""Takes away what killed programs left of stages whose results are there: folders, containers, locks."""

import contextlib
import shutil
from pathlib import Path

from orchestrator.engine.protocol import Engine
from orchestrator.engine.select import engine_names, engine_to_ask
from orchestrator.errors import EngineUnavailable, SirrError
from orchestrator.store.clean import is_abandoned
from orchestrator.store.leases import held_if_free
from orchestrator.store.store import Store


def engines_that_answer(stagings: Path) -> list[Engine]:
    """Return every engine that could have run stages of a store and can be asked now.

    Args:
        stagings: The store's folder of staging folders.
    """
    found = []
    for name in engine_names():
        with contextlib.suppress(EngineUnavailable):
            found.append(engine_to_ask(name, stagings))
    return found


def discard_leftovers(store: Store) -> None:
    """Remove staging folders of results that are there, and scratch folders, unless somebody is at work in them.

    A program that was killed after its result was in place leaves one, a command that was killed the other, with the
    photographs that it had copied. Engines are asked only where there are some.
    """
    layout = store.layout
    left = [key for key in layout.staging_keys() if store.artifact(key) is not None]
    scratch = [folder for folder in layout.scratch_folders() if is_abandoned(layout, folder)]
    if left or scratch:
        with contextlib.suppress(SirrError):  # an engine that cannot be asked now is asked by the next run
            _discard(store, left, scratch)
    for name in layout.passing_leases():
        with contextlib.suppress(OSError), store.claimed(name):
            pass  # who claims a lock takes its file away afterwards


def _discard_scratch(folder: Path, lease: Path) -> None:
    with contextlib.suppress(OSError), held_if_free(lease) as free:
        if free:
            shutil.rmtree(folder)
            lease.unlink(missing_ok=True)


def _discard(store: Store, keys: list[str], scratch: list[Path]) -> None:
    layout = store.layout
    in_use: set[Path] = set()
    for engine in engines_that_answer(layout.stagings):
        engine.sweep(store.claimed)
        in_use |= engine.paths_in_use()
    for key in keys:
        with store.claimed(key) as free:
            if free and layout.staging(key).resolve() not in in_use:
                store.discard_staging(key)
    for folder in scratch:
        if not any(path.is_relative_to(folder.resolve()) for path in in_use):
            _discard_scratch(folder, layout.lease(folder.name))

"""Takes away what killed programs left of stages whose results are there: folders, containers, locks."""

import contextlib
import shutil
from pathlib import Path

from orchestrator.engine.protocol import Engine
from orchestrator.engine.select import available_engine
from orchestrator.errors import EngineUnavailable, SirrError
from orchestrator.spec.names import EngineName
from orchestrator.store.leases import held_if_free
from orchestrator.store.store import Store

_ENGINES: tuple[EngineName, ...] = ("local", "docker")


def engines_that_answer(stagings: Path) -> list[Engine]:
    """Return every engine that could have run stages of a store and can be asked now.

    Args:
        stagings: The store's folder of staging folders.
    """
    found = []
    for name in _ENGINES:
        with contextlib.suppress(EngineUnavailable):
            found.append(available_engine(name, stagings).engine)
    return found


def discard_leftovers(store: Store) -> None:
    """Remove the staging folders of results that are there, unless somebody is at work in them.

    A program that was killed after its result was in place leaves one. Engines are asked only where there are some.
    """
    layout = store.layout
    left = [key for key in layout.staging_keys() if store.artifact(key) is not None]
    if left:
        with contextlib.suppress(SirrError):  # an engine that cannot be asked now is asked by the next run
            _discard(store, left)
    for folder in layout.scratch_folders():
        lease = layout.lease(folder.name)
        if lease.exists():  # made before anything is written, by whoever uses the folder
            _discard_scratch(folder, lease)
    for key in layout.lease_keys():
        with contextlib.suppress(OSError), store.claimed(key):
            pass  # who claims a key takes its lock away afterwards


def _discard_scratch(folder: Path, lease: Path) -> None:
    with contextlib.suppress(OSError), held_if_free(lease) as free:
        if free:
            shutil.rmtree(folder)
            lease.unlink()


def _discard(store: Store, keys: list[str]) -> None:
    layout = store.layout
    in_use: set[Path] = set()
    for engine in engines_that_answer(layout.stagings):
        engine.sweep(store.claimed)
        in_use |= engine.paths_in_use()
    for key in keys:
        with store.claimed(key) as free:
            if free and layout.staging(key).resolve() not in in_use:
                store.discard_staging(key)

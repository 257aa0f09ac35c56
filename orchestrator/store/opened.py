"""A store that is only looked at: it is opened where there is one, and none is made where there is none."""

from pathlib import Path

from orchestrator.errors import SpecError
from orchestrator.store.layout import Layout, nearest_store
from orchestrator.store.store import Store

OTHER_STORE_OPTION = "name another store with --store"
"""What to do about a store, for what is reached by commands alone."""

OTHER_STORE = f"{OTHER_STORE_OPTION} (from Python: store=)"
"""What to do about a store."""


def opened_store(folder: Path) -> Store:
    """Return the store in a folder; none is made where there is none.

    Raises:
        SpecError: Where the folder is no store.
        StoreError: Where a newer program made it.
    """
    if not Layout(folder.absolute()).is_store:
        raise no_store(folder)
    return Store(folder, make=False)


def no_store(folder: Path) -> SpecError:
    """Return the error that names the folder in which no store is."""
    above = ", nor one in a folder above" if folder.absolute() == nearest_store().absolute() else ""
    return SpecError(
        f"there is no store at {folder.absolute()}{above}",
        hint=f"{OTHER_STORE}; or make one with: sirr-orch run SPEC",
    )

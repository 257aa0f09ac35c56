"""The runs of a store: which there are, and their documents by reference."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import SpecError, StoreError
from orchestrator.store.record import RunRecord
from orchestrator.store.reference import RunReference
from orchestrator.store.run_document import (
    REVISIONS,
    RunDocument,
    has_document,
    load_document,
    revisions,
    save_document,
    start_document,
)
from orchestrator.store.store import Store


def run_folder(store: Store, name: str) -> Path:
    """Return a run's folder, which need not be there."""
    return store.root / "runs" / name


def recorded_runs(store: Store) -> list[str]:
    """Return the names of the runs that left a record, also those of earlier versions, which have no document."""
    return [name for name in store.run_names() if _is_recorded(run_folder(store, name))]


def _is_recorded(folder: Path) -> bool:
    return has_document(folder) or (folder / REVISIONS).is_dir() or bool(RunRecord(folder).events())


def run_document(store: Store, reference: RunReference) -> RunDocument:
    """Return the document that a reference names.

    Raises: SpecError where the store has no such run or revision, StoreError where its document cannot be read.
    """
    folder = run_folder(store, reference.run)
    if not _is_recorded(folder):
        known = recorded_runs(store)
        if not known:
            raise SpecError(
                f"the store has no run {reference.run!r}; it has none at all",
                where=str(store.root),
                hint="run: sirr-orch run SPEC; or name the store that holds it with --store",
            )
        raise SpecError(
            f"the store has no run {reference.run!r}; it has: {', '.join(known)}",
            where=str(store.root),
            hint="choose one of them, or run: sirr-orch run SPEC",
        )
    return load_document(folder, reference.revision)


def run_documents(store: Store, name: str) -> list[RunDocument]:
    """Return the documents of all revisions of a run, the latest last; none for a run of an earlier version.

    Raises: StoreError where one cannot be read.
    """
    folder = run_folder(store, name)
    return [load_document(folder, number) for number in revisions(folder)]


def start_run(store: Store, planned: RunDocument) -> RunDocument:
    """Write the document of a run that starts, and return it with its revision; see `start_document`."""
    folder = store.run(planned.name).folder
    return start_document(folder, planned, _writing_lock(store, planned.name))


def save_run(store: Store, document: RunDocument) -> None:
    """Write the document of a run again; see `save_document`."""
    save_document(run_folder(store, document.name), document, _writing_lock(store, document.name))


@contextmanager
def run_in_progress(store: Store, name: str) -> Iterator[None]:
    """Keep others from renaming or removing a run; any number of programs may hold it.

    Raises: StoreError where the run is being renamed or removed right now.
    """
    with _lock(store, name).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"the run {name!r} is being renamed or removed", hint="try again in a moment") from error
        yield


@contextmanager
def run_at_rest(store: Store, name: str) -> Iterator[None]:
    """Keep a run from being started.

    Raises: StoreError where it is in progress.
    """
    with _lock(store, name).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"the run {name!r} is in progress: it can be neither renamed nor removed",
                hint="wait until it has ended, or stop it with Ctrl-C",
            ) from error
        yield


def is_in_progress(store: Store, name: str) -> bool:
    """Return whether some program runs it, or renames it, right now."""
    try:
        with run_at_rest(store, name):
            return False
    except StoreError:
        return True


def _lock(store: Store, name: str) -> Path:
    return store.root / "leases" / f"run-{name}"


def _writing_lock(store: Store, name: str) -> Path:
    return store.root / "leases" / f"run-{name}.document"

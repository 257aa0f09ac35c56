"""The runs of a store: which there are, and their documents by reference."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import InUse, NoSpace, SpecError, StoreError, StoreReadOnly
from orchestrator.store.disk import space_explained, sync
from orchestrator.store.document_files import (
    is_recorded,
    load_document,
    revision_folder,
    revisions,
    save_document,
    start_document,
)
from orchestrator.store.holds import Hold, hold
from orchestrator.store.layout import Layout
from orchestrator.store.opened import OTHER_STORE, no_store
from orchestrator.store.reference import RunReference, run_reference
from orchestrator.store.run_document import RunDocument
from orchestrator.store.run_processes import told_process
from orchestrator.store.store import Store


def run_folder(store: Store, name: str) -> Path:
    """Return a run's folder, which need not be there."""
    return store.layout.run(name)


def recorded_runs(store: Store) -> list[str]:
    """Return the names of the runs that left a record, also those of earlier versions, which have no document."""
    return [name for name in store.run_names() if is_recorded(run_folder(store, name))]


def run_document(store: Store, reference: RunReference) -> RunDocument:
    """Return the document that a reference names.

    Raises:
        SpecError: Where the store has no such run or revision.
        StoreError: Where its document cannot be read.
    """
    folder = run_folder(store, reference.run)
    if not is_recorded(folder):
        raise unknown_run(store.layout, reference.run, recorded_runs(store))
    return load_document(folder, reference.revision)


def unknown_run(layout: Layout, name: str, known: Sequence[str]) -> SpecError:
    """Return the error that names the runs that a store has, or the folder in which no store is.

    Args:
        known: Their names.
    """
    if not layout.is_store:
        return no_store(layout.root)
    there = f"it has: {', '.join(known)}" if known else "it has none at all"
    return SpecError(
        f"the store has no run {name!r}; {there}",
        where=str(layout.root),
        hint=f"{'choose one of them' if known else 'run: sirr-orch run SPEC'}; or {OTHER_STORE}",
    )


def run_documents(store: Store, name: str) -> list[RunDocument]:
    """Return the documents of all revisions of a run, the latest last; none for a run of an earlier version.

    Raises:
        StoreError: Where one cannot be read.
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

    Raises:
        StoreError: Where the run is being renamed or removed right now.
    """
    found = _held(store, name, shared=True)
    if found is None:
        raise InUse(f"the run {name!r} is being renamed or removed", hint="try again in a moment")
    with found, told_process(store.layout, name):
        yield


@contextmanager
def run_at_rest(store: Store, name: str) -> Iterator[None]:
    """Keep a run from being started.

    Raises:
        InUse: Where it is in progress.
    """
    found = _held(store, name, shared=False)
    if found is None:
        raise InUse(
            f"the run {name!r} is in progress: it can be neither renamed nor removed",
            hint=f"wait until it has ended, or stop it: sirr-orch stop {name}",
        )
    with found:
        yield


def is_in_progress(store: Store, name: str) -> bool:
    """Return whether some program runs it, or renames it, right now."""
    try:
        with run_at_rest(store, name):
            return False
    except (NoSpace, StoreReadOnly):
        return False  # whoever runs it has made the lock's file
    except StoreError:
        return True


def rename_run(store: Store, name: str, new_name: str) -> None:
    """Give a run another name, in all its revisions.

    The folder is renamed first, and its name is the run's: a crash in between leaves a whole run of the new name.

    Raises:
        SpecError: For an unknown run, or a new name that cannot be used or is taken.
        StoreError: Where either run is in progress.
    """
    run_document(store, RunReference(name))
    if run_reference(new_name).revision is not None:
        raise SpecError(f"{new_name!r} names a revision", hint="write the new name alone: revisions keep their numbers")
    with run_at_rest(store, name), run_at_rest(store, new_name):
        target = run_folder(store, new_name)
        if is_recorded(target):
            raise SpecError(f"the store has a run {new_name!r} already", hint="choose another name")
        if target.exists():
            _delete(store, target)  # logs of a command that is no run
        run_folder(store, name).rename(target)
        sync(target.parent)
        for document in run_documents(store, new_name):
            save_run(store, document)


def remove_run(store: Store, reference: RunReference) -> None:
    """Remove the record of a run, or of one earlier revision; its results stay until the store is cleaned.

    Raises:
        SpecError: For an unknown run, or the latest revision among several.
        StoreError: Where the run is in progress.
    """
    folder = run_folder(store, reference.run)
    if not is_recorded(folder):
        run_document(store, reference)
    with run_at_rest(store, reference.run):
        if reference.revision is None:
            _delete(store, folder)
            return
        document = run_document(store, reference)
        if revision_folder(folder, document) == folder:
            raise SpecError(
                f"{reference} is the latest revision: the run cannot be without it",
                hint=f"remove the run with all its revisions: sirr-orch runs remove {reference.run}",
            )
        _delete(store, revision_folder(folder, document))


def _delete(store: Store, folder: Path) -> None:
    """Take a folder out of sight as a whole, and then delete it."""
    store.layout.trash.mkdir(exist_ok=True)
    gone = Path(tempfile.mkdtemp(dir=store.layout.trash, prefix="run-")) / folder.name
    folder.rename(gone)
    sync(folder.parent)
    shutil.rmtree(gone.parent, ignore_errors=True)


def _held(store: Store, name: str, *, shared: bool) -> Hold | None:
    with space_explained(store.root, f"locking the run {name!r}"):
        return hold(store.layout.lease(f"run-{name}"), shared=shared, sharable=True)


def _writing_lock(store: Store, name: str) -> Path:
    return store.layout.lease(f"run-{name}.document")

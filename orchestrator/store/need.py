"""What the runs of a store need: the results that any revision of any of them names."""

from collections.abc import Iterator

from orchestrator.store.document_files import has_document, load_document, revisions
from orchestrator.store.layout import Layout
from orchestrator.store.record import RunRecord
from orchestrator.store.run_document import RunDocument


def keys_of_run(layout: Layout, name: str, revision: int | None = None) -> set[str]:
    """Return the keys of a run's results, as far as they are known.

    Args:
        layout: The store.
        name: The run's name.
        revision: One revision alone; None: all of them, and what was noted before runs had documents.

    Raises:
        StoreError: Where its record cannot be read: what it needs is not known then.
    """
    folder = layout.run(name)
    if revision is not None:
        return set(load_document(folder, revision).keys.values())
    keys = set(RunRecord(folder).keys().values())
    if has_document(folder):
        for number in revisions(folder):
            keys.update(load_document(folder, number).keys.values())
    shown = folder / "report"
    report = layout.key_of(shown.resolve()) if shown.is_symlink() else None
    return keys | ({report} if report else set())


def documents(layout: Layout) -> Iterator[RunDocument]:
    """Yield the documents of all runs of a store, every revision of them.

    Raises:
        StoreError: Where one cannot be read.
    """
    for name in layout.run_names():
        folder = layout.run(name)
        if has_document(folder):
            yield from (load_document(folder, number) for number in revisions(folder))


def needed_keys(layout: Layout) -> dict[str, tuple[str, ...]]:
    """Return the keys that runs need, each with the names of those runs.

    Raises:
        StoreError: As `keys_of_run`.
    """
    needed: dict[str, list[str]] = {}
    for name in layout.run_names():
        for key in keys_of_run(layout, name):
            needed.setdefault(key, []).append(name)
    return {key: tuple(names) for key, names in needed.items()}

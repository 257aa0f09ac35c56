"""Which version of the layout a store has; an older program leaves a newer store alone."""

import json
import os

from orchestrator import __version__
from orchestrator.errors import StoreError
from orchestrator.store.disk import write_synced
from orchestrator.store.layout import Layout

LAYOUT_VERSION = 1
"""Grows where a program of before would misread what lies in the store."""


def check_version(layout: Layout) -> None:
    """Refuse a store that this program would misread; one without a version has the first.

    Raises:
        StoreError: Where a newer program made it, or its version cannot be read.
    """
    try:
        text = layout.version.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(layout, str(error)) from error
    try:
        found = json.loads(text)
        version, program = int(found["layout"]), str(found.get("program", "a newer version"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable(layout, "it is no version") from error
    if version > LAYOUT_VERSION:
        raise StoreError(
            f"the store {layout.root} has layout {version}, made by sirr-orch {program}; this is sirr-orch "
            f"{__version__}, which knows layouts up to {LAYOUT_VERSION}",
            where=str(layout.version),
            hint="use that version, or another store with --store; nothing in it was touched",
        )


def mark_version(layout: Layout) -> None:
    """Write the present version into a store that has none; two programs at once write the same."""
    if layout.version.exists():
        return
    partial = layout.version.with_name(f"version.json.{os.getpid()}")
    write_synced(partial, (json.dumps({"layout": LAYOUT_VERSION, "program": __version__}) + "\n").encode("utf-8"))
    partial.replace(layout.version)


def _unreadable(layout: Layout, why: str) -> StoreError:
    return StoreError(
        f"the version of the store {layout.root} cannot be read: {why}",
        where=str(layout.version),
        hint=f'where you know that the store is good, write {{"layout": {LAYOUT_VERSION}}} into that file',
    )

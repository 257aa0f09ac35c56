"""Where documents of runs lie, and how they are read and written so that none is ever lost.

``runs/NAME/run.json`` is the latest revision of a run, ``runs/NAME/revisions/N/run.json`` each earlier one.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.errors import SpecError, StoreError
from orchestrator.spec.plain_words import plain_words
from orchestrator.store.disk import space_explained, sync, write_synced
from orchestrator.store.leases import held
from orchestrator.store.record import RunRecord
from orchestrator.store.run_document import SCHEMA, RunDocument
from stagekit.inside import read_plain

RUN_FILE = "run.json"
REVISIONS = "revisions"
_LARGEST_BYTES = 2**28
"""Of a document; one of a hundred networks has a few million."""


def has_document(folder: Path) -> bool:
    """Return whether a run's folder holds a document."""
    return (folder / RUN_FILE).is_file()


def is_recorded(folder: Path) -> bool:
    """Return whether a folder is a run's, also of an earlier version; other commands leave their logs beside them."""
    return has_document(folder) or (folder / REVISIONS).is_dir() or bool(RunRecord(folder).events())


def revisions(folder: Path) -> tuple[int, ...]:
    """Return the numbers of a run's revisions, the latest last.

    Raises:
        StoreError: Where the latest document cannot be read.
    """
    earlier = {
        int(path.parent.name)
        for path in (folder / REVISIONS).glob(f"*/{RUN_FILE}")
        if path.parent.name.isascii() and path.parent.name.isdigit()
    }
    return tuple(sorted(earlier | ({load_document(folder).revision} if has_document(folder) else set())))


def revision_folder(folder: Path, document: RunDocument) -> Path:
    """Return where what belongs to one revision alone is kept: the run's folder for the latest."""
    latest = load_document(folder)
    return folder if latest.revision == document.revision else folder / REVISIONS / str(document.revision)


def load_document(folder: Path, revision: int | None = None) -> RunDocument:
    """Return the document of a run's folder.

    Args:
        revision: None for the latest.

    Raises:
        SpecError: Where there is none.
        StoreError: Where it cannot be read or is of a later version.
    """
    name = folder.name
    path = folder / RUN_FILE
    if not os.path.lexists(path):
        raise SpecError(
            f"the run {name!r} was stored by an earlier version, which kept no document of it",
            where=str(folder),
            hint="run it again: sirr-orch run SPEC",
        )
    document = _read(path, name)
    if revision is None or revision == document.revision:
        return document
    path = folder / REVISIONS / str(revision) / RUN_FILE
    if not path.is_file():
        known = ", ".join(f"{name}@{number}" for number in revisions(folder))
        raise SpecError(f"the run {name!r} has no revision {revision}", hint=f"choose one of: {known}")
    return _read(path, name)


def _read(path: Path, name: str) -> RunDocument:
    """Return a document; the folder's name is the run's, also where a renaming was cut short."""
    try:
        text = read_plain(path, _LARGEST_BYTES)
        found = json.loads(text)
        if b"\\u" in text:
            json.dumps(found, ensure_ascii=False).encode("utf-8")  # half of a character could never be written again
    except OSError as error:
        raise StoreError(
            f"the record of run {name!r} cannot be read: {error.strerror or error}",
            where=str(path),
            hint="bring the file back, or check its permissions and the disk",
        ) from error
    except (ValueError, RecursionError) as error:
        at_its_end = isinstance(error, json.JSONDecodeError) and error.pos >= len(error.doc.rstrip())
        cut = at_its_end or not text.rstrip().endswith(b"}")
        raise _damaged(path, name, f"it is {'cut short' if cut else 'damaged'} ({error})") from error
    version = found.get("schema_version") if isinstance(found, dict) else None
    if isinstance(version, int) and version > SCHEMA:
        raise StoreError(
            f"the run {name!r} was recorded by a later version of sirr-orch: its document has form {version}, this "
            f"version knows form {SCHEMA}",
            where=str(path),
            hint="use that version, or a later one",
        )
    try:
        document = RunDocument.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise _damaged(path, name, f"{field}: {plain_words(first['msg'])}") from error
    if document.checksum is not None and document.checksum != _checksum(found):
        raise _damaged(
            path, name, "it is not what was written: its checksum differs (to keep your own change, remove that field)"
        )
    return document if document.name == name else document.model_copy(update={"name": name})


def document_bytes(document: RunDocument) -> bytes:
    """Return a document as its file holds it, with its checksum."""
    found = json.loads(document.model_dump_json())
    found["checksum"] = _checksum(found)
    return (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def _checksum(found: dict[str, Any]) -> str:
    """Return the checksum of a document, as JSON has it: of values, so that a tool may lay the text out anew."""
    others = {name: value for name, value in found.items() if name != "checksum"}
    text = json.dumps(others, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _damaged(path: Path, name: str, why: str) -> StoreError:
    return StoreError(
        f"the record of run {name!r} is damaged: {why}",
        where=str(path),
        hint=f"restore the file; or move it away and run the experiment again, its results are still in the store: "
        f"mv {path} {path}.damaged",
    )


def start_document(folder: Path, planned: RunDocument, turn: Path) -> RunDocument:
    """Write the document of a run that is about to start, and return it with its revision.

    Where what decides results differs from the latest revision, it becomes the next one and the latest is kept beside.

    Args:
        turn: File whose lock makes the writing programs take turns.

    Raises:
        StoreError: Where the latest document cannot be read: nothing is written over it. NoSpace.
    """
    with space_explained(folder, "writing the run's record"), _turn(turn):
        if not has_document(folder):
            earlier = [int(path.name) for path in (folder / REVISIONS).glob("*") if path.name.isdigit()]
            started = planned.model_copy(update={"revision": max(earlier, default=0) + 1})
        else:
            latest = load_document(folder)
            if latest.identity == planned.identity:
                started = _with_keys(planned, latest)
                started = started.model_copy(update={"revision": latest.revision, "created": latest.created})
            else:
                _write(folder / REVISIONS / str(latest.revision), latest)
                started = planned.model_copy(update={"revision": latest.revision + 1})
        _write(folder, started)
    return started


def save_document(folder: Path, document: RunDocument, turn: Path) -> None:
    """Write a document again, at the place of its revision, which another program may have moved by now.

    Args:
        turn: File whose lock makes the writing programs take turns.

    Raises:
        StoreError: Where the latest document cannot be read.
        NoSpace: Where the disk is full.
    """
    with space_explained(folder, "writing the run's record"), _turn(turn):
        latest = load_document(folder)
        if latest.revision == document.revision:
            _write(folder, _with_keys(document, latest))
        else:
            _write(folder / REVISIONS / str(document.revision), document)


def _with_keys(document: RunDocument, earlier: RunDocument) -> RunDocument:
    """Return the document with those keys of an earlier one that it does not know itself, so that none is lost."""
    known = earlier.keys
    return document.with_stages(
        {
            stage.name: {"key": known[stage.name]}
            for stage in document.stages
            if stage.key is None and stage.name in known
        }
    )


def _write(folder: Path, document: RunDocument) -> None:
    """Replace a document as a whole; a crash leaves the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    dated = document.model_copy(update={"updated": datetime.now(UTC)})
    partial = folder / f"{RUN_FILE}.{os.getpid()}-{threading.get_ident()}"
    try:
        write_synced(partial, document_bytes(dated))
        partial.replace(folder / RUN_FILE)
    finally:
        partial.unlink(missing_ok=True)
    sync(folder)


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Wait for one's turn among the programs that write a run's documents."""
    with held(path):
        yield

"""The last stage of a comparison: its report, made by the orchestrator itself and kept in the run's folder."""

import json
import platform
import shutil
import time
from pathlib import Path

from orchestrator import __version__
from orchestrator.environments.program import reached_code
from orchestrator.errors import SirrError
from orchestrator.execute.events import Failed, Listener, Progressed, StateChanged
from orchestrator.execute.plugins import tables_of_run
from orchestrator.execute.report_content import report_content
from orchestrator.execute.run_results import RunResults, file_digests
from orchestrator.plan.keys import document_key
from orchestrator.report.pictures import PictureSource
from orchestrator.report.render import render_report
from orchestrator.spec.explained import explained_tables
from orchestrator.store.disk import space_explained, write_synced
from orchestrator.store.layout import REPORT_LEASE
from orchestrator.store.store import Store
from stagekit import Progress

_STAGE = "report"
_FOLDER = "report"
_STAMP = "report-key.json"
_INDEX = "index.html"


def report_key(results: RunResults, store: Store) -> str:
    """Return the hash of all that a report shows and of the code that shows it.

    That is the run's document apart from when it was written and its checksum, every result with how it was made, and
    the tables that travel with the program.
    """
    shown = results.document.model_dump(
        mode="json", exclude={"updated": True, "checksum": True, "stages": {"__all__": {"state"}}}
    )
    return document_key(
        {
            "kind": _STAGE,
            "run": json.dumps(shown, sort_keys=True),
            "results": {name: artifact.digests.record for name, artifact in results.artifacts.items()},
            "tables": [table.model_dump_json() for table in (*tables_of_run(results.document), *explained_tables())],
            "code": reached_code(__name__, store.layout.cache / "report-code.json"),
            "program": [__version__, platform.python_version()],
        }
    )


def make_report(results: RunResults, store: Store, listener: Listener) -> Path:
    """Return the index.html of a run's report, rendered where what is there does not show just these results.

    The earlier report stays in its place until the next one is whole.

    Raises:
        OutputInvalid: Where a result is not as its stage declared it.
        NoSpace: Where the disk is full.
    """
    key = report_key(results, store)
    if is_current(results.folder, key):
        listener(StateChanged(_STAGE, "stored"))
        return results.folder / _FOLDER / _INDEX
    with store.lease(f"{REPORT_LEASE}{results.document.name}-{results.document.revision}"):
        if not is_current(results.folder, key):  # another program may have made it while this one waited
            _render(results, store, key, listener)
    return results.folder / _FOLDER / _INDEX


def is_current(folder: Path, key: str) -> bool:
    """Return whether a run's folder holds the report of this key, with all of its files."""
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
        return bool(stamp["key"] == key and stamp["files"] == _sizes(folder / _FOLDER))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _render(results: RunResults, store: Store, key: str, listener: Listener) -> None:
    listener(StateChanged(_STAGE, "running"))
    began = time.monotonic()
    try:
        _replace_report(results, store, key, listener)
    except SirrError as error:
        listener(Failed(_STAGE, error))
        listener(StateChanged(_STAGE, "failed"))
        raise
    listener(StateChanged(_STAGE, "done", {"seconds": round(time.monotonic() - began, 3)}))


def _replace_report(results: RunResults, store: Store, key: str, listener: Listener) -> None:
    def progress(done: int, total: int) -> None:
        listener(Progressed(_STAGE, Progress(done, total, "files")))

    folder, stamp = results.folder / _FOLDER, results.folder / _STAMP
    partial = folder.with_name(f"{_FOLDER}.partial")
    pictures = PictureSource(store.layout.cache / "thumbnails", file_digests(results))
    with space_explained(results.folder, "rendering the report"):
        shutil.rmtree(partial, ignore_errors=True)
        render_report(report_content(results), partial, progress, pictures)
        made = {"key": key, "files": _sizes(partial)}
        # In this order a crash leaves no stamp beside a report that it does not belong to.
        stamp.unlink(missing_ok=True)
        _remove(folder)
        partial.rename(folder)
        write_synced(stamp, json.dumps(made).encode("utf-8"))


def _sizes(folder: Path) -> dict[str, int]:
    """Return the size of every file of a report by its name."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _remove(path: Path) -> None:
    """Remove a report; those of earlier versions were links into the store."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)

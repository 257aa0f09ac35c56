"""The last stage of a comparison: its report, made by the orchestrator itself."""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator.errors import SirrError
from orchestrator.execute.comparison import Comparison
from orchestrator.execute.events import Failed, Failure, Listener, Progressed, StateChanged
from orchestrator.execute.realise import REQUIRED_OUTPUTS
from orchestrator.execute.report_content import report_content
from orchestrator.plan.keys import Identity
from orchestrator.plan.plan import REPORT
from orchestrator.report.render import render_report
from orchestrator.store.store import Artifact, Store
from stagekit import Progress

_INDEX = "index.html"


def make_report(
    comparison: Comparison,
    artifacts: Mapping[str, Artifact],
    failures: Mapping[str, Failure],
    store: Store,
    listener: Listener,
) -> Path:
    """Render the report of what is there, link it as runs/NAME/report, and return its index.html.

    A complete report is an artifact like any other. One with gaps is not kept in the store: it is rendered into the
    run's folder, and replaced by the next.
    """
    stage = comparison.plan.stage(REPORT)
    folder = store.run(comparison.resolved.experiment.name).folder
    stored = artifacts.get(stage.name)
    if stored is not None:
        return _shown(stored.output, folder / "report")
    complete = all(needed in artifacts for needed in stage.inputs.values())
    identity = comparison.report_identity(artifacts) if complete else None
    if identity is not None:
        comparison = replace(comparison, identities={**comparison.identities, stage.name: identity})
    key = {} if identity is None else {"key": identity.key}
    listener(StateChanged(stage.name, "running", key))
    began = time.monotonic()
    try:
        shown = _rendered(identity, comparison, artifacts, failures, store, listener)
    except SirrError as error:
        listener(Failed(stage.name, error))
        listener(StateChanged(stage.name, "failed", key))
        raise
    listener(StateChanged(stage.name, "done", {**key, "seconds": round(time.monotonic() - began, 3)}))
    return shown


def _rendered(
    identity: Identity | None,
    comparison: Comparison,
    artifacts: Mapping[str, Artifact],
    failures: Mapping[str, Failure],
    store: Store,
    listener: Listener,
) -> Path:
    def progress(done: int, total: int) -> None:
        listener(Progressed(REPORT, Progress(done, total, "files")))

    content = report_content(comparison, artifacts, failures)
    shown = store.run(content.name).folder / "report"
    if identity is None:
        partial = shown.with_name("report.partial")
        shutil.rmtree(partial, ignore_errors=True)
        render_report(content, partial, progress)
        _remove(shown)
        partial.rename(shown)
        return shown / _INDEX
    with store.lease(identity.key):
        artifact = store.artifact(identity.key)
        if artifact is None:
            store.discard_staging(identity.key)
            began = time.time()
            render_report(content, store.staging(identity.key) / "output", progress)
            facts = {"engine": "orchestrator", "started": began, "seconds": round(time.time() - began, 3)}
            artifact = store.commit(identity, facts, REQUIRED_OUTPUTS["report"])
    return _shown(artifact.output, shown)


def _shown(output: Path, link: Path) -> Path:
    """Point the run's `report` at a folder of the store, by a relative link, and return its index.html."""
    target = os.path.relpath(output, link.parent)
    if not (link.is_symlink() and os.readlink(link) == target):  # noqa: PTH115 - compared as text
        _remove(link)
        link.symlink_to(target, target_is_directory=True)
    return link / _INDEX


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)

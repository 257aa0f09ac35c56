"""Weights & Biases: the entrants of a comparison are runs of a group of its name; nothing but results is told."""

import os
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from orchestrator.errors import SirrError, SpecError, TrackingFailed
from orchestrator.tracking.record import TrackedEntrant, TrackedRun
from orchestrator.tracking.tracker import Files, Told, reason

_STAMP = "sirr-orch-sent.txt"
"""In the folder of a run that waits on disk: what was told. Offline there is no server to be asked."""
_SENT = "sirr_orch_sent"
_STEP = "step"


class WandbTracker:
    """A project of Weights & Biases; offline, as its own WANDB_MODE says, a folder from which `wandb sync` sends it.

    Args:
        project: PROJECT, or ENTITY/PROJECT.

    Raises:
        SpecError: Where the client is not installed.
    """

    name = "Weights & Biases"

    def __init__(self, project: str) -> None:
        entity, _, name = project.rpartition("/")
        self._named, self._entity, self._project = project, entity or None, name
        try:
            self._wandb: Any = import_module("wandb")
        except ImportError as error:
            raise SpecError(
                f"the client of Weights & Biases cannot be imported: {reason(error)}",
                hint="install it: pip install 'sirr-orch[wandb]'",
            ) from error

    def tell(self, run: TrackedRun, files: Files) -> Told:
        """Tell it a run, as `Tracker` says."""
        try:
            outcomes = [self._told(one, run, ()) for one in run.entrants]
            places = [self._told(run.whole, run, files), *outcomes]
        except SirrError:
            raise
        except Exception as error:
            raise TrackingFailed(
                f"Weights & Biases did not take the run {run.name!r}: {reason(error)}",
                hint="log in (wandb login), or keep it on disk with WANDB_MODE=offline, then: "
                f"sirr-orch track {run.name} --wandb {self._named}",
            ) from error
        found = [outcome for outcome, _place in places]
        return Told(self.name, places[0][1], *(found.count(kind) for kind in ("made", "changed", "kept")))

    def _told(
        self, one: TrackedEntrant, run: TrackedRun, files: Files | tuple[()]
    ) -> tuple[Literal["made", "changed", "kept"], str]:
        digest = f"{one.digest} {run.report_key if files else ''}".strip()
        earlier = [] if os.environ.get("WANDB_MODE") == "online" else _waiting(one.id)
        for folder in earlier:
            if (folder / _STAMP).read_text(encoding="utf-8") == digest:
                return "kept", str(folder)
        running = self._started(one, run)
        if not running.offline and running.resumed and running.config.get(_SENT) == digest:
            running.finish()
            return "kept", str(running.url)
        _log(running, one)
        if files:
            artifact = self._wandb.Artifact(f"report-{run.name}", type="report")
            for path in files():
                artifact.add_file(str(path))
            running.log_artifact(artifact)
        running.config.update({_SENT: digest}, allow_val_change=True)
        folder = Path(running.settings.sync_dir)
        running.finish(exit_code=0 if one.complete else 1)
        if not running.offline:
            return "changed" if running.resumed else "made", str(running.url)
        # Both would be sent, and their curves stand twice: what was not sent yet gives way to what is known now.
        for older in earlier:
            shutil.rmtree(older)
        (folder / _STAMP).write_text(digest, encoding="utf-8")
        return "changed" if earlier else "made", str(folder)

    def _started(self, one: TrackedEntrant, run: TrackedRun) -> Any:
        quiet = self._wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
        )
        started: Any = self._wandb.init(
            entity=self._entity,
            project=self._project,
            id=one.id[:32],
            name=one.name,
            group=run.name,
            job_type="comparison" if one is run.whole else "entrant",
            resume="allow",
            config={**one.parameters, **{f"sirr-orch.{name}": value for name, value in one.facts.items()}},
            settings=quiet,
        )
        return started


def _log(running: Any, one: TrackedEntrant) -> None:
    """Log curves, a row for every step of the training, and scores as what sums it up."""
    running.define_metric(_STEP, hidden=True)
    rows: dict[int, dict[str, float]] = {}
    for name, points in one.curves.items():
        running.define_metric(name, step_metric=_STEP)
        for point in points:
            rows.setdefault(point.step, {})[name] = point.value
    for step in sorted(rows):
        running.log({**rows[step], _STEP: step})
    for name, point in one.scores.items():
        running.summary[name] = point.value


def _waiting(identifier: str) -> list[Path]:
    """Return the folders of runs of this id that were told here and wait on disk to be sent."""
    base = Path(os.environ.get("WANDB_DIR") or ".")
    found = [path for name in ("wandb", ".wandb") for path in (base / name).glob(f"offline-run-*-{identifier[:32]}")]
    return sorted(path for path in found if (path / _STAMP).is_file() and not list(path.glob("*.synced")))

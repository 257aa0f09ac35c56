"""Runs a comparison: everything that the store lacks; its report is made of the run's document afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.engine.protocol import Engine, Environment
from orchestrator.errors import Cancelled, NotStarted, SirrError
from orchestrator.execute.comparison import Comparison, Lookup
from orchestrator.execute.events import Listener, fan_out, recorder
from orchestrator.execute.run_stages import PlannedStages, RunOptions, run_stages
from orchestrator.execute.stopper import Stopper
from orchestrator.spec.plain_words import count
from orchestrator.store.store import Store

_NO_OPTIONS = RunOptions()


@dataclass(frozen=True)
class RunResult:
    """What came of a run."""

    report: Path | None
    """The report's index.html; None only where the run was stopped before it could be made."""
    made: tuple[str, ...] = ()
    """Stages that ran now."""
    stored: tuple[str, ...] = ()
    """Stages whose artifact the store had."""
    failures: Mapping[str, SirrError] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def error(self) -> SirrError | None:
        """The failure that decides the exit code: the first, or the user's own stop."""
        stops = [error for error in self.failures.values() if isinstance(error, Cancelled)]
        return next(iter([*stops, *self.failures.values()]), None)

    @property
    def faults(self) -> list[SirrError]:
        """The failures but for those that the user's own stop is."""
        return [error for error in self.failures.values() if not isinstance(error, Cancelled)]

    @property
    def lacking(self) -> dict[str, str]:
        """The stages that were skipped because another failed, by name; what a stop kept from starting is none."""
        return {
            stage: because
            for stage, because in self.skipped.items()
            if not isinstance(self.failures[because], Cancelled)
        }

    @property
    def stop_sentence(self) -> str:
        """What a stop came to, in a line; empty where the user did not stop the run."""
        stops = {stage: error for stage, error in self.failures.items() if isinstance(error, Cancelled)}
        if not stops:
            return ""
        halted = [f"{stage} ({error.message})" for stage, error in stops.items() if not isinstance(error, NotStarted)]
        waiting = len(stops) - len(halted) + len(self.skipped) - len(self.lacking)
        left = [*halted, *([f"{count(waiting, 'stage')} not started"] if waiting else [])]
        return f"stopped: {', '.join(left)}; to go on, run the same command again"


def run_comparison(
    comparison: Comparison,
    store: Store,
    engine: Engine | None,
    environments: Mapping[str, Environment],
    listener: Listener,
    stopper: Stopper,
    options: RunOptions = _NO_OPTIONS,
) -> RunResult:
    """Run what is missing.

    Args:
        engine: Needed only where something is missing.
        environments: Needed only where something is missing.

    Raises:
        ImageNotBuilt: Where an image is not built.
        NoSpace: Before anything is started; failed stages do not raise.
    """
    name = comparison.resolved.experiment.name
    record = store.run(name)
    planned = PlannedStages(
        run=name,
        logs=record.folder / "logs",
        stages=comparison.plan.stages,
        images=comparison.images,
        programs=comparison.programs,
        variant=comparison.variant,
        found=Lookup(comparison.identities, comparison.artifacts, comparison.damaged),
    )
    notify = fan_out(recorder(record), listener)
    result = run_stages(planned, store, engine, environments, notify, stopper, options)
    made = tuple(stage for stage in result.results if stage not in result.stored)
    stored = tuple(stage for stage in result.results if stage in result.stored)
    return RunResult(None, made, stored, result.failures, result.skipped)

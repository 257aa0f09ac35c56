"""Runs a comparison: everything that the store lacks, then the report."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from orchestrator.engine.protocol import Engine, Environment
from orchestrator.errors import Cancelled, NoSpace, SirrError, StoreError
from orchestrator.execute.build import not_built
from orchestrator.execute.comparison import Comparison
from orchestrator.execute.events import Failed, Listener, Planned, StateChanged, Warned, recorder, together
from orchestrator.execute.realise import World, realise
from orchestrator.execute.schedule import Walked, walk
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Identity, stage_identity
from orchestrator.plan.stage import Stage
from orchestrator.spec.names import Device
from orchestrator.store.store import Artifact, Store

_FREE_BYTES = 2**30
"""Below this much free space no stage is started: checkpoints and pictures would be cut short."""


@dataclass(frozen=True)
class RunOptions:
    """How to run, apart from what the experiment says."""

    jobs: int = 1
    threads: int | None = None
    workers: int | None = None
    grace_s: float = 60.0


@dataclass(frozen=True)
class RunResult:
    """What came of a run."""

    report: Path | None
    """The report's index.html; None only where the run was stopped before it could be made."""
    made: tuple[str, ...] = ()
    """Stages that were realised now."""
    stored: tuple[str, ...] = ()
    """Stages whose artifact the store had."""
    failures: Mapping[str, SirrError] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def error(self) -> SirrError | None:
        """The failure that decides the exit code: the first, or the user's own stop."""
        stops = [error for error in self.failures.values() if isinstance(error, Cancelled)]
        return next(iter([*stops, *self.failures.values()]), None)


@dataclass
class Realised(Walked[Artifact]):
    """What came of stages, with their identities; `stored`: those whose result was there."""

    identities: dict[str, Identity] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)


def run_comparison(
    comparison: Comparison,
    store: Store,
    engine: Engine | None,
    environments: Mapping[str, Environment],
    listener: Listener,
    stopper: Stopper,
    options: RunOptions = RunOptions(),
) -> RunResult:
    """Realise what is missing; the report is made of the run's document afterwards.

    engine, environments: needed only where something is missing.

    Raises: ImageNotBuilt or NoSpace before anything is started. Failed stages do not raise: they
    are in the result, and in the report as what was not measured.
    """
    name = comparison.resolved.experiment.name
    record = store.run(name)
    heard = together(recorder(record), listener)
    keys = {stage: identity.key for stage, identity in comparison.identities.items()}
    heard(Planned(tuple(stage.name for stage in comparison.plan.stages), keys))
    for stage, said in comparison.damaged.items():
        heard(Warned(stage, f"{said}; it is made again"))
    for stage in comparison.artifacts:
        heard(StateChanged(stage, "stored", {"key": comparison.identities[stage].key}))
    missing = comparison.missing
    walked = Realised()
    if missing:
        _check_ready(missing, store, engine, environments, comparison.variant)
        assert engine is not None  # checked just above
        world = World(
            store=store,
            engine=engine,
            environments=environments,
            modules={image: spec.module for image, spec in comparison.images.items()},
            programs=comparison.programs,
            listener=heard,
            stopper=stopper,
            run=name,
            logs=record.folder / "logs",
            threads=options.threads,
            workers=options.workers,
            grace_s=options.grace_s,
        )
        walked = realise_stages(missing, comparison.artifacts, world, options.jobs)
        engine.sweep()
    made = tuple(name for name in walked.results if name not in walked.stored)
    stored = (*comparison.artifacts, *(name for name in walked.results if name in walked.stored))
    return RunResult(None, made, stored, walked.failures, walked.skipped)


def _check_ready(
    missing: Mapping[str, Stage],
    store: Store,
    engine: Engine | None,
    environments: Mapping[str, Environment],
    variant: Device,
) -> None:
    images = dict.fromkeys(stage.image for stage in missing.values())
    unbuilt = [image for image in images if image not in environments]
    if unbuilt or engine is None:
        error = not_built(unbuilt, "auto" if engine is None else engine.name, variant)
        error.hint = f"{error.hint}   (or add --build to the run)"
        raise error
    if store.free_bytes < _FREE_BYTES:
        raise NoSpace(
            f"the store's disk has {store.free_bytes / 2**20:.0f} MiB left, a run needs at least 1024 MiB",
            where=str(store.root),
            hint="free some space, or put the store elsewhere with --store",
        )


def realise_stages(
    stages: Mapping[str, Stage], stored: Mapping[str, Artifact], world: World, jobs: int = 1
) -> Realised:
    """Realise stages whose other inputs are stored; tell the listener of every change of state.

    Each stage's key becomes known when its inputs are there. Where the store has a result of it, it does not run: so
    a stage that was made again and came out as it was makes nothing behind it run.
    """
    realised = Realised()

    def one(stage: Stage, made: Mapping[str, Artifact]) -> Artifact:
        started = time.monotonic()
        read = {needed: made.get(key) or stored[needed] for key, needed in stage.inputs.items()}
        results = {needed: artifact.digests for needed, artifact in read.items()}
        identity = stage_identity(stage, world.programs[stage.image], results)
        realised.identities[stage.name] = identity
        facts = {"key": identity.key}
        folders = {
            **{key: read[needed].output for key, needed in stage.inputs.items()},
            **{key: source.path for key, source in stage.sources.items()},
        }
        try:
            there = world.store.sound_artifact(identity.key, partial(_tell_damaged, stage, world))
            if there is not None:
                realised.stored.add(stage.name)
                world.listener(StateChanged(stage.name, "stored", facts))
                return there
            _check_inputs(read, world)
            artifact = realise(stage, identity, folders, world)
        except SirrError as error:
            cancelled = isinstance(error, Cancelled)
            world.listener(Failed(stage.name, error))
            world.listener(StateChanged(stage.name, "cancelled" if cancelled else "failed", facts))
            raise
        world.listener(StateChanged(stage.name, "done", {**facts, "seconds": round(time.monotonic() - started, 3)}))
        return artifact

    walked = walk(stages, one, world.stopper, jobs=jobs)
    for name, blocker in walked.skipped.items():
        world.listener(StateChanged(name, "skipped", {"because": blocker}))
    return replace(realised, results=walked.results, failures=walked.failures, skipped=walked.skipped)


def _tell_damaged(stage: Stage, world: World, said: str) -> None:
    world.listener(Warned(stage.name, f"{said}; it is made again"))


def _check_inputs(read: Mapping[str, Artifact], world: World) -> None:
    """Refuse what was damaged since the run began: its stage has had its turn, and is made again by the next run."""
    for name, artifact in read.items():
        damaged: list[str] = []
        if world.store.sound_artifact(artifact.key, damaged.append) is None:
            said = damaged[0] if damaged else f"the result {artifact.key[:12]} of {name} is not in the store any more"
            raise StoreError(said, hint="run the same command again: it is made again")

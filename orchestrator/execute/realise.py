"""Turns one planned stage into an artifact: lease, start or adopt, follow, classify, commit."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.engine.gpu import lease_gpus
from orchestrator.engine.protocol import Engine, Environment, Job
from orchestrator.errors import BudgetTooSmall, Cancelled, InfraFailure, NoSpace, OutOfMemory, OutputInvalid
from orchestrator.execute.classify import Verdict, classify
from orchestrator.execute.events import Listener, StateChanged, Warned
from orchestrator.execute.follow import Followed, Limits, follow
from orchestrator.execute.machine import machine_facts
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Identity, Program
from orchestrator.plan.stage import Stage, StageKind
from orchestrator.store.layout import log_name
from orchestrator.store.store import Artifact, Store

REQUIRED_OUTPUTS: Mapping[StageKind, tuple[str, ...]] = {
    "prepare": ("dataset.json",),
    "train": ("curves.json", "train.json"),
    "adopt": ("adopt.json",),
    "release": ("release.json",),
    "export": ("network.onnx", "export.json"),
    "infer": ("predictions.json",),
    "explain": ("plan.json",),
    "overlap": ("overlap.json",),
    "evaluate": ("scores.json",),
}
"""What each kind of stage must leave in its output folder."""

_INFRA_RETRIES = 2
_RETRY_WAIT_S = 2.0
_MORE_SAVING_LEVELS = 2


@dataclass(frozen=True)
class World:
    """What stages are realised with.

    environments: image name to the built environment; modules: image name to the module of its program
    programs: image name to what its keys are made of
    threads: of stages whose bits do not depend on them; None: all that there are
    run: the run's name, a label of its jobs; logs: the folder for the stages' output
    """

    store: Store
    engine: Engine
    environments: Mapping[str, Environment]
    modules: Mapping[str, str]
    programs: Mapping[str, Program]
    listener: Listener
    stopper: Stopper
    run: str
    logs: Path
    threads: int | None = None
    workers: int | None = None
    grace_s: float = 60.0
    facts: Mapping[str, Any] = field(default_factory=dict)


def realise(stage: Stage, identity: Identity, inputs: Mapping[str, Path], world: World) -> Artifact:
    """Return the stage's artifact: the store's, or made now.

    inputs: input name to the folder or file it is read from. A program that an earlier process left running is
    adopted, one that was interrupted is resumed from its staging folder.

    Raises: the SirrError that names how the stage failed; its staging folder stays where it can be resumed.
    """
    with contextlib.ExitStack() as held:
        held.enter_context(world.store.lease(identity.key, lambda: _tell_waiting(stage, world)))
        stored = world.store.artifact(identity.key)
        if stored is not None:
            return stored
        gpus = _leased_gpus(stage, world, held)
        resumed = world.store.has_staging(identity.key)
        staging = world.store.staging(identity.key)
        job = replace(_job(stage, identity, inputs, staging, world), gpus=gpus)
        started = time.time()
        followed, adopted, attempts = _run_saving_memory(job, stage, world)
        _check_sources(stage, inputs, world.store)
        facts = {
            **world.facts,
            "image": stage.image,
            "environment": dict(job.environment.details),
            "packages": dict(job.environment.packages),
            "device": stage.device,
            **_took(followed, started, job, world),
            **machine_facts(job.staging, threads=job.threads, device=job.device, same_machine=True),
            "warnings": followed.warnings,
            "resumed": resumed,
            "adopted": adopted,
            "attempts": attempts,
        }
        return world.store.commit(identity, facts, REQUIRED_OUTPUTS[stage.kind])


def _tell_waiting(stage: Stage, world: World) -> None:
    world.listener(Warned(stage.name, "another run is making this result; waiting for it"))


def _leased_gpus(stage: Stage, world: World, held: contextlib.ExitStack) -> tuple[str, ...]:
    """Hold a GPU for a stage that computes on one, for as long as `held`; an engine's own count reserves nothing."""

    def waiting() -> None:
        if world.stopper.requested:
            raise Cancelled(f"{stage.name} was not started: the run was stopped")

    if stage.device != "cuda":
        return ()
    return held.enter_context(lease_gpus(world.store.layout.lease("gpus"), waiting=waiting))


def _job(stage: Stage, identity: Identity, inputs: Mapping[str, Path], staging: Path, world: World) -> Job:
    return Job(
        key=identity.key,
        run=world.run,
        stage=stage.name,
        kind=stage.kind,
        module=world.modules[stage.image],
        environment=world.environments[stage.image],
        staging=staging,
        settings=stage.settings,
        inputs=inputs,
        device=stage.device,
        seed=stage.seed,
        memory_bytes=stage.memory_bytes,
        threads=stage.threads if stage.kind in world.programs[stage.image].pinned_threads else world.threads,
        workers=world.workers,
        checkpoint_s=stage.checkpoint_s,
        device_memory_bytes=stage.device_memory_bytes,
    )


def _run_saving_memory(job: Job, stage: Stage, world: World) -> tuple[Followed, bool, int]:
    """Run the job; a training that runs out of memory goes on from its last checkpoint with more saving.

    What it saves by changes no result, so the retry is the same stage.
    """
    for level in range(_MORE_SAVING_LEVELS + 1):
        try:
            return _run_with_retries(replace(job, memory_saving_level=level), stage, world)
        except OutOfMemory as error:
            final = isinstance(error, BudgetTooSmall) or level == _MORE_SAVING_LEVELS or stage.kind != "train"
            if final or world.stopper.requested:
                raise
            more = f"saving memory ({level + 1} of {_MORE_SAVING_LEVELS})"
            world.listener(Warned(stage.name, f"{error.message}; going on from the last checkpoint, {more}"))
    raise AssertionError("the last attempt returns or raises")


def _run_with_retries(job: Job, stage: Stage, world: World) -> tuple[Followed, bool, int]:
    """Run the job to a good end; failures of the infrastructure are tried again, and not often."""
    for attempt in range(1, _INFRA_RETRIES + 2):
        try:
            followed, adopted = _run_once(job, stage, world)
        except InfraFailure as error:
            if isinstance(error, NoSpace) or attempt > _INFRA_RETRIES or world.stopper.requested:
                raise
            world.listener(Warned(stage.name, f"{error.message}; trying again ({attempt} of {_INFRA_RETRIES})"))
            time.sleep(_RETRY_WAIT_S * attempt)
        else:
            return followed, adopted, attempt
    raise AssertionError("the last attempt returns or raises")


def _run_once(job: Job, stage: Stage, world: World) -> tuple[Followed, bool]:
    if world.stopper.requested:
        raise Cancelled(f"{stage.name} was not started: the run was stopped")
    started = time.time()
    running = world.engine.start(job)
    try:
        world.listener(StateChanged(stage.name, "adopted" if running.adopted else "running", {"key": job.key}))
        log = world.logs / log_name(stage.name)
        limits = Limits(stage.timeout_s, world.grace_s)
        followed = follow(running, stage.name, log, world.listener, world.stopper, limits)
    finally:
        running.remove()
    verdict = _verdict(followed, stage, log)
    if verdict.error is not None:
        verdict.error.took = _took(followed, started, job, world)
        raise verdict.error
    followed.warnings.extend(verdict.warnings)
    for warning in verdict.warnings:
        world.listener(Warned(stage.name, warning))
    return followed, running.adopted


def _took(followed: Followed, started: float, job: Job, world: World) -> dict[str, Any]:
    """Return where and when a job ran, for how long, and what it held. started: where the engine does not know"""
    began, ended = followed.outcome.started or started, followed.outcome.finished or time.time()
    return {
        "engine": world.engine.name,
        "recipe": job.environment.recipe,
        "started": began,
        "seconds": round(ended - began, 3),
        "memory": followed.memory.facts(job.memory_bytes),
    }


def _verdict(followed: Followed, stage: Stage, log: Path) -> Verdict:
    verdict = classify(
        followed.outcome,
        followed.failure,
        stopped_by_us=followed.stopped,
        timed_out=followed.timed_out,
        log_tail=tuple(followed.tail),
    )
    if verdict.error is not None:
        tail = "".join(f"\n    {line}" for line in list(followed.tail)[-8:])
        verdict.error.where = f"stage {stage.name}, log {log}{tail}"
    return verdict


def _check_sources(stage: Stage, inputs: Mapping[str, Path], store: Store) -> None:
    """Refuse a result whose input files changed while it was made."""
    for name, source in stage.sources.items():
        if store.digest(source.path) != source.digest:
            raise OutputInvalid(
                f"the input {name!r} ({source.path}) was changed while {stage.name} ran",
                hint="run again; do not edit a dataset during a run",
            )
    for name, path in inputs.items():
        key = store.layout.key_of(path)
        if key is not None and not store.is_sound(key):
            raise OutputInvalid(
                f"the input {name!r}, a result of the store, was changed while {stage.name} ran",
                where=str(path),
                hint="run again: what was changed is made again; nobody but the program may write to the store",
            )

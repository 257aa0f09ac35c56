"""Turns one planned stage into an artifact: lease, start or adopt, follow, classify, commit."""

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.engine.gpu import lease_gpus
from orchestrator.engine.protocol import Environment, Job
from orchestrator.errors import (
    DeviceUnavailable,
    InfraFailure,
    NotStarted,
    OutputInvalid,
)
from orchestrator.execute.attempts import Finished, run_saving_memory, took
from orchestrator.execute.events import Noted, Warned
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.leftovers import engines_that_answer
from orchestrator.execute.machine import machine_facts
from orchestrator.execute.measured import check_measured
from orchestrator.execute.sbom import SBOM
from orchestrator.execute.sources import check_sources
from orchestrator.plan.keys import Identity
from orchestrator.plan.stage import Stage
from orchestrator.spec.names import StageKind
from orchestrator.store.layout import FACTS, OUTPUT, log_name
from orchestrator.store.store import Artifact, Store

REQUIRED_OUTPUTS: Mapping[StageKind, tuple[str, ...]] = {
    "prepare": ("dataset.json",),
    "train": ("curves.json", "train.json"),
    "adopt": ("adopt.json",),
    "release": ("release.json",),
    "export": ("network.onnx", "export.json"),
    "wrap": ("network.onnx", "wrap.json"),
    "infer": ("predictions.json",),
    "explain": ("plan.json",),
    "overlap": ("overlap.json",),
    "evaluate": ("scores.json",),
    "measure": ("measure.json",),
    "predict": ("predictions.json",),
    "finish": ("predictions.json",),
    "collect": ("predictions.json",),
    "command": ("command.json",),
}
"""What each kind of stage must leave in its output folder."""

_COMMAND_MODULE = "stagekit.command"
"""Runs an authors' program, in any image: the image's own program has no part in it."""

_GOES_ON_FROM_OUTPUT: frozenset[StageKind] = frozenset({"train", "infer"})
"""Kinds whose programs, started again, go on from what lies in their output; of others a kill leaves only rests."""


def execute_stage(stage: Stage, identity: Identity, inputs: Mapping[str, Path], context: ExecutionContext) -> Artifact:
    """Return the stage's artifact: the store's, or made now.

    Raises the SirrError that names how the stage failed; its staging folder stays where it can be resumed.

    Args:
        inputs: Input name to the folder or file it is read from. A program that an earlier process left running is
            adopted, one that was interrupted is resumed from its staging folder.
    """
    with contextlib.ExitStack() as held:
        held.enter_context(context.store.lease(identity.key, _Waiting(stage, context)))
        stored = context.store.artifact(identity.key)
        if stored is not None:
            return stored
        engine = context.engine_of(stage, inputs)
        here = engine.capabilities.same_machine
        context = replace(context, engine=engine, near=context.near if here else None)
        gpus = _leased_gpus(stage, context, held)
        resumed = context.store.has_staging(identity.key)
        staging = context.store.staging(identity.key)
        near = _near_inputs(stage, inputs, context, held)
        job = replace(_job(stage, identity, near, staging, context), gpus=gpus)
        started, load = time.time(), os.getloadavg()[0]
        if resumed:
            _end_elsewhere(stage, identity.key, context)
        finished = run_saving_memory(job, stage, context)
        facts = {
            **context.facts,
            "image": stage.image,
            "environment": dict(job.environment.details),
            "packages": dict(job.environment.packages),
            "device": stage.device,
            **took(finished.outcome, started, job, context),
            "load": round(load, 2) if here else None,
            "log": _log_place(stage, context),
            **machine_facts(job.staging, threads=job.threads, device=job.device, same_machine=here),
            "warnings": finished.outcome.warnings,
            "resumed": resumed,
            "adopted": finished.running.adopted,
            "attempts": finished.attempts,
        }
        about = _software(stage, job.environment, context)
        _check_near(stage, inputs, near, context)
        apart = {name: path for name, path in inputs.items() if near[name] == path or stage.kind == "measure"}
        return _committed(stage, identity, apart, finished, facts, about, context)


def _near_inputs(
    stage: Stage, inputs: Mapping[str, Path], context: ExecutionContext, held: contextlib.ExitStack
) -> Mapping[str, Path]:
    """Return where a stage reads its inputs, kept there for as long as `held`."""
    near = context.near
    if near is None:
        return inputs

    def say(words: str) -> None:
        context.listener(Noted(stage.name, words))

    return {name: held.enter_context(near.near(path, say)) for name, path in inputs.items()}


def _check_near(stage: Stage, inputs: Mapping[str, Path], near: Mapping[str, Path], context: ExecutionContext) -> None:
    """Refuse a result whose inputs on this machine's disk changed while it was made."""
    for name, path in inputs.items():
        if context.near is not None and near[name] != path and not context.near.is_sound(near[name], path):
            raise OutputInvalid(
                f"the input {name!r}, a copy on this machine's disk, was changed while {stage.name} ran",
                where=str(near[name]),
                hint="run again: the copy is made again; nobody but the program may write to it",
            )


def _log_place(stage: Stage, context: ExecutionContext) -> str:
    """Return where a stage's log is inside the store, empty where it is elsewhere."""
    log, root = context.logs / log_name(stage.name), context.store.root
    return log.relative_to(root).as_posix() if log.is_relative_to(root) else ""


def _software(stage: Stage, environment: Environment, context: ExecutionContext) -> dict[str, bytes]:
    """Return the list of what a stage ran in; a result is as good without."""
    if context.software is None:
        return {}
    try:
        return {SBOM: context.software.text(environment).encode()}
    except InfraFailure as error:
        context.listener(Warned(stage.name, f"{error.message}: {error.where}"))
        return {}


def _committed(
    stage: Stage,
    identity: Identity,
    inputs: Mapping[str, Path],
    finished: Finished,
    facts: Mapping[str, Any],
    about: Mapping[str, bytes],
    context: ExecutionContext,
) -> Artifact:
    """Keep what a job left; only then is the job forgotten: a kill, or a full disk, in between runs nothing twice."""
    store = context.store
    try:
        check_sources(stage, store.layout.staging(identity.key) / FACTS, store)
        _check_inputs(stage, inputs, store)
        if stage.kind == "measure":
            check_measured(stage, store.layout.staging(identity.key) / OUTPUT, inputs["dataset"])
        return store.commit(identity, facts, REQUIRED_OUTPUTS[stage.kind], finished.running.remove, about)
    except OutputInvalid as error:
        finished.running.remove()
        log = f"stage {stage.name}, log {context.logs / log_name(stage.name)}"
        error.where = log if error.where is None else f"{log}\n  {error.where}"
        raise


class _Waiting:
    """Hears that another run is making a result: says so once, and gives up when the user stops.

    Raises:
        Cancelled: Where the user stops.
    """

    def __init__(self, stage: Stage, context: ExecutionContext) -> None:
        self._stage = stage
        self._context = context
        self._told = False

    def __call__(self) -> None:
        if self._context.stopper.requested:
            raise NotStarted(f"{self._stage.name} was not started: the run was stopped while another one is making it")
        if not self._told:
            self._told = True
            self._context.listener(Warned(self._stage.name, "another run is making this result; waiting for it"))


def _end_elsewhere(stage: Stage, key: str, context: ExecutionContext) -> None:
    """Stop a program of this stage that a killed run left on another engine: two in one folder would spoil it."""
    for engine in engines_that_answer(context.store.layout.stagings):
        if engine.name == context.engine.name:
            continue
        for job in engine.jobs():
            if job.key == key:
                job.running.stop(context.grace_s)
                job.running.outcome()
                job.running.remove()
                context.listener(
                    Noted(stage.name, f"its program still ran on the engine {engine.name} and was stopped")
                )


def _leased_gpus(stage: Stage, context: ExecutionContext, held: contextlib.ExitStack) -> tuple[str, ...]:
    """Hold a GPU for a stage that computes on one, for as long as `held`, where its engine does not see to it itself.

    Raises:
        DeviceUnavailable: Where the engine runs programs elsewhere and leases nothing there.
    """

    def waiting() -> None:
        if context.stopper.requested:
            raise NotStarted(f"{stage.name} was not started: the run was stopped")

    able = context.engine.capabilities
    if stage.device != "cuda" or able.leases_devices:
        return ()
    if not able.same_machine:
        raise DeviceUnavailable(
            f"{stage.name} needs a GPU, and the engine {context.engine.name} runs programs on another machine, whose "
            f"GPUs cannot be kept from others from here",
            hint="use an engine of the machine that has the GPU, or write device: cpu",
        )
    return held.enter_context(lease_gpus(context.store.layout.lease("gpus"), waiting=waiting))


def _job(stage: Stage, identity: Identity, inputs: Mapping[str, Path], staging: Path, context: ExecutionContext) -> Job:
    return Job(
        key=identity.key,
        run=context.run,
        stage=stage.name,
        kind=stage.kind,
        module=_COMMAND_MODULE if stage.kind == "command" else context.modules[stage.image],
        environment=context.environments[stage.image],
        staging=staging,
        settings=stage.settings,
        inputs=inputs,
        device=stage.device,
        seed=stage.seed,
        memory_bytes=stage.memory_bytes,
        threads=stage.threads if stage.kind in context.programs[stage.image].pinned_threads else context.threads,
        workers=context.workers,
        checkpoint_s=stage.checkpoint_s,
        device_memory_bytes=stage.device_memory_bytes,
        keeps_output=stage.kind in _GOES_ON_FROM_OUTPUT,
    )


def _check_inputs(stage: Stage, inputs: Mapping[str, Path], store: Store) -> None:
    """Refuse a result whose inputs from the store changed while it was made."""
    for name, path in inputs.items():
        key = store.layout.key_of(path)
        if key is not None and not store.is_sound(key):
            raise OutputInvalid(
                f"the input {name!r}, a result of the store, was changed while {stage.name} ran",
                where=str(path),
                hint="run again: what was changed is made again; nobody but the program may write to the store",
            )

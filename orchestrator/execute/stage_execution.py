"""Turns one planned stage into an artifact: lease, start or adopt, follow, classify, commit."""

import contextlib
import itertools
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.engine.gpu import lease_gpus
from orchestrator.engine.program import ended_well
from orchestrator.engine.protocol import Engine, Environment, Job, Running
from orchestrator.errors import (
    BudgetTooSmall,
    DeviceUnavailable,
    InfraFailure,
    Interrupted,
    NoSpace,
    NotStarted,
    OutOfMemory,
    OutputInvalid,
    SirrError,
    StageFailed,
)
from orchestrator.execute.classify import Verdict, classify, shortened
from orchestrator.execute.cluster import Cluster
from orchestrator.execute.events import Listener, Noted, StateChanged, Warned
from orchestrator.execute.job_outcome import Hearing, JobOutcome, Limits, follow
from orchestrator.execute.leftovers import engines_that_answer
from orchestrator.execute.machine import machine_facts
from orchestrator.execute.measured import check_measured
from orchestrator.execute.sbom import SBOM, SoftwareLists
from orchestrator.execute.sources import check_sources
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Identity, Program
from orchestrator.plan.stage import Stage
from orchestrator.spec.names import StageKind
from orchestrator.store.inputs_cache import InputsCache
from orchestrator.store.layout import FACTS, OUTPUT, log_name
from orchestrator.store.store import Artifact, Store
from stagekit import ExitCode

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

_FULL_BYTES = 16 * 2**20
"""With less than this free after it failed, a program failed for lack of space."""

_LINE_LETTERS = 400
"""Of a line of a program's log, how much an error shows."""

_INFRA_RETRIES = 2
_RETRY_WAIT_S = 2.0
_MORE_SAVING_LEVELS = 2


@dataclass(frozen=True)
class ExecutionContext:
    """What stages are realised with.

    Attributes:
        environments: Image name to the built environment.
        modules: Image name to the module of its program.
        programs: Image name to what its keys are made of.
        threads: Of stages whose bits do not depend on them; None: all that there are.
        run: The run's name, a label of its jobs.
        logs: The folder for the stages' output.
        software: Lists what stages ran in; None: that is not kept.
        near: Where results of many small files are read from instead; None: where they are.
        cluster: Where the site submits stages to; None: nowhere.
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
    software: SoftwareLists | None = None
    near: InputsCache | None = None
    cluster: Cluster | None = None

    def engine_of(self, stage: Stage, inputs: Mapping[str, Path]) -> Engine:
        """Return what starts a stage: the cluster where the site submits it, else the engine of this machine."""
        if self.cluster is not None and self.cluster.takes(stage.kind, inputs):
            return self.cluster.engine
        return self.engine


@dataclass(frozen=True)
class _Finished:
    """A job that ended well, and that nobody has removed: until its result is committed it can be found again."""

    outcome: JobOutcome
    running: Running
    attempts: int = 1


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
        finished = _run_saving_memory(job, stage, context)
        facts = {
            **context.facts,
            "image": stage.image,
            "environment": dict(job.environment.details),
            "packages": dict(job.environment.packages),
            "device": stage.device,
            **_took(finished.outcome, started, job, context),
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
    finished: _Finished,
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


def _run_saving_memory(job: Job, stage: Stage, context: ExecutionContext) -> _Finished:
    """Run the job; a training that runs out of memory is started again with more saving, and goes on from a checkpoint.

    What it saves by changes no result, so the retry is the same stage.
    """
    for level in range(_MORE_SAVING_LEVELS + 1):
        try:
            return _run_with_retries(replace(job, memory_saving_level=level), stage, context)
        except OutOfMemory as error:
            final = isinstance(error, BudgetTooSmall) or level == _MORE_SAVING_LEVELS or stage.kind != "train"
            if final or context.stopper.requested:
                raise
            more = f"saving memory ({level + 1} of {_MORE_SAVING_LEVELS})"
            context.listener(Warned(stage.name, f"{error.message}; trying again, {more}"))
    raise AssertionError("the last attempt returns or raises")


def _run_with_retries(job: Job, stage: Stage, context: ExecutionContext) -> _Finished:
    """Run the job to a good end; failures of the infrastructure are tried again, and not often.

    What was interrupted and had saved more than before is gone on with as often as that happens.
    """
    failures, saved_at = 0, float("-inf")
    for attempt in itertools.count(1):
        try:
            return replace(_run_once(job, stage, context), attempts=attempt)
        except InfraFailure as error:
            if isinstance(error, NoSpace) or context.stopper.requested:
                raise
            if isinstance(error, Interrupted) and error.saved_at > saved_at:
                # It came further: a training of days passes so through time limits of hours.
                saved_at = error.saved_at
                context.listener(Noted(stage.name, f"{error.message}; it goes on from there"))
                continue
            failures += 1
            if failures > _INFRA_RETRIES:
                raise
            context.listener(Warned(stage.name, f"{error.message}; trying again ({failures} of {_INFRA_RETRIES})"))
            time.sleep(_RETRY_WAIT_S * failures)
    raise AssertionError("the last attempt returns or raises")


def _run_once(job: Job, stage: Stage, context: ExecutionContext) -> _Finished:
    if context.stopper.requested:
        raise NotStarted(f"{stage.name} was not started: the run was stopped")
    started = time.time()
    running = context.engine.start(job)
    try:
        begun = StateChanged(stage.name, "adopted" if running.adopted else "running", {"key": job.key})
        if running.waits:
            context.listener(StateChanged(stage.name, "queued", {"key": job.key}))
        log = context.logs / log_name(stage.name)
        limits = Limits(stage.timeout_s, context.grace_s)
        hearing = Hearing(stage.name, context.listener, context.engine.input_paths(job))
        job_outcome = follow(running, hearing, log, context.stopper, limits, lambda: context.listener(begun))
    except SirrError:  # such as a full disk, when a record could not be written: what can be saved is saved
        running.stop(context.grace_s)
        running.remove()
        raise
    except BaseException:
        running.remove()
        raise
    outcome = job_outcome.outcome
    if ended_well(outcome.exit_code, job.staging):
        job_outcome.outcome = replace(outcome, exit_code=ExitCode.DONE, error=None)
    verdict = _verdict(job_outcome, stage, log, context.store)
    if verdict.error is not None:
        running.remove()
        verdict.error.took = _took(job_outcome, started, job, context)
        if isinstance(verdict.error, Interrupted):
            verdict.error.saved_at = job_outcome.saved_at
        raise verdict.error
    job_outcome.warnings.extend(verdict.warnings)
    for warning in verdict.warnings:
        context.listener(Warned(stage.name, warning))
    return _Finished(job_outcome, running)


def _took(job_outcome: JobOutcome, started: float, job: Job, context: ExecutionContext) -> dict[str, Any]:
    """Return where and when a job ran, for how long, and what it held.

    Args:
        started: Where the engine does not know.
    """
    began, ended = job_outcome.outcome.started or started, job_outcome.outcome.finished or time.time()
    return {
        "engine": context.engine.name,
        "walls": job_outcome.walls,
        "recipe": job.environment.recipe,
        "started": began,
        "seconds": round(ended - began, 3),
        **({"queued_s": round(job_outcome.queued_s, 3)} if job_outcome.queued_s else {}),
        "memory": job_outcome.memory.facts(job.memory_bytes),
    }


def _verdict(job_outcome: JobOutcome, stage: Stage, log: Path, store: Store) -> Verdict:
    verdict = classify(
        job_outcome.outcome,
        job_outcome.failure,
        stopped_by_us=job_outcome.stopped,
        timed_out=job_outcome.timed_out,
        saved=job_outcome.checkpoint is not None,
        log_tail=tuple(job_outcome.tail),
    )
    if type(verdict.error) is StageFailed and store.free_bytes < _FULL_BYTES:
        # A program that cannot write cannot say so either, and libraries have words of their own for it.
        free = f"{store.free_bytes / 2**20:.0f} MiB are free on the store's disk"
        verdict = Verdict(NoSpace(f"{verdict.error.message}; {free}", hint="free some space and run again"))
    if verdict.error is not None:
        tail = "".join(f"\n    {shortened(line, _LINE_LETTERS)}" for line in list(job_outcome.tail)[-8:])
        verdict.error.where = f"stage {stage.name}, log {log}{tail}"
    return verdict


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

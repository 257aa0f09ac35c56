"""Runs a stage's job to a good end: tried again where that may help, and classified where it does not."""

import itertools
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.engine.program import ended_well
from orchestrator.engine.protocol import Job, Running
from orchestrator.errors import (
    BudgetTooSmall,
    InfraFailure,
    Interrupted,
    NoSpace,
    NotStarted,
    OutOfMemory,
    SirrError,
    StageFailed,
)
from orchestrator.execute.classify import Verdict, classify, shortened
from orchestrator.execute.events import Noted, StateChanged, Warned
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.job_outcome import Hearing, JobOutcome, Limits, follow
from orchestrator.plan.stage import Stage
from orchestrator.store.layout import log_name
from orchestrator.store.store import Store
from stagekit import ExitCode

_FULL_BYTES = 16 * 2**20
"""With less than this free after it failed, a program failed for lack of space."""

_LINE_LETTERS = 400
"""Of a line of a program's log, how much an error shows."""

_INFRA_RETRIES = 2
_RETRY_WAIT_S = 2.0
_MORE_SAVING_LEVELS = 2


@dataclass(frozen=True)
class Finished:
    """A job that ended well, and that nobody has removed: until its result is committed it can be found again."""

    outcome: JobOutcome
    running: Running
    attempts: int = 1


def run_saving_memory(job: Job, stage: Stage, context: ExecutionContext) -> Finished:
    """Run the job; a training that runs out of memory is started again with more saving, and goes on from a checkpoint.

    What it saves by changes no result, so the retry is the same stage.

    Raises:
        SirrError: How the last attempt failed, or was stopped.
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


def _run_with_retries(job: Job, stage: Stage, context: ExecutionContext) -> Finished:
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


def _run_once(job: Job, stage: Stage, context: ExecutionContext) -> Finished:
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
        verdict.error.took = took(job_outcome, started, job, context)
        if isinstance(verdict.error, Interrupted):
            verdict.error.saved_at = job_outcome.saved_at
        raise verdict.error
    job_outcome.warnings.extend(verdict.warnings)
    for warning in verdict.warnings:
        context.listener(Warned(stage.name, warning))
    return Finished(job_outcome, running)


def took(job_outcome: JobOutcome, started: float, job: Job, context: ExecutionContext) -> dict[str, Any]:
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

"""Says what a job's end means: a result, a result with a warning, or one of the errors that users see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from orchestrator.engine.errors import engine_error
from orchestrator.engine.protocol import Outcome
from orchestrator.errors import (
    BudgetTooSmall,
    Cancelled,
    InfraFailure,
    InputInvalid,
    Interrupted,
    NoSpace,
    OutOfMemory,
    SirrError,
    StageFailed,
    Timeout,
)
from stagekit import ExitCode, Failure

_KILLED = 137
_NO_SPACE = "no space left on"
_MOST_LETTERS = 4000
"""Of a failure's message and of its hint."""

_MORE_MEMORY = "raise the experiment's memory, or reduce the crop, batch or tile size"
_AGAIN = "run the same command again"
_GOES_ON = f"{_AGAIN}: it continues from the last checkpoint"


@dataclass(frozen=True)
class Verdict:
    """What an end means: `error` is None for a result; `warnings` travel with it into the report."""

    error: SirrError | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signature:
    """Words in a log that suggest a cause; a hint, never the reason for a class of failure."""

    fragment: str
    hint: str


SIGNATURES: tuple[Signature, ...] = (
    Signature("cuda out of memory", "the GPU's memory probably did not suffice: reduce the crop, batch or tile size"),
    Signature("cuda_error_out_of_memory", "the GPU's memory probably did not suffice: reduce the crop or batch size"),
    Signature("resourceexhaustederror", "the GPU's memory probably did not suffice: reduce the crop or batch size"),
    Signature("bus error", "shared memory probably did not suffice: raise the experiment's memory"),
    Signature("dataloader worker", "a worker process died, probably for lack of memory: raise the experiment's memory"),
    Signature("no kernel image is available", "this GPU is newer than the image's framework: write device: cpu"),
    Signature("nvml: unknown error", "the container lost its GPU: run the same command again"),
    Signature("cannot allocate memory", f"memory probably did not suffice: {_MORE_MEMORY}"),
)


def classify(
    outcome: Outcome,
    last_failure: Failure | None,
    *,
    stopped_by_us: bool,
    timed_out: bool,
    saved: bool = False,
    log_tail: Sequence[str] = (),
) -> Verdict:
    """Return what a job's end means.

    An end that we caused is judged first: what a stopped program says or does then is no failure of its own. Only a
    result that is complete stays one even so.

    Args:
        last_failure: The last failure that the program explained.
        stopped_by_us: The user asked for the end.
        timed_out: The end was ours because of the time limit.
        saved: The program has said, since it was started, that it wrote a checkpoint; where it has not, something may
            be kept all the same: finished pictures, or the checkpoint of an earlier start.
        log_tail: The last lines that were not messages.
    """
    if outcome.exit_code == ExitCode.DONE:
        return Verdict(warnings=_warnings(outcome))
    last_failure = _short(last_failure)
    if outcome.out_of_memory and not (stopped_by_us or timed_out):
        return Verdict(_found_out_of_memory(last_failure))
    if timed_out:
        hint = f"raise the limit, or {_GOES_ON}" if saved else "raise the limit"
        return Verdict(Timeout("the stage ran longer than its time limit", hint=hint))
    if stopped_by_us:
        return Verdict(_cancelled(outcome, saved=saved))
    if outcome.exit_code is None or outcome.exit_code == ExitCode.INTERRUPTED:
        return Verdict(_ended_by_others(outcome, saved=saved))
    return Verdict(_failed(outcome.exit_code, last_failure, log_tail))


def _short(failure: Failure | None) -> Failure | None:
    """Return a failure in words that people may read; all of it is in the log."""
    if failure is None:
        return None
    hint = failure.hint and shortened(failure.hint, _MOST_LETTERS)
    return replace(failure, message=shortened(failure.message, _MOST_LETTERS), hint=hint)


def shortened(text: str, most: int) -> str:
    """Return a text, without its middle where it has more than so many letters."""
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 2 :]}"


def _warnings(outcome: Outcome) -> tuple[str, ...]:
    if not outcome.out_of_memory:
        return ()
    return ("the memory limit struck a child process, but the stage ended well; raise the memory to be sure",)


def _found_out_of_memory(failure: Failure | None) -> OutOfMemory:
    said = f" ({failure.message})" if failure else ""
    return OutOfMemory(f"the stage needed more than its memory limit{said}", hint=_MORE_MEMORY)


def _cancelled(outcome: Outcome, *, saved: bool) -> Cancelled:
    if not saved:
        return Cancelled("the stage was stopped", hint=_AGAIN)
    if outcome.exit_code == ExitCode.INTERRUPTED:
        return Cancelled("the stage was stopped and has saved where it was", hint=_GOES_ON)
    return Cancelled("the stage was stopped before it could save where it was", hint=_GOES_ON)


def _ended_by_others(outcome: Outcome, *, saved: bool) -> SirrError:
    """Return what became of a job without an exit status, or that a machine's shutdown or an administrator stopped."""
    hint = _GOES_ON if saved else _AGAIN
    if outcome.exit_code == ExitCode.INTERRUPTED:
        if saved:
            return Interrupted("the stage was interrupted from outside and has saved where it was", hint=hint)
        hint = f"{hint}; where a time limit of the site ended it before it could save, raise that"
        return InfraFailure("the stage was interrupted from outside", hint=hint)
    if outcome.error is None:
        return InfraFailure("the stage's end is not known: the engine or the machine was lost", hint=hint)
    return engine_error(outcome.error)


def _failed(code: int, failure: Failure | None, log_tail: Sequence[str]) -> SirrError:
    message = failure.message if failure else f"the program ended with status {code} and gave no reason"
    said_hint = (failure.hint if failure else None) or _suspicion(log_tail)
    if _NO_SPACE in message.lower():
        return NoSpace(message, hint=said_hint or "free some space and run again")
    if code == _KILLED:
        return _killed(failure, said_hint)
    if failure is not None and failure.failure_class == BudgetTooSmall.__name__:
        return BudgetTooSmall(message, hint=said_hint)
    make = _BY_CODE.get(code, _stage_failed)
    return make(message, said_hint)


def _killed(failure: Failure | None, hint: str | None) -> SirrError:
    """137 without the engine's word is a suspicion: the kernel kills when the whole machine runs out of memory."""
    said = f" ({failure.message})" if failure else ""
    return StageFailed(
        f"the program was killed (status {_KILLED}) and not by us: the machine may have run out of memory{said}",
        hint=hint or "look at the kernel's log with dmesg; run fewer stages at once, or set a memory limit",
    )


def _stage_failed(message: str, hint: str | None) -> SirrError:
    return StageFailed(message, hint=hint or "read the end of the stage's log")


def _bad_input(message: str, hint: str | None) -> SirrError:
    return InputInvalid(message, hint=hint)


def _explained_out_of_memory(message: str, hint: str | None) -> SirrError:
    return OutOfMemory(message, hint=hint or _MORE_MEMORY)


_BY_CODE: dict[int, Callable[[str, str | None], SirrError]] = {
    ExitCode.BAD_INPUT: _bad_input,
    ExitCode.OUT_OF_MEMORY: _explained_out_of_memory,
}


def _suspicion(log_tail: Sequence[str]) -> str | None:
    text = "\n".join(log_tail).lower()
    return next((row.hint for row in SIGNATURES if row.fragment in text), None)

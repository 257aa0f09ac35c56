"""The programs of a store's stages that run now: which they are, who follows them, and how they are stopped."""

import os
import platform
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.protocol import Engine, RunningJob
from orchestrator.errors import InfraFailure, InUse, SpecError
from orchestrator.execute.leftovers import engines_that_answer
from orchestrator.process_identity import process_alive, start_ticks
from orchestrator.store.leases import Holder, holder
from orchestrator.store.opened import OTHER_STORE_OPTION, opened_store
from orchestrator.store.run_processes import RunProcess, run_processes
from orchestrator.store.store import Store

_POLL_S = 0.2
_END_S = 30.0
"""What a run may take to end after its programs have."""


@dataclass(frozen=True)
class StageProgram:
    """One program of a stage.

    Attributes:
        follower: The process whose run waits for it; None where that has died, and the next run that needs the result
            takes the program over.
    """

    job: RunningJob
    follower: Holder | None

    @property
    def title(self) -> str:
        """What it is called: its stage, or its key where a damaged record does not tell."""
        return self.job.stage or self.job.key[:12]


@dataclass(frozen=True)
class Activity:
    """What goes on in a store.

    Attributes:
        programs: Of its stages.
        waiting: Processes of runs that follow no program now: they wait for another run's, or are between two.
    """

    programs: tuple[StageProgram, ...] = ()
    waiting: tuple[RunProcess, ...] = ()


def activity(folder: Path) -> Activity:
    """Return what goes on in a store now, on every engine that answers.

    Raises:
        SpecError: Where the folder is no store.
        StoreError: Where a newer program made it.
    """
    store = opened_store(folder)
    programs = _programs(store, engines_that_answer(store.layout.stagings))
    followers = {program.follower for program in programs}
    waiting = [process for process in run_processes(store.layout) if process.holder not in followers]
    return Activity(tuple(programs), tuple(waiting))


def refuse_while_programs_run(folder: Path, run: str) -> None:
    """Refuse to take away the record of a run of which programs go on, as they do where the run was killed.

    Args:
        folder: The store.
        run: Its name.

    Raises:
        InUse: Where one does.
    """
    titles = [program.title for program in activity(folder).programs if program.job.run == run]
    if titles:
        raise InUse(
            f"of the run {run!r} there are programs that run: {', '.join(titles)}",
            hint=f"stop them: sirr-orch stop {run}; or let the run take them over: run its experiment again",
        )


def unfollowed_programs(store: Store, engine: Engine) -> list[StageProgram]:
    """Return an engine's that no process follows: what started them was killed."""
    return [program for program in _programs(store, [engine]) if program.follower is None]


def _programs(store: Store, engines: Sequence[Engine]) -> list[StageProgram]:
    jobs = [job for engine in engines for job in engine.jobs()]
    return [StageProgram(job, holder(store.layout.lease(job.key))) for job in jobs]


def chosen(found: Activity, name: str | None, store: Path) -> Activity:
    """Return what belongs to a run, or to a stage by its name or the begin of its key; all where none is named.

    Args:
        store: Where that was looked for.

    Raises:
        SpecError: Where nothing of that name runs.
    """
    if name is None:
        return found
    programs = [one for one in found.programs if name in (one.job.run, one.job.stage) or _is_key(name, one.job.key)]
    waiting = [process for process in found.waiting if process.run == name]
    if not programs and not waiting:
        titles = [f"{one.title} of {one.job.run}" for one in found.programs]
        titles += [f"the run {process.run}" for process in found.waiting]
        runs = ", ".join(titles) or "nothing"
        raise SpecError(
            f"no run or stage {name!r} runs in the store {store.absolute()}; what runs: {runs}",
            hint=f"see: sirr-orch ps; or {OTHER_STORE_OPTION}",
        )
    return Activity(tuple(programs), tuple(waiting))


def _is_key(name: str, key: str) -> bool:
    return len(name) >= 8 and key.startswith(name)


def stop_activity(found: Activity, grace_s: float, say: Callable[[str], None]) -> None:
    """Stop programs and runs; what they saved is kept, and the next run goes on from it.

    A run that still follows a program is stopped as a whole, as by Ctrl-C: it would start its stage again.

    Args:
        grace_s: How long a program has to save; 0: kill.
        say: Hears what becomes of each.

    Raises:
        InfraFailure: Where a run goes on on another machine, or does not end.
    """
    runs: dict[Holder, list[str]] = {}
    for program in found.programs:
        if program.follower is not None:
            runs.setdefault(program.follower, []).append(program.title)
    for process in found.waiting:
        runs.setdefault(process.holder, []).append(f"the run {process.run}")
    for follower, titles in runs.items():
        _stop_run(follower, ", ".join(dict.fromkeys(titles)), grace_s, say)
    for program in found.programs:
        if program.follower is None:
            running = program.job.running
            running.stop(grace_s)
            running.outcome()
            running.remove()
            say(f"stopped: {program.title}")


def _stop_run(follower: Holder, names: str, grace_s: float, say: Callable[[str], None]) -> None:
    if follower.host != platform.node():
        raise InfraFailure(
            f"the run that follows {names} goes on on {follower.host} as process {follower.pid}",
            hint=f"stop it there: kill {follower.pid}",
        )
    started = start_ticks(follower.pid)
    if started is None:
        return
    say(f"stopping the run of process {follower.pid}: {names}")
    try:
        for _ in range(1 if grace_s > 0 else 2):  # the second request means: at once
            os.kill(follower.pid, signal.SIGTERM)
            time.sleep(_POLL_S)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise InfraFailure(
            f"the run of process {follower.pid} belongs to another user", hint="ask them, or stop it as root"
        ) from error
    deadline = time.monotonic() + grace_s + _END_S
    while process_alive(follower.pid, started):
        if time.monotonic() > deadline:
            raise InfraFailure(
                f"the run of process {follower.pid} has not ended within {grace_s + _END_S:.0f} s",
                hint="wait for it, or stop it at once: sirr-orch stop --grace 0",
            )
        time.sleep(_POLL_S)
    say(f"stopped: {names}")

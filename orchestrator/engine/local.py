"""Runs jobs as processes of this machine, in the environments of `sirr-orch build --engine local`.

The same contract as in a container: the environment is scrubbed, memory is limited, and what else a program gets to see
is up to the walls that work on this machine.
"""

import errno
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.engine import supervisor
from orchestrator.engine.errors import engine_error
from orchestrator.engine.gpu import list_gpus, make_memory_device
from orchestrator.engine.job_files import followed_links, read_record, recorded_job
from orchestrator.engine.local_running import (
    ENGINE_FILES,
    EXIT_FILE,
    JOB_FILE,
    LOG_FILE,
    PROCESS_FILE,
    STAGING_VARIABLE,
    LocalRunning,
    holds_result,
    kill_programs_of,
)
from orchestrator.engine.owner import Owner
from orchestrator.engine.program import STAGE_FILE, lay_out, place, program_environment, stage_request, starting
from orchestrator.engine.protocol import Capabilities, Claim, Job, RunningJob, anybody
from orchestrator.engine.visible import visible_to
from orchestrator.engine.walls import Walls, find_walls
from orchestrator.errors import DISK_FULL, DeviceUnavailable, ImageNotBuilt, InfraFailure, NoSpace
from orchestrator.process import ProcessFailed, run
from stagekit import write_atomically

_LAUNCH_S = 60.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class LocalEngine:
    """Runs jobs as supervised processes.

    Args:
        staging_root: The folder that holds one staging folder per key; `sweep` looks there.
        walls: What programs are kept in; None for the best that work here, which are found at the first start.
    """

    name = "local"

    def __init__(self, staging_root: Path, walls: Walls | None = None) -> None:
        self._root = staging_root.resolve()
        self._owner = Owner.current()
        self._walls = walls

    @property
    def walls(self) -> Walls:
        """What programs are kept in."""
        return find_walls().walls if self._walls is None else self._walls

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; see `Engine.capabilities`."""
        return Capabilities(
            environments="local",
            isolates=self.walls.isolates,
            leases_devices=False,
            same_machine=True,
            queues=False,
        )

    def start(self, job: Job) -> LocalRunning:
        """Start a job's program or adopt the one that is there; see `Engine.start`."""
        interpreter = Path(job.environment.reference)
        if job.environment.code is None or not interpreter.exists():
            raise ImageNotBuilt(
                f"the local environment of {job.environment.image} is not there ({interpreter})",
                hint=f"run: sirr-orch build --engine local {job.environment.image}",
            )
        if not os.access(interpreter, os.X_OK):
            raise InfraFailure(f"the program of {job.stage} could not be started: {interpreter} may not be run")
        _check_gpus(job)
        try:
            with starting(job.staging) as start_lock:
                return self._started(job, start_lock)
        except OSError as error:
            if error.errno in DISK_FULL:
                raise _no_space(job.stage, job.staging) from error
            raise engine_error(str(error), f"stage {job.stage}") from error

    def sweep(self, claim: Claim = anybody) -> Sequence[str]:
        """Forget ended jobs of dead processes; one whose result is still to be fetched stays.

        A record that a power cut made unreadable is that of a dead process.
        """
        removed = []
        for record in sorted(self._root.glob(f"*/{JOB_FILE}")):
            running = LocalRunning(record.parent, adopted=True)
            owner = Owner.parse(str(read_record(record).get("owner", "")))
            if (owner is not None and owner.alive) or running.alive or holds_result(record.parent):
                continue
            with claim(record.parent.name) as free:
                if not free or running.alive or holds_result(record.parent):
                    continue
                running.remove()
            removed.append(record.parent.name)
        return removed

    def jobs(self) -> Sequence[RunningJob]:
        """Return the store's programs that run; see `Engine.jobs`."""
        found = []
        for staging in sorted(self._root.glob("*/")):
            running = LocalRunning(staging, adopted=True)
            if running.alive:
                record = read_record(staging / JOB_FILE)
                found.append(recorded_job(staging, record, self.name, running, running.started))
        return found

    def input_paths(self, job: Job) -> Mapping[str, Path]:
        """Return what links were followed; see `Engine.input_paths`."""
        return followed_links(job)

    def paths_in_use(self) -> set[Path]:
        """Return what programs that run read and write; see `Engine.paths_in_use`."""
        paths: set[Path] = set()
        for record in self._root.glob(f"*/{JOB_FILE}"):
            staging = record.parent
            if LocalRunning(staging, adopted=True).alive:
                paths |= {staging, *_named_paths(staging)}
        return paths

    def _started(self, job: Job, start_lock: int) -> LocalRunning:
        staging = job.staging.resolve()
        running = LocalRunning(staging, adopted=True)
        if running.alive or holds_result(staging):
            return running
        kill_programs_of(staging)
        for name in ENGINE_FILES:
            (staging / name).unlink(missing_ok=True)
        inputs = {name: str(path.resolve()) for name, path in job.inputs.items()}
        lay_out(job, stage_request(job, str(staging), inputs))
        (staging / LOG_FILE).touch()
        with write_atomically(str(staging / JOB_FILE), "w") as stream:
            json.dump(self._record(job, staging), stream)
        _launch(staging, job.stage, start_lock)
        return LocalRunning(staging, adopted=False)

    def _record(self, job: Job, staging: Path) -> dict[str, Any]:
        walls = self.walls
        return {
            "key": job.key,
            "run": job.run,
            "stage": job.stage,
            "owner": str(self._owner),
            "place": place(staging),
            "walls": {
                "name": walls.name,
                "command": walls.command(visible_to(job, staging)),
                "status_option": walls.status_option,
                "complaint": walls.complaint,
            },
            "argv": [job.environment.reference, "-m", job.module, str(staging / STAGE_FILE)],
            "environment": local_environment(job, staging),
            "memory_bytes": job.memory_bytes,
        }


def local_environment(job: Job, staging: Path) -> dict[str, str]:
    """Return the whole environment of a local program: nothing of the host's gets in, so no secret does."""
    interpreter = Path(job.environment.reference)
    return {
        **program_environment(job, str(staging)),
        "PATH": f"{interpreter.parent}:{_PATH}",
        "PYTHONPATH": str(job.environment.code),
        "TMPDIR": str(staging / "work" / "cache"),
        "CUDA_VISIBLE_DEVICES": ",".join(job.gpus),
        STAGING_VARIABLE: str(staging),
    }


def _launch(staging: Path, stage: str, start_lock: int) -> None:
    try:
        done = run(
            [sys.executable, "-I", supervisor.__file__, str(staging), str(start_lock)],
            cwd=staging,
            timeout_s=_LAUNCH_S,
            own_session=True,
            pass_fds=(start_lock,),
        )
    except ProcessFailed as error:
        raise InfraFailure(f"the supervisor of {stage} could not be started: {error}") from error
    if not (staging / PROCESS_FILE).exists():
        if os.strerror(errno.ENOSPC) in done.stderr or os.strerror(errno.EDQUOT) in done.stderr:
            raise _no_space(stage, staging)
        reason = read_record(staging / EXIT_FILE).get("error", "it left no record")
        raise InfraFailure(f"the program of {stage} could not be started: {reason}")


def _no_space(stage: str, staging: Path) -> NoSpace:
    return NoSpace(
        f"{stage} could not be started: no space is left on the store's disk",
        where=str(staging),
        hint="free some space, or put the store elsewhere with --store; then run the same command again",
    )


def _check_gpus(job: Job) -> None:
    if job.device != "cuda":
        return
    there = {gpu.uuid for gpu in list_gpus()}
    missing = [uuid for uuid in job.gpus if uuid not in there]
    if missing or not job.gpus:
        reason = f"does not show {', '.join(missing)}" if missing else "has none to give"
        raise DeviceUnavailable(
            f"{job.stage} needs a GPU, and this machine {reason}",
            hint="check the driver with nvidia-smi, or write device: cpu",
        )
    make_memory_device()


def _named_paths(staging: Path) -> set[Path]:
    """Return what a program was given to read, and what it runs in."""
    job, request = read_record(staging / JOB_FILE), read_record(staging / STAGE_FILE)
    named: list[object] = []
    match job:
        case {"argv": [python, *_], "environment": {"PYTHONPATH": code}}:
            named += [python, code]
    match request:
        case {"inputs": dict(inputs)}:
            named += inputs.values()
    return {Path(name) for name in named if isinstance(name, str)}

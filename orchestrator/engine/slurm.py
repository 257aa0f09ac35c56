"""Hands jobs to Slurm, over a store that the nodes share: its own commands, and files.

No two programs of one stage run at once: the store's lease keeps other runs away, Slurm's dependency `singleton` keeps
two jobs of one name apart, and each submission's claim lets one start of it alone begin.
"""

import hashlib
import math
import os
import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.engine import slurm_node
from orchestrator.engine.job_files import followed_links, read_record, recorded_job
from orchestrator.engine.local import local_environment
from orchestrator.engine.local_running import JOB_FILE
from orchestrator.engine.owner import Owner
from orchestrator.engine.program import STAGE_FILE, lay_out, stage_request, starting
from orchestrator.engine.protocol import Capabilities, Claim, Job, RunningJob, anybody
from orchestrator.engine.slurm_commands import Controller
from orchestrator.engine.slurm_files import (
    BATCH_LOG,
    FOLDER,
    RECORDING,
    SUBMISSION_FILE,
    files_of,
    place,
    write_record,
)
from orchestrator.engine.slurm_running import SlurmRunning
from orchestrator.errors import DISK_FULL, ImageNotBuilt, NoSpace
from orchestrator.spec.names import WallsName

_SPARE_BYTES = 512 * 2**20
"""Beyond what a program may hold: who watches it stops it at its limit, before Slurm's strikes unseen."""

_SPARE = 1.1
_DEFAULT_GRES = "gpu:1"


@dataclass(frozen=True)
class Demand:
    """What a job asks Slurm for, beside what the job itself says.

    Attributes:
        partition: None: the cluster's default.
        account: None: the user's default.
        time: The limit, as sbatch takes it; None: the partition's.
        gres: For a stage that computes on a GPU.
        processors: For each task; None: as many as the job has threads, else one.
        options: Further ones of sbatch.
        save_s: How long before a time limit the program is asked to save.
    """

    partition: str | None = None
    account: str | None = None
    time: str | None = None
    gres: str = _DEFAULT_GRES
    processors: int | None = None
    options: tuple[str, ...] = ()
    save_s: int = 120


class SlurmEngine:
    """Runs jobs of local environments on a cluster's nodes.

    Args:
        staging_root: The folder that holds one staging folder per key, which the nodes see under the same path.
        demands: By kind of stage; a kind that is not there asks for nothing special.
        walls: What programs are kept in on their node.
        controller: Shared by all engines of this process.
    """

    name = "slurm"

    def __init__(
        self,
        staging_root: Path,
        demands: Mapping[str, Demand] | None = None,
        walls: WallsName = "auto",
        controller: Controller | None = None,
    ) -> None:
        self._root = staging_root.resolve()
        self._demands = demands or {}
        self._walls = walls
        self._controller = controller or Controller()
        self._owner = Owner.current()

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; see `Engine.capabilities`."""
        return Capabilities(
            environments="local",
            isolates=self._walls in ("bubblewrap", "landlock"),
            leases_devices=True,
            same_machine=False,
            queues=True,
        )

    def start(self, job: Job) -> SlurmRunning:
        """Submit a job or adopt the one that is there; see `Engine.start`."""
        if job.environment.code is None or not Path(job.environment.reference).exists():
            raise ImageNotBuilt(
                f"the local environment of {job.environment.image} is not there ({job.environment.reference})",
                hint=f"run: sirr-orch build --engine local {job.environment.image}",
            )
        try:
            with starting(job.staging):
                return self._started(replace(job, staging=job.staging.resolve()))
        except OSError as error:
            if error.errno in DISK_FULL:
                raise NoSpace(
                    f"{job.stage} could not be submitted: no space is left on the store's disk",
                    where=str(job.staging),
                    hint="free some space, or put the store elsewhere with --store",
                ) from error
            raise

    def sweep(self, claim: Claim = anybody) -> Sequence[str]:
        """Forget ended jobs of dead processes; one whose result is still to be fetched stays."""
        removed = []
        for running, staging in self._submitted():
            owner = Owner.parse(str(read_record(files_of(staging) / JOB_FILE).get("owner", "")))
            if (owner is not None and owner.alive) or not running.over or running.holds_result:
                continue
            with claim(staging.name) as free:
                if not free or not running.over or running.holds_result:
                    continue
                running.remove()
            removed.append(staging.name)
        return removed

    def jobs(self) -> Sequence[RunningJob]:
        """Return the store's jobs that wait or run; see `Engine.jobs`."""
        found = []
        for running, staging in self._submitted():
            if not running.over:
                record = read_record(files_of(staging) / JOB_FILE)
                found.append(recorded_job(staging, record, self.name, running, running.started))
        return found

    def input_paths(self, job: Job) -> Mapping[str, Path]:
        """Return what links were followed; see `Engine.input_paths`."""
        return followed_links(job)

    def paths_in_use(self) -> set[Path]:
        """Return what jobs that wait or run read and write; see `Engine.paths_in_use`."""
        paths: set[Path] = set()
        for running, staging in self._submitted():
            if not running.over:
                match read_record(files_of(staging) / JOB_FILE):
                    case {"argv": [str(python), *_], "code": str(code), "inputs": dict(inputs)}:
                        paths |= {Path(python), Path(code), *map(Path, inputs.values())}
                paths.add(staging)
        return paths

    def _submitted(self) -> Iterator[tuple[SlurmRunning, Path]]:
        for record in sorted(self._root.glob(f"*/{FOLDER}/{SUBMISSION_FILE}")):
            staging = record.parent.parent
            yield SlurmRunning(staging, self._controller, adopted=True), staging

    def _started(self, job: Job) -> SlurmRunning:
        found = SlurmRunning(job.staging, self._controller, adopted=True)
        if found.there and (not found.over or found.holds_result):
            return found
        if files_of(job.staging).exists():
            found.remove()
        job = replace(job, threads=job.threads or self._demand(job).processors)
        inputs = {name: str(path.resolve()) for name, path in job.inputs.items()}
        lay_out(job, stage_request(job, str(job.staging), inputs))
        files = files_of(job.staging)
        files.mkdir(exist_ok=True)
        submission = uuid.uuid4().hex
        slurm_node.write(files / JOB_FILE, self._record(job, inputs))
        record = {"submission": submission, "place": place(job.staging), "options": self._options(job, submission)}
        with RECORDING:
            write_record(files / SUBMISSION_FILE, record)
        running = SlurmRunning(job.staging, self._controller, adopted=False)
        try:
            running.submit()
        except BaseException:
            shutil.rmtree(files, ignore_errors=True)
            raise
        return running

    def _record(self, job: Job, inputs: Mapping[str, str]) -> dict[str, Any]:
        return {
            "key": job.key,
            "run": job.run,
            "stage": job.stage,
            "owner": str(self._owner),
            "argv": [job.environment.reference, "-m", job.module, str(job.staging / STAGE_FILE)],
            "code": str(job.environment.code),
            "inputs": dict(inputs),
            "environment": local_environment(job, job.staging),
            "memory_bytes": job.memory_bytes,
            "shm_bytes": job.shm_bytes,
            "gpu": job.device == "cuda",
            "walls_asked": self._walls,
        }

    def _demand(self, job: Job) -> Demand:
        return self._demands.get(job.kind, Demand())

    def _options(self, job: Job, submission: str) -> list[str]:
        """Return the options of sbatch for a job; the same job, submitted twice under one claim, runs once."""
        return sbatch_options(job, submission, self._demand(job))


def sbatch_options(job: Job, submission: str, demand: Demand) -> list[str]:
    """Return what sbatch is told of a job."""
    files = files_of(job.staging)
    told = {
        "job-name": job_name(job),
        "comment": submission,
        "dependency": "singleton",
        "output": str(files / BATCH_LOG),
        "chdir": str(job.staging),
        "export": "LANG=C.UTF-8",
        "nodes": "1",
        "ntasks": "1",
        "cpus-per-task": str(demand.processors or job.threads or 1),
        "signal": f"B:TERM@{demand.save_s}",
        "mem": None if job.memory_bytes is None else f"{_megabytes(job.memory_bytes)}M",
        "gres": demand.gres if job.device == "cuda" else None,
        "partition": demand.partition,
        "account": demand.account,
        "time": demand.time,
    }
    options = [f"--{name}={value}" for name, value in told.items() if value is not None]
    command = [sys.executable, "-I", "-m", slurm_node.__name__, str(job.staging), submission]
    return [*options, "--no-requeue", *demand.options, "--wrap", f"exec {' '.join(map(_quoted, command))}"]


def job_name(job: Job) -> str:
    """Return what a stage's job is called: of one name Slurm runs one at a time; the same key elsewhere is another."""
    there = hashlib.sha256(os.fsencode(job.staging)).hexdigest()
    return f"sirr-{job.key[:12]}-{there[:8]}"


def _megabytes(limit_bytes: int) -> int:
    return math.ceil((limit_bytes * _SPARE + _SPARE_BYTES) / 2**20)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"

"""Runs jobs as processes of this machine, in the environments of `sirr-orch build --engine local`.

The same contract as in a container, with less behind it: the environment is scrubbed and memory is limited, but a
local process cannot be cut off from the network and could write wherever the user can.
"""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from orchestrator.engine import supervisor
from orchestrator.engine.errors import engine_error
from orchestrator.engine.gpu import list_gpus
from orchestrator.engine.owner import Owner, boot_id, process_alive
from orchestrator.engine.program import (
    STAGE_FILE,
    lay_out,
    program_environment,
    result_is_left,
    stage_request,
    starting,
)
from orchestrator.engine.protocol import Job, Outcome
from orchestrator.errors import DeviceUnavailable, ImageNotBuilt, InfraFailure
from orchestrator.process import ProcessFailed, run
from stagekit import write_atomically

JOB_FILE = "job.json"
PROCESS_FILE = "process.json"
EXIT_FILE = "exit.json"
LOG_FILE = "log.txt"
_FILES = (JOB_FILE, PROCESS_FILE, EXIT_FILE, LOG_FILE)
_KEY_VARIABLE = "SIRR_JOB"
_POLL_S = 0.05
_LAUNCH_S = 60.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class _Process:
    """A process by number and start time."""

    pid: int
    created: float

    @property
    def alive(self) -> bool:
        return process_alive(self.pid, self.created)

    def signal(self, number: int) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class LocalRunning:
    """A supervised program, by the files in its staging folder."""

    def __init__(self, staging: Path, *, adopted: bool) -> None:
        self._staging = staging
        self._adopted = adopted
        self._boot = str(_read(staging / JOB_FILE).get("boot", ""))
        self._key = str(_read(staging / JOB_FILE).get("key", staging.name))

    @property
    def adopted(self) -> bool:
        """Whether an earlier process started it."""
        return self._adopted

    @property
    def alive(self) -> bool:
        """Whether the program has not ended, as far as anybody knows."""
        if (self._staging / EXIT_FILE).exists() or self._boot != boot_id():
            return False
        watcher = self._process("supervisor")
        return watcher is not None and watcher.alive

    def lines(self) -> Iterator[str]:
        """Follow the output from the first line on; see `Running.lines`."""
        pending = b""
        with contextlib.suppress(FileNotFoundError), (self._staging / LOG_FILE).open("rb") as log:
            while True:
                over = not self.alive
                while part := log.read(1 << 16):
                    *complete, pending = (pending + part).split(b"\n")
                    yield from (_text(line) for line in complete)
                if over:
                    break
                time.sleep(_POLL_S)
        if pending:
            yield _text(pending)

    def memory_bytes(self) -> int | None:
        """Return what the program and its children hold; see `Running.memory_bytes`."""
        watcher = self._process("supervisor")
        if watcher is None or not watcher.alive:
            return None
        with contextlib.suppress(psutil.Error):
            return held_bytes(psutil.Process(watcher.pid).children(recursive=True)) or None
        return None

    def stop(self, grace_s: float) -> None:
        """Send SIGTERM to the program, and SIGKILL to all of it after `grace_s` seconds; see `Running.stop`.

        Only the program itself is asked, as in a container: its workers must not die before it has saved.
        """
        program = self._process("program")
        if program is None:
            return
        if grace_s > 0:
            program.signal(signal.SIGTERM)
            deadline = time.monotonic() + grace_s
            while self.alive and time.monotonic() < deadline:
                time.sleep(_POLL_S)
        if self.alive:
            program.signal(signal.SIGKILL)  # its supervisor ends what it leaves

    def outcome(self) -> Outcome:
        """Wait for the end and say how it came."""
        while self.alive:
            time.sleep(_POLL_S)
        ended = _read(self._staging / EXIT_FILE)
        if not ended:
            self._kill_stragglers()
            return Outcome(None, error="the program's supervisor was killed, or the machine was restarted")
        return Outcome(
            exit_code=ended["exit_code"],
            out_of_memory=bool(ended.get("out_of_memory")),
            started=ended.get("started"),
            finished=ended.get("finished"),
            error=ended.get("error"),
        )

    def remove(self) -> None:
        """Remove the engine's files from the staging folder; kills a program that still runs."""
        self.stop(0.0)
        while self.alive:
            time.sleep(_POLL_S)
        self._kill_stragglers()
        for name in (*_FILES, STAGE_FILE):
            (self._staging / name).unlink(missing_ok=True)

    def _process(self, which: str) -> _Process | None:
        found = _read(self._staging / PROCESS_FILE).get(which)
        return None if found is None else _Process(found["pid"], found["created"])

    def _kill_stragglers(self) -> None:
        """End what a killed supervisor left: it bears the job's key in its environment."""
        if (self._staging / EXIT_FILE).exists():
            return
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(_KEY_VARIABLE) == self._key:
                    process.kill()


def held_bytes(processes: Sequence[psutil.Process]) -> int:
    """Return the memory that processes hold: of one its resident size, of several the share of each in what they share.

    A process that has ended meanwhile holds nothing.
    """
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss if len(processes) == 1 else process.memory_full_info().pss
    return total


class LocalEngine:
    """Runs jobs as supervised processes.

    Args:
        staging_root: The folder that holds one staging folder per key; `sweep` looks there.
    """

    name = "local"

    def __init__(self, staging_root: Path) -> None:
        self._root = staging_root.resolve()
        self._owner = Owner.current()

    def start(self, job: Job) -> LocalRunning:
        """Start a job's program or adopt the one that is there; see `Engine.start`."""
        interpreter = Path(job.environment.reference)
        if job.environment.code is None or not interpreter.exists():
            raise ImageNotBuilt(
                f"the local environment of {job.environment.image} is not there ({interpreter})",
                hint=f"run: sirr-orch build --engine local {job.environment.image}",
            )
        _check_gpus(job)
        try:
            with starting(job.staging):
                return self._started(job)
        except OSError as error:
            raise engine_error(str(error), f"stage {job.stage}") from error

    def sweep(self) -> Sequence[str]:
        """Forget ended jobs of dead processes; one whose result is still to be fetched stays."""
        removed = []
        for record in sorted(self._root.glob(f"*/{JOB_FILE}")):
            running = LocalRunning(record.parent, adopted=True)
            owner = Owner.parse(str(_read(record).get("owner", "")))
            if owner is None or owner.alive or running.alive or _holds_result(record.parent):
                continue
            running.remove()
            removed.append(record.parent.name)
        return removed

    def paths_in_use(self) -> set[Path]:
        """Return what programs that run read and write; see `Engine.paths_in_use`."""
        paths: set[Path] = set()
        for record in self._root.glob(f"*/{JOB_FILE}"):
            staging = record.parent
            if LocalRunning(staging, adopted=True).alive:
                python, *_ = _read(record).get("argv", [""])
                code = _read(record).get("environment", {}).get("PYTHONPATH", "")
                inputs = _read(staging / STAGE_FILE).get("inputs", {}).values()
                paths |= {staging, Path(python), Path(code), *map(Path, inputs)}
        return paths

    def _started(self, job: Job) -> LocalRunning:
        staging = job.staging.resolve()
        if (staging / PROCESS_FILE).exists():
            running = LocalRunning(staging, adopted=True)
            if running.alive or _holds_result(staging):
                return running
            running.remove()
        for name in _FILES:
            (staging / name).unlink(missing_ok=True)
        inputs = {name: str(path.resolve()) for name, path in job.inputs.items()}
        lay_out(job, stage_request(job, str(staging), inputs))
        (staging / LOG_FILE).touch()
        with write_atomically(str(staging / JOB_FILE), "w") as stream:
            json.dump(self._record(job, staging), stream)
        _launch(staging, job.stage)
        return LocalRunning(staging, adopted=False)

    def _record(self, job: Job, staging: Path) -> dict[str, Any]:
        return {
            "key": job.key,
            "run": job.run,
            "stage": job.stage,
            "owner": str(self._owner),
            "boot": boot_id(),
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
        _KEY_VARIABLE: job.key,
    }


def _launch(staging: Path, stage: str) -> None:
    try:
        run(
            [sys.executable, "-I", supervisor.__file__, str(staging)],
            cwd=staging,
            timeout_s=_LAUNCH_S,
            own_session=True,
        )
    except ProcessFailed as error:
        raise InfraFailure(f"the supervisor of {stage} could not be started: {error}") from error
    if not (staging / PROCESS_FILE).exists():
        reason = _read(staging / EXIT_FILE).get("error", "it left no record")
        raise InfraFailure(f"the program of {stage} could not be started: {reason}")


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


def _holds_result(staging: Path) -> bool:
    """Whether a program ended well and nobody has fetched what it left."""
    return _read(staging / EXIT_FILE).get("exit_code") == 0 and result_is_left(staging)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")

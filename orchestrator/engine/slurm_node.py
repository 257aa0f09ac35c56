"""What Slurm runs on a node: one stage's program in its walls, watched, its end written down.

``python -m orchestrator.engine.slurm_node STAGING SUBMISSION``, the batch process of a job. Slurm may start a job
twice under one number: who creates the submission's claim first runs the program, any other gives up.
"""

import json
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from orchestrator.engine import supervisor
from orchestrator.engine.gpu import make_memory_device
from orchestrator.engine.job_files import read_record
from orchestrator.engine.local_running import EXIT_FILE, JOB_FILE, held_bytes
from orchestrator.engine.protocol import Environment, Job
from orchestrator.engine.slurm_files import BEAT_FILE, BEAT_S, RUN_LOCK, claim_file, files_of
from orchestrator.engine.visible import visible_to
from orchestrator.engine.walls import find_walls
from orchestrator.errors import SirrError
from stagekit import ExitCode, write_atomically

_TAKEN = 75
_KILLED = 137


def main() -> int:
    """Run the job of a staging folder; end with 0 once its end is written down."""
    staging, submission = Path(sys.argv[1]), sys.argv[2]
    files = files_of(staging)
    for number, code in ((signal.SIGTERM, int(ExitCode.INTERRUPTED)), (signal.SIGUSR1, _KILLED)):
        signal.signal(number, lambda *_signal, code=code: _never_begun(files, code))
    if not _claimed(files, submission):
        sys.stderr.write("this submission has been started before: nothing is done\n")
        return _TAKEN
    try:
        _prepare(staging, files)
    except SirrError as error:
        write(files / EXIT_FILE, {"exit_code": None, "error": error.message, "started": time.time()})
        return 0
    supervisor.supervise(staging / "work", files, files / RUN_LOCK, lambda: _watched(files))
    return 0


def _claimed(files: Path, submission: str) -> bool:
    """Claim a submission; False where another start of it has."""
    try:
        handle = os.open(files / claim_file(submission), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump({"host": platform.node(), "job": os.environ.get("SLURM_JOB_ID"), "pid": os.getpid()}, stream)
    return True


def _never_begun(files: Path, code: int) -> None:
    now = time.time()
    write(files / EXIT_FILE, {"exit_code": code, "started": now, "finished": now})
    os._exit(0)


def _prepare(staging: Path, files: Path) -> None:
    """Find the walls of this node, and complete the job's record by them and by the devices that Slurm gave."""
    record = read_record(files / JOB_FILE)
    gpu = bool(record["gpu"])
    devices = os.environ.get("CUDA_VISIBLE_DEVICES", "") if gpu else ""
    if gpu:
        make_memory_device()
    walls = find_walls(record["walls_asked"]).walls
    job = Job(
        key=record["key"],
        run=record["run"],
        stage=record["stage"],
        kind="",
        module="",
        environment=Environment("local", "", "", record["argv"][0], Path(record["code"])),
        staging=staging,
        settings={},
        inputs={name: Path(path) for name, path in record["inputs"].items()},
        gpus=("slurm",) if gpu else (),
        memory_bytes=record["memory_bytes"],
        shm_bytes=record["shm_bytes"],
    )
    record["environment"]["CUDA_VISIBLE_DEVICES"] = devices
    record["walls"] = {
        "name": walls.name,
        "command": walls.command(visible_to(job, staging)),
        "status_option": walls.status_option,
        "complaint": walls.complaint,
    }
    record["host"] = platform.node()
    write(files / JOB_FILE, record)


def _watched(files: Path) -> None:
    """Beat from now on, and take the second signal as: at once."""

    def kill(_number: int, _frame: FrameType | None) -> None:
        supervisor.kill_descendants()

    signal.signal(signal.SIGUSR1, kill)
    threading.Thread(target=_beat, args=(files,), daemon=True).start()


def _beat(files: Path) -> None:
    """Say every few seconds that the program is watched, and what it holds."""
    while not (files / EXIT_FILE).exists():
        try:
            write(files / BEAT_FILE, {"held_bytes": held_bytes(psutil.Process().children(recursive=True))})
        except (OSError, psutil.Error):
            return  # what is being taken away needs no heartbeat
        time.sleep(BEAT_S)


def write(path: Path, content: dict[str, Any]) -> None:
    """Write one of the engine's files, complete or not at all."""
    with write_atomically(str(path), "w") as stream:
        json.dump(content, stream)


if __name__ == "__main__":
    sys.exit(main())

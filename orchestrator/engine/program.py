"""What a stage's program finds when it starts: its stage.json, folders and environment, alike in every engine."""

import contextlib
import os
import posixpath
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.engine.protocol import Job
from orchestrator.errors import InfraFailure
from orchestrator.locks import lock
from stagekit import StageRequest
from stagekit.left_behind import remove_whatever
from stagekit.program import DONE_FILE
from stagekit.request import FOLDERS

STAGE_FILE = "stage.json"

_CACHES: Mapping[str, str] = {
    "XDG_CACHE_HOME": "work/cache",
    "MPLCONFIGDIR": "work/cache/matplotlib",
    "TORCHINDUCTOR_CACHE_DIR": "work/cache/torchinductor",
    "TRITON_CACHE_DIR": "work/cache/triton",
    "NUMBA_CACHE_DIR": "work/cache/numba",
    "CUDA_CACHE_PATH": "work/cache/cuda",
}
_HOME = "work/home"
_START_LOCK = "work/start.lock"
RUN_LOCK = "work/run.lock"
"""Held by a local program's supervisor for as long as it lives."""

_DONE = f"work/{DONE_FILE}"
_SIGNALS = 128
_START_S = 180.0
_POLL_S = 0.02
_DYNAMIC = ("OMP_DYNAMIC", "MKL_DYNAMIC")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_CUDA_CACHE_BYTES = 4 * 2**30
"""Kernels that a driver compiles for a GPU newer than the framework fill the default cache several times over."""


def stage_request(job: Job, stage: str, inputs: Mapping[str, str]) -> StageRequest:
    """Return the content of stage.json.

    Args:
        stage: The staging folder as the program sees it.
        inputs: Name to path as the program sees it.
    """
    return StageRequest.below(
        stage,
        job.stage,
        job.kind,
        dict(job.settings),
        dict(inputs),
        device=job.device,
        seed=job.seed,
        memory_bytes=job.memory_bytes,
        threads=job.threads,
        workers=job.workers,
        checkpoint_s=job.checkpoint_s,
        memory_saving_level=job.memory_saving_level,
        device_memory_bytes=job.device_memory_bytes,
    )


def program_environment(job: Job, stage: str) -> dict[str, str]:
    """Return the variables that a program gets in every engine, and that never come from the host.

    A number without an account has no home and no name, so both are given; caches live in the work folder.

    Args:
        stage: The staging folder as the program sees it.
    """
    environment = {
        "HOME": posixpath.join(stage, _HOME),
        "USER": "sirr",
        "LOGNAME": "sirr",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONHASHSEED": "0",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_CACHE_MAXSIZE": str(_CUDA_CACHE_BYTES),
        # Without it MKL's threads sum in another order now and then, and equal trainings part.
        "MKL_CBWR": "AUTO",
        **{name: posixpath.join(stage, folder) for name, folder in _CACHES.items()},
    }
    if job.threads is not None:
        # Libraries that may take fewer threads than they are told would sum in another order on a smaller machine.
        environment.update({**dict.fromkeys(_THREADS, str(job.threads)), **dict.fromkeys(_DYNAMIC, "FALSE")})
    return environment


def lay_out(job: Job, request: StageRequest) -> None:
    """Make the folders that a program may write to, and its stage.json; what a killed one left half done goes."""
    _remove_links(job.staging)
    if not job.keeps_output and (job.staging / "output").is_dir():
        for path in (job.staging / "output").iterdir():
            remove_whatever(path)
    (job.staging / _DONE).unlink(missing_ok=True)
    for folder in ("output", "facts"):
        for partial in (job.staging / folder).rglob("*.partial"):
            if partial.is_file() and not partial.is_symlink():
                partial.unlink()
    for folder in (*FOLDERS, _HOME, *_CACHES.values()):
        (job.staging / folder).mkdir(parents=True, exist_ok=True)
    request.save(str(job.staging / STAGE_FILE))


def _remove_links(staging: Path) -> None:
    """Remove links that a program put in the place of its folders: out here they lead to files of the user's."""
    for name in (*FOLDERS, *sorted({_HOME, *_CACHES.values()}), _START_LOCK, RUN_LOCK):
        if (staging / name).is_symlink():
            (staging / name).unlink()


@contextlib.contextmanager
def starting(staging: Path) -> Iterator[int]:
    """Keep other clients from starting the same job while the block runs; yield the lock's descriptor.

    It ends with the process, and with whatever inherits the descriptor: a program that is about to start shuts the next
    client out even where this one is killed.

    Raises:
        InfraFailure: Where another client takes too long.
    """
    _remove_links(staging)
    (staging / "work").mkdir(parents=True, exist_ok=True)
    handle = os.open(staging / _START_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    deadline = time.monotonic() + _START_S
    try:
        while not lock(handle, staging / _START_LOCK):
            if time.monotonic() > deadline:
                raise InfraFailure(
                    f"another program has been starting this stage for {_START_S:.0f} s",
                    where=str(staging),
                    hint="see what runs with: sirr-orch ps",
                )
            time.sleep(_POLL_S)
        yield handle
    finally:
        os.close(handle)


def place(staging: Path) -> str:
    """Return what tells a staging folder from a copy of it, and from a later one under the same path."""
    found = staging.stat()
    return f"{found.st_dev}:{found.st_ino}"


def ended_well(exit_code: int | None, staging: Path) -> bool:
    """Return whether all of a program's output is there.

    One that was killed after it had said so, or whose exit code nobody could write down, has ended as well.
    """
    if exit_code is None or exit_code > _SIGNALS:
        return (staging / _DONE).is_file()
    return exit_code == 0


def result_is_left(staging: Path) -> bool:
    """Return whether an ended job's staging folder is still the one that the job wrote to."""
    outputs = (staging / "output", staging / "ready" / "output")  # a commit that was cut short has moved it
    return (staging / STAGE_FILE).is_file() and any(output.is_dir() for output in outputs)

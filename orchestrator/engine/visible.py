"""What the walls around a local program leave it of this machine: what it runs on, what it reads, where it writes."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.program import STAGE_FILE
from orchestrator.engine.protocol import Job
from stagekit.request import FOLDERS

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/libx32", "/lib64", "/nix/store", "/gnu/store")
_SYSTEM_FILES = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf",
    "/etc/crypto-policies",
)
_PROCESSORS = ("/sys/devices/system",)
"""Where libraries count processors and nodes of memory."""

_GPU_DRIVER = ("/sys/bus/pci", "/sys/devices/pci*", "/sys/module/nvidia*", "/run/opengl-driver")
_GPU_DEVICES = ("/dev/nvidia*", "/dev/dxg")
_LIBRARIES = ("lib", "lib64")
_LINKS = 40
_TMP_BYTES = 2**30


@dataclass(frozen=True)
class Visible:
    """What a program gets to see; all else of the disk is not there for it.

    Attributes:
        readable: Files and folders that it may read, and run programs of.
        writable: Folders that it may write to.
        devices: Device files beyond those that every program has.
        directory: Where it starts.
        tmp_bytes: Size of a /tmp of its own.
        shm_bytes: Size of a /dev/shm of its own.
    """

    readable: Sequence[Path]
    writable: Sequence[Path]
    directory: Path
    devices: Sequence[Path] = ()
    tmp_bytes: int = _TMP_BYTES
    shm_bytes: int = 2 * 2**30


def visible_to(job: Job, staging: Path) -> Visible:
    """Return what a job's program gets to see: its environment, its inputs, and its folders in staging.

    What the engine itself keeps in the staging folder is not among them: who could write there could name other
    processes as its own.

    Args:
        staging: The staging folder, absolute and without links.
    """
    interpreter = Path(job.environment.reference)
    code = [] if job.environment.code is None else [job.environment.code]
    limit = job.memory_bytes
    return Visible(
        readable=(
            *machine_paths(gpu=bool(job.gpus)),
            *interpreter_paths(interpreter),
            *code,
            *sorted(path.resolve() for path in job.inputs.values()),
            staging / STAGE_FILE,
        ),
        writable=tuple(staging / folder for folder in FOLDERS),
        directory=staging / "work",
        devices=tuple(_matching(_GPU_DEVICES)) if job.gpus else (),
        tmp_bytes=_TMP_BYTES if limit is None else min(_TMP_BYTES, limit),
        shm_bytes=job.shm_bytes if limit is None else min(job.shm_bytes, limit),
    )


def machine_paths(*, gpu: bool = False) -> tuple[Path, ...]:
    """Return the system's programs and libraries, and what they must know of this machine; none of it is a user's.

    Args:
        gpu: Whether the program computes on one, whose driver looks for it on the bus.
    """
    facts = (*_PROCESSORS, *(_GPU_DRIVER if gpu else ()))
    return tuple(path for path in map(Path, (*_SYSTEM, *_SYSTEM_FILES, *map(str, _matching(facts)))) if path.exists())


def interpreter_paths(interpreter: Path) -> tuple[Path, ...]:
    """Return what an interpreter consists of: its environment, the links that lead to it, and its libraries.

    An installation can share its folder with much else, as that below ~/.local does: only its libraries are named.
    """
    found: dict[Path, None] = {}
    environment = interpreter.parent.parent
    if (environment / "pyvenv.cfg").is_file():
        found[environment] = None
    for path in _links(interpreter):
        for place in dict.fromkeys((path, path.parent.resolve() / path.name)):
            found[place] = None
            libraries = [place.parent.parent / name for name in _LIBRARIES]
            found.update(dict.fromkeys(library for library in libraries if library.is_dir()))
    return tuple(found)


def _links(path: Path) -> Iterator[Path]:
    """Yield a path and what it links to, step by step."""
    for _ in range(_LINKS):
        yield path
        if not path.is_symlink():
            return
        path = Path(os.path.normpath(path.parent / path.readlink()))


def _matching(patterns: Sequence[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")))

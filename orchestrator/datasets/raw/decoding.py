"""Decodes a dataset's pictures in a process of its own, with bounds: whatever a file does to a decoder, it does there.

Run as a module with the path of a file of jobs as its only argument; it answers with a JSON line for each scene.
"""

import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator.datasets.identifiers import shown_name
from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.datasets.raw.encode import SceneJob, StoredLayer, StoredScene, UnusableScene, stored_scene
from orchestrator.errors import DISK_FULL, NoSpace
from orchestrator.process import ProcessFailed, stream
from stagekit import BadInput

_LEAST_MEMORY_BYTES = 4 * 2**30
_FILE_BYTES = 2**32
_MOST_WORKERS = 16
_MODULE = "orchestrator.datasets.raw.decoding"
_SHOWN = 3


@dataclass(frozen=True)
class Bounds:
    """What decoding may take.

    Attributes:
        memory_bytes: Of address space; None: half of the machine's memory, 4 GiB at least.
        cpu_s: Seconds of all processors' time, beside those for each scene.
        cpu_s_of_a_scene: For each scene.
    """

    memory_bytes: int | None = None
    cpu_s: int = 600
    cpu_s_of_a_scene: int = 60


def stored_scenes(
    jobs: Sequence[SceneJob], workers: int | None, progress: ProgressCallback, bounds: Bounds = Bounds()
) -> list[StoredScene | str]:
    """Return for each scene what was written of it, or why it cannot be used; pictures are decoded elsewhere.

    Args:
        jobs: All of one output folder.
        workers: Scenes at the same time; None: as many as there are processors, but not more than 16.
        progress: Hears how many scenes are done.
        bounds: What all of it may take.

    Raises:
        BadInput: Where a picture ended the process that decodes it, took more time than it may, or nothing can be
            written.
        NoSpace: Where the disk is full.
    """
    workers = min(workers or os.cpu_count() or 1, _MOST_WORKERS)
    answers: list[StoredScene | str] = []
    with tempfile.TemporaryDirectory(prefix="sirr-orch-") as scratch:
        order = Path(scratch) / "jobs.json"
        plain = {"workers": workers, "bounds": asdict(bounds), "jobs": [_plain(job) for job in jobs]}
        order.write_text(json.dumps(plain), encoding="utf-8")
        try:
            for answer in _answers(order, _environment(scratch)):
                answers.append(answer)
                progress(len(answers), len(jobs))
        except ProcessFailed as error:
            raise _ended(jobs, len(answers), workers, error) from error
    if len(answers) != len(jobs):
        raise BadInput(f"{len(answers)} of {len(jobs)} scenes were answered for", "run the command again")
    return answers


def _answers(order: Path, environment: Mapping[str, str]) -> Iterator[StoredScene | str]:
    for line in stream([sys.executable, "-I", "-m", _MODULE, str(order)], env=environment, cwd=order.parent):
        try:
            answer = json.loads(line)
        except ValueError:
            continue  # what a library says to the reader of a log
        if isinstance(answer, dict):
            yield _understood(answer)


def _understood(answer: Mapping[str, Any]) -> StoredScene | str:
    """Return what an answer means; whether its names lie inside is decided where the dataset's index is read.

    Raises:
        BadInput: Where it is none, or says that nothing can be written.
        NoSpace: Where the disk is full.
    """
    if answer.get("errno") in DISK_FULL:
        raise NoSpace(f"the dataset cannot be written: {answer.get('said')}", hint="free some space and run again")
    if "errno" in answer:
        raise BadInput(f"the dataset cannot be written: {answer.get('said')}", "check the data folder and its rights")
    try:
        if "problem" in answer:
            return str(answer["problem"])
        scene = StoredScene(**answer["scene"])
        layers = {str(name): StoredLayer(**layer) for name, layer in scene.layers.items()}  # type: ignore[arg-type]  # as JSON has them
        return replace(scene, notes=tuple(scene.notes), layers=layers)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"the process that decodes pictures answered what it should not: {error}") from error


def _ended(jobs: Sequence[SceneJob], done: int, workers: int, error: ProcessFailed) -> BadInput:
    near = [shown_name(job.name) for job in jobs[done : done + workers]]
    named = ", ".join(near[:_SHOWN]) + (f" or {len(near) - _SHOWN} more" if len(near) > _SHOWN else "")
    last = error.output.strip().splitlines()[-1:] or [str(error)]
    how = "took longer than any picture may" if error.status == -signal.SIGXCPU else f"({last[0][:200]})"
    return BadInput(
        f"a picture ended the process that decodes it, after {done} of {len(jobs)} scenes {how}: one of {named}",
        "leave these files out, or save them anew",
    )


def _environment(scratch: str) -> dict[str, str]:
    """Return the whole environment: nothing of the caller's gets in."""
    return {
        "PATH": os.defpath,
        "HOME": scratch,
        "TMPDIR": scratch,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        # Each thread else reserves memory that counts and is never used.
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _plain(job: SceneJob) -> dict[str, Any]:
    files = {layer: str(path) for layer, path in job.files.items()}
    # The process works in a folder of its own.
    return {**asdict(job), "root": str(job.root.absolute()), "output": str(job.output.absolute()), "files": files}


def _job(plain: Mapping[str, Any]) -> SceneJob:
    files = {layer: PurePosixPath(path) for layer, path in plain["files"].items()}
    return SceneJob(**{**plain, "root": Path(plain["root"]), "output": Path(plain["output"]), "files": files})


def _bind(bounds: Bounds, scenes: int) -> None:
    """Set what this process may take."""
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    for kind, wanted in (
        (resource.RLIMIT_AS, bounds.memory_bytes or max(_LEAST_MEMORY_BYTES, half)),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_CPU, bounds.cpu_s + bounds.cpu_s_of_a_scene * scenes),
        (resource.RLIMIT_CORE, 0),
    ):
        _soft, hard = resource.getrlimit(kind)
        # Soft alone: at the hard limit of time the kernel kills without a word of why.
        resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _tried(job: SceneJob) -> dict[str, Any]:
    try:
        return {"scene": asdict(stored_scene(job))}
    except UnusableScene as error:
        return {"problem": str(error)}
    except MemoryError:
        return {"problem": f"{shown_name(job.name)} needs more memory than a picture may take"}
    except OSError as error:
        return {"errno": error.errno, "said": error.strerror or str(error)}


def main() -> None:
    """Answer for each job in its order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller ends this process
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    jobs = [_job(plain) for plain in order["jobs"]]
    _bind(Bounds(**order["bounds"]), len(jobs))
    # Threads: decoding, compressing and hashing let go of the interpreter, and nothing has to be started.
    with ThreadPoolExecutor(order["workers"]) as pool:
        for answer in pool.map(_tried, jobs):
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

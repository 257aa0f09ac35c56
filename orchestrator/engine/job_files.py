"""What engines that keep a job's log and record in files read of them; any file may be cut short or odd."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.engine.protocol import LONGEST_LINE_BYTES, Job, Running, RunningJob

_POLL_S = 0.05
_PART_BYTES = 1 << 16


def read_record(path: Path) -> dict[str, Any]:
    """Return one of the engine's files; empty where it is missing, or is no object as a power cut can leave it."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def number_or_none(value: object) -> float | None:
    """Return a number of a record as a float; None for anything else."""
    return float(value) if isinstance(value, int | float) else None


def follow_log(log: Path, is_over: Callable[[], bool]) -> Iterator[str]:
    """Yield a log's lines from the first on, as they come, until its program has ended.

    Args:
        is_over: Whether the program writes no more; asked before each look.
    """
    pending = b""
    while not log.exists() and not is_over():
        time.sleep(_POLL_S)
    with contextlib.suppress(FileNotFoundError), log.open("rb") as stream:
        while True:
            over = is_over()
            while part := stream.read(_PART_BYTES):
                *complete, pending = (pending + part).split(b"\n")
                yield from (_text(line) for line in complete)
                if len(pending) > LONGEST_LINE_BYTES:
                    yield _text(pending)
                    pending = b""
            if over:
                break
            time.sleep(_POLL_S)
    if pending:
        yield _text(pending)


def recorded_job(
    staging: Path, record: Mapping[str, Any], engine: str, running: Running, started: float | None
) -> RunningJob:
    """Return a job that runs by its record, whose run and stage are empty where it cannot be read."""
    run, stage = (str(record.get(name, "")) for name in ("run", "stage"))
    return RunningJob(staging.name, run, stage, engine, started, running)


def followed_links(job: Job) -> Mapping[str, Path]:
    """Return the user's path of each input that was reached through a link, by the path that the program sees."""
    return {str(path.resolve()): path for path in job.inputs.values() if path.resolve() != path}


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")

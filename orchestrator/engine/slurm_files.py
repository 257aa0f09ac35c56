"""The files by which an orchestrator and a node tell each other of one job: a folder in the staging folder."""

import json
import os
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path

FOLDER = "slurm"
SUBMISSION_FILE = "submission.json"
BEAT_FILE = "heartbeat.json"
RUN_LOCK = "run.lock"
BATCH_LOG = "batch.log"

BEAT_S = 3.0
"""Between two heartbeats."""


def files_of(staging: Path) -> Path:
    """Return the folder of a job's files; no program sees it."""
    return staging / FOLDER


def claim_file(submission: str) -> str:
    """Return the name of what the first start of a submission creates."""
    return f"claim-{submission}"


def place(staging: Path) -> str:
    """Return what tells a staging folder from a copy of it; another machine gives the disk another number."""
    return f"{staging}:{staging.stat().st_ino}"


RECORDING = threading.Lock()
"""Held while a submission's record is looked at and written: several threads follow one job."""


def write_record(path: Path, record: Mapping[str, object]) -> None:
    """Write a record, complete or not at all; two processes that write it at once do not meet in one partial file."""
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        with partial.open("x", encoding="utf-8") as stream:
            json.dump(record, stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)

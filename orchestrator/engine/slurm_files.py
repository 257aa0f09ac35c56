"""The files by which an orchestrator and a node tell each other of one job: a folder in the staging folder."""

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

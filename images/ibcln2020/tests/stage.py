"""Running the image's program as the orchestrator does: stage.json in, JSON lines and files out."""

import dataclasses
import os
import subprocess
import sys

from stagekit import StageRequest


@dataclasses.dataclass(frozen=True)
class Result:
    """How a stage ended: exit code, and everything that it printed."""

    code: int
    log: str


def started_stage(folder, kind, settings, inputs, seed=0):
    """Start a stage whose output and work folders lie in `folder`, which may be left from an earlier start."""
    output, work = os.path.join(folder, "output"), os.path.join(folder, "work")
    for path in (output, work):
        os.makedirs(path, exist_ok=True)
    description = os.path.join(folder, "stage.json")
    stage = "%s/ibcln2020" % kind
    StageRequest(stage, kind, settings, inputs, output, work, seed=seed, threads=1).save(description)
    return subprocess.Popen(
        [sys.executable, "-m", "ibcln2020", description],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def run_stage(folder, kind, settings, inputs, seed=0):
    """Run a stage to its end."""
    process = started_stage(folder, kind, settings, inputs, seed)
    log, _ = process.communicate()
    return Result(process.returncode, log)

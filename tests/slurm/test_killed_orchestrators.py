"""Orchestrators that are killed while their jobs queue and run: nothing is lost, nothing runs twice at once."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.execute.killed_run import KilledRun

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

SITE = """\
where: slurm
walls: none
poll_seconds: 0.5
submit: {train: {}, export: {}}
"""
KILLS = 5


def started(folder: Path, site: Path, pause_s: float) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "PAUSE_S": str(pause_s), "SIRR_SITE": str(site)}
    return subprocess.Popen([sys.executable, "-m", "tests.execute.killed_run", str(folder)], env=environment)


def content(run: KilledRun) -> dict[str, bytes]:
    """Return the bytes of every result, by key and name."""
    artifacts = (run.store.artifact(key) for key in run.store.layout.artifact_keys())
    return {
        f"{artifact.key}/{path.name}": path.read_bytes()
        for artifact in artifacts
        if artifact is not None
        for path in sorted(artifact.output.iterdir())
    }


def test_nothing_is_lost_and_nothing_doubled_and_bits_are_those_of_local_runs(rig, shared, tmp_path):
    """Random moments: some before sbatch has answered, some while a job queues, some while it runs or is committed."""
    site = tmp_path / "site.yaml"
    site.write_text(SITE)
    here = KilledRun(tmp_path / "here")
    here.run()
    run = KilledRun(shared / "there")
    draw = random.Random(1)
    for _ in range(KILLS):
        process = started(run.folder, site, 3.0)
        time.sleep(draw.uniform(1.5, 7.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    process = started(run.folder, site, 3.0)
    assert process.wait(200) == 0
    assert {name.split("/")[1] for name in content(run)} == {name.split("/")[1] for name in content(here)}
    assert sorted(content(run).values()) == sorted(content(here).values())
    told = run.told()
    assert sorted(line for line in told if line.startswith("end")) == ["end export/a", "end prepare/a", "end train/a"]
    for stage in ("train/a", "export/a"):
        assert [line for line in told if line.endswith(stage)] == [f"begin {stage}", f"end {stage}"]
    assert list(run.store.layout.stagings.iterdir()) == []
    assert run.store.layout.lease_keys() == []
    assert rig.run("squeue", "--me", "-h") == ""

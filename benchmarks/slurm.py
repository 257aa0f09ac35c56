"""What Slurm costs: a stage over the same local one, and many stages on two nodes of two processors against the ideal.

usage: PYTHONPATH=. python benchmarks/slurm.py      (root, Slurm and munge: it starts a cluster of its own)
"""

import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from orchestrator.conformance.engine_bench import Bench, code_folder, local_environment
from orchestrator.engine.local import LocalEngine
from orchestrator.engine.protocol import Engine
from orchestrator.engine.slurm import SlurmEngine
from orchestrator.engine.slurm_commands import Controller
from orchestrator.engine.walls import NoWalls
from tests.slurm.rig import Rig

PAIRS = 5
STAGES, SLOTS, SECONDS = 40, 4, 10.0


def took(bench: Bench, engine: Engine, seconds: float) -> float:
    """Return how long a stage of some seconds takes from its start to its known end."""
    began = time.monotonic()
    lines = 10
    job = bench.job("count", settings={"lines": lines, "pause_s": seconds / lines}, memory_bytes=2**29)
    running = bench.start(job, engine)
    assert running.outcome().exit_code == 0
    return time.monotonic() - began


def main() -> None:
    root = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="sirr-slurm-"))
    rig = Rig(root)
    try:
        rig.start()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLURM_CONF", rig.environment["SLURM_CONF"])
            stages = root / "stages"
            engines = {
                "local": LocalEngine(stages, NoWalls()),
                "slurm": SlurmEngine(stages, walls="none", controller=Controller(30)),
            }
            environment = local_environment(sys.executable, code_folder(root / "code"))
            bench = Bench("slurm", lambda: engines["slurm"], environment, stages, root / "outside")
            times = {name: [took(bench, engine, 1.0) for _ in range(PAIRS)] for name, engine in engines.items()}
            medians = {name: statistics.median(found) for name, found in times.items()}
            print(f"a stage of 1 s, median of {PAIRS}: local {medians['local']:.2f} s, Slurm {medians['slurm']:.2f} s")
            print(f"overhead: {medians['slurm'] - medians['local']:.2f} s")
            began = time.monotonic()
            threads = [threading.Thread(target=took, args=(bench, engines["slurm"], SECONDS)) for _ in range(STAGES)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            whole, ideal = time.monotonic() - began, STAGES * SECONDS / SLOTS
            print(f"{STAGES} stages of {SECONDS:g} s on {SLOTS} slots: {whole:.1f} s, {whole / ideal:.3f} of the ideal")
            bench.clear()
    finally:
        rig.stop()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()

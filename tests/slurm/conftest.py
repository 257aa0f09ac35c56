"""One cluster for all tests of a session; SIRR_FORBID_SKIPS makes it an error where Slurm is not there."""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from orchestrator.conformance.engine_bench import Bench, code_folder, local_environment
from orchestrator.engine.slurm import Demand, SlurmEngine
from orchestrator.engine.slurm_commands import Controller
from tests.slurm.rig import Rig, missing

POLL_S = 0.5


@pytest.fixture(scope="session")
def rig():
    """The cluster, with Slurm's commands of this process set to it."""
    lacking = missing()
    if lacking:
        pytest.skip(f"no Slurm cluster can be started here: {', '.join(lacking)} is missing")
    root = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="sirr-slurm-"))
    rig = Rig(root)
    try:
        rig.start()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLURM_CONF", rig.environment["SLURM_CONF"])
            patch.setenv("PATH", rig.environment["PATH"])
            yield rig
    finally:
        rig.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def code(rig) -> Path:
    return code_folder(rig.root / "code")


@pytest.fixture
def shared(rig):
    """A folder that the nodes see."""
    folder = Path(tempfile.mkdtemp(dir=rig.root, prefix="store-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def bench(rig, code, shared):
    """The engine of Slurm under test; what a test starts is removed after it."""
    controller = Controller(POLL_S)

    def engine(**demand):
        return SlurmEngine(shared / "stages", dict.fromkeys(("count", "train"), Demand(**demand)), "none", controller)

    bench = Bench(
        "slurm", engine, local_environment(sys.executable, code), shared / "stages", shared / "outside", patience=3.0
    )
    yield bench
    bench.clear()

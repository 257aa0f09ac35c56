"""The world in which hostile input is tried, and the programs that get it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.store.store import Store
from tests.datasets.raw import trees
from tests.execute.small_run import keep_run
from tests.hostile.guarded import GuardedTree
from tests.hostile.programs import Bounds, ForkedPrograms, forked_programs

COMMANDS = (
    "orchestrator.cli.app",
    "orchestrator.cli.console",
    "orchestrator.execute.command",
    "orchestrator.execute.data",
    "orchestrator.execute.models",
    "orchestrator.execute.packing",
    "orchestrator.execute.remove",
    "orchestrator.execute.report_stage",
    "orchestrator.execute.run_list",
)
"""What commands import when they are called."""


@pytest.fixture(scope="session")
def commands() -> Iterator[ForkedPrograms]:
    """The command `sirr-orch`, without its start."""
    with forked_programs(COMMANDS) as programs:
        yield programs


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory, commands: ForkedPrograms) -> Path:
    """Good things to spoil, made by the commands themselves where they need no stage."""
    folder = tmp_path_factory.mktemp("samples")
    keep_run(Store(folder / "store"), folder)
    pairs = trees.folders(folder / "own", "123", trees.PACK)
    environment = {"PATH": "", "SIRR_DATA": str(folder / "data"), "HOME": str(folder)}
    ended = commands.run("orchestrator", ["data", "add", str(pairs)], folder, environment, Bounds())
    assert ended.code == 0, ended
    return folder


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[GuardedTree]:
    """The guarded world."""
    made = GuardedTree(tmp_path_factory.mktemp("guarded"), samples)
    yield made
    made.close()

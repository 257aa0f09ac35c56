"""Hostile files through the real programs of the images: no effect outside their stages, a clear answer, in bounds."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.engine.walls import NoWalls, find_walls
from tests.hostile.guarded import GuardedTree
from tests.hostile.row import parameters
from tests.hostile.stage_programs import StageProgram, stage_programs
from tests.hostile.stage_row import StageRow, check_stage
from tests.hostile.tables import STAGES

pytestmark = [pytest.mark.slow, pytest.mark.environment]


ROWS = [row for rows in STAGES.values() for row in rows]


@pytest.fixture(scope="session", params=["bare", "walls"])
def program(
    request: pytest.FixtureRequest, tree: GuardedTree, image_python: Callable[[str], Path]
) -> Iterator[Callable[[str], StageProgram]]:
    """The program of an image by its name: bare, where its own checks alone stand before the machine, and in walls."""
    walls = NoWalls() if request.param == "bare" else find_walls().walls
    if request.param == "walls" and isinstance(walls, NoWalls):
        pytest.skip("optional: no walls work here")
    with stage_programs(image_python, tree, walls) as programs:
        yield programs


@pytest.mark.parametrize("row", parameters(ROWS))
def test_hostile_file_has_no_effect_outside_its_stage_and_a_clear_answer(
    row: StageRow, tree: GuardedTree, program: Callable[[str], StageProgram]
) -> None:
    check_stage(row, tree, program(row.image))

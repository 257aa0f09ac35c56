"""Every row of the table of hostile input: no effect outside, a clear answer, bounded time and memory."""

import pytest

from tests.hostile.guarded import GuardedTree
from tests.hostile.programs import ForkedPrograms
from tests.hostile.row import Row, check, parameters
from tests.hostile.tables import COMMANDS

pytestmark = pytest.mark.slow


ROWS = [row for rows in COMMANDS.values() for row in rows]


@pytest.mark.parametrize("row", parameters(ROWS))
def test_hostile_input_has_no_effect_and_a_clear_answer(row: Row, tree: GuardedTree, commands: ForkedPrograms) -> None:
    check(row, tree, commands)

"""Every row of the table of hostile input: no effect outside, a clear answer, bounded time and memory."""

from collections.abc import Iterator

import pytest

from tests.hostile import archives, indexes, packs, records, specs
from tests.hostile.guarded import GuardedTree
from tests.hostile.programs import ForkedPrograms
from tests.hostile.row import Row, check, parameters

pytestmark = pytest.mark.slow


def rows() -> Iterator[Row]:
    """Yield all rows that need no stage."""
    for family in (archives, specs, indexes, packs, records):
        yield from family.rows()


@pytest.mark.parametrize("row", parameters(list(rows())))
def test_hostile_input_has_no_effect_and_a_clear_answer(row: Row, tree: GuardedTree, commands: ForkedPrograms) -> None:
    check(row, tree, commands)

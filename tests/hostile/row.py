"""One row of the table of hostile input, and what holds for each of them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from orchestrator import errors
from tests.hostile.guarded import GuardedTree, Place
from tests.hostile.guards import ended_within_guards
from tests.hostile.programs import Bounds, Ended, ForkedPrograms

Arguments = Sequence[object]
USAGE = ("usage",)
"""For what the command line itself refuses, with its own words."""


@dataclass(frozen=True)
class Row:
    """One hostile input.

    id: in the table
    tried: what the input would do to a program that took it at its word
    command: that gets it
    make: writes it and returns the arguments of the command that gets it
    said: a pattern that the answer must hold
    codes: codes of errors that it may end with; empty: the command does its work, for the input is odd and harmless
    bounds: what the command may take
    """

    id: str
    tried: str
    command: str
    make: Callable[[Place], Arguments]
    said: str = ""
    codes: tuple[str, ...] = ("input-invalid",)
    bounds: Bounds = field(default_factory=Bounds)


class AnyRow(Protocol):
    """Of any table."""

    @property
    def id(self) -> str:
        """In the table."""


def parameters(rows: Sequence[AnyRow]) -> list["pytest.ParameterSet"]:
    """Return rows as parameters of a test, with their ids, each of which is there once."""
    assert len({row.id for row in rows}) == len(rows)
    return [pytest.param(row, id=row.id) for row in rows]


def check(row: Row, tree: GuardedTree, programs: ForkedPrograms) -> None:
    """Run a row's command, and demand all that must hold of it."""
    place = tree.place()
    arguments = [str(argument) for argument in row.make(place)]

    def run() -> Ended:
        return programs.run("orchestrator", arguments, tree.folder, tree.environment(place), row.bounds)

    ended = ended_within_guards(tree, place, row.bounds, run)
    _assert_clear(row, ended.code, ended.said)


EXIT_CODES = {
    found.code: int(found.exit_code)
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, errors.SirrError)
}
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def _assert_clear(row: Row, code: int, said: str) -> None:
    """What is said is one error of the tree with its exit code, what is asked for is in it, and nothing else."""
    assert "Traceback" not in said, said
    assert not CONTROL.search(said.replace("\r\n", "\n")), repr(said)
    assert len(said) < 20_000
    told = re.findall(r"^error\[([a-z-]+)\]", said, re.MULTILINE)
    if row.codes == USAGE:
        assert (code, told) == (2, []), (code, said)
        assert "Usage: " in said
    elif row.codes:
        assert len(told) == 1, said
        assert told[0] in row.codes, said
        assert code == EXIT_CODES[told[0]], (code, said)
        assert "hint: " in said, said
    else:
        assert (code, told) == (0, []), (code, said)
    assert re.search(row.said, " ".join(said.split())), said

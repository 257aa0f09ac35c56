"""One row of the table of hostile input for the program of an image, and what holds of its answer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stagekit import ExitCode, decode
from stagekit.messages import Failure
from tests.hostile.guarded import GuardedTree, Place
from tests.hostile.guards import ended_within_guards
from tests.hostile.programs import Bounds, Ended
from tests.hostile.row import CONTROL
from tests.hostile.stage_programs import StageProgram

Inputs = Mapping[str, Path]
"""Of a stage, by name."""

BOUNDS = Bounds(address_bytes=2**32)
"""Frameworks reserve addresses for threads and arenas that they never use."""


@dataclass(frozen=True)
class StageRow:
    """One hostile input of a stage.

    Attributes:
        id: In the table.
        tried: What the input would do to a program that took it at its word.
        image: Whose program gets it.
        kind: Of stage.
        settings: Of the stage.
        make: Writes it and returns the stage's inputs.
        said: A pattern that the answer must hold.
        code: How the program must end; DONE where the input is odd and harmless.
        bounds: What the program may take.
    """

    id: str
    tried: str
    image: str
    kind: str
    settings: Mapping[str, object]
    make: Callable[[Place], Inputs]
    said: str = ""
    code: ExitCode = ExitCode.BAD_INPUT
    bounds: Bounds = BOUNDS


def check_stage(row: StageRow, tree: GuardedTree, program: StageProgram) -> None:
    """Run a row's stage, and demand all that must hold of it."""
    place = tree.place()
    laid = program.run(row.kind, row.settings, row.make(place), place.made / "stage")
    ended = ended_within_guards(tree, place, row.bounds, lambda: laid.end(row.bounds))
    _assert_explained(row, ended)


def _assert_explained(row: StageRow, ended: Ended) -> None:
    """The program ended as the contract says, with one message that holds what is asked for and says what to do."""
    assert "Traceback" not in ended.said, ended.said
    assert not CONTROL.search(ended.said), repr(ended.said)
    assert len(ended.said) < 20_000
    failures = [message for message in map(decode, ended.said.splitlines()) if isinstance(message, Failure)]
    assert ended.code == row.code, ended.said
    assert len(failures) == (row.code != ExitCode.DONE), ended.said
    for failure in failures:
        assert failure.hint, ended.said
        assert len(failure.message) < 5_000
    words = failures[0].message if failures else ended.said
    assert re.search(row.said, " ".join(words.split())), ended.said

"""What stands between a local program and the rest of this machine: which walls there are, and which of them work.

A wall is believed to stand only after a program was started behind it.
"""

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.engine.bubblewrap import Bubblewrap, bubblewrap_programs
from orchestrator.engine.landlock import Landlock
from orchestrator.engine.visible import Visible, interpreter_paths, machine_paths
from orchestrator.errors import EngineUnavailable
from orchestrator.process import ProcessFailed, run
from orchestrator.spec.names import WallsName

_TRIAL_S = 30.0
_TRIAL = "import os, socket; assert os.getpid() > 0"


class Walls(Protocol):
    """One kind of walls."""

    @property
    def name(self) -> str:
        """What it is called in records and reports."""

    @property
    def sentence(self) -> str:
        """What holds behind them, for the user."""

    @property
    def isolates(self) -> bool:
        """Whether it leaves programs no network, and of the disk only what they are given."""

    @property
    def status_option(self) -> str | None:
        """The option of the command that takes a descriptor on which it says which process it made.

        None where the program takes the place of the command.
        """

    @property
    def complaint(self) -> str:
        """Begins the line by which the command says that it could not start the program."""

    def command(self, visible: Visible) -> list[str]:
        """Return what a program's own command is put behind."""


class NoWalls:
    """Programs that can do whatever the user can."""

    name = "none"
    sentence = "local programs have no walls: they can use the network and every file that you can"
    isolates = False
    status_option = None
    complaint = "\0"

    def command(self, _visible: Visible) -> list[str]:
        """Return nothing: a program is started as it is."""
        return []


@dataclass(frozen=True)
class FoundWalls:
    """The walls that programs get.

    Attributes:
        walls: The best that work, or those that were asked for.
        missing: Better ones that do not work here, by name, and why.
    """

    walls: Walls
    missing: Mapping[str, str]

    @property
    def sentence(self) -> str:
        """What to tell the user."""
        reasons = "".join(f"; {name} does not work here: {why}" for name, why in self.missing.items())
        return f"{self.walls.sentence}{reasons}"


@functools.cache
def find_walls(name: WallsName = "auto") -> FoundWalls:
    """Return the walls of a name, or the best that work; each is tried by a start.

    Raises:
        EngineUnavailable: Where those that are asked for by name do not work here.
    """
    missing: dict[str, str] = {}
    for kind, trial in _KINDS.items():
        if name not in ("auto", kind):
            continue
        found = trial()
        if not isinstance(found, str):
            return FoundWalls(found, missing)
        missing[kind] = found
        if name == kind:
            raise EngineUnavailable(
                f"the walls {name!r} that were asked for do not work here: {found}",
                hint="see what works with: sirr-orch doctor",
            )
    raise AssertionError("no walls always work")


def _bubblewrap() -> Walls | str:
    """Return bubblewrap where one of its executables works, else why the last does not."""
    why = "it is neither installed nor packaged for this platform"
    for program in bubblewrap_programs():
        walls = Bubblewrap(program)
        failed = _tried(walls)
        if failed is None:
            return walls
        why = failed
    return why


def _landlock() -> Walls | str:
    """Return Landlock where it works, else why it does not."""
    walls = Landlock()
    return _tried(walls) or walls


def _none() -> Walls:
    return NoWalls()


def _tried(walls: Walls) -> str | None:
    """Start a program behind walls; return why that failed."""
    interpreter = Path(sys.executable)
    visible = Visible((*machine_paths(), *interpreter_paths(interpreter)), (), Path("/"))
    try:
        run([*walls.command(visible), str(interpreter), "-I", "-S", "-c", _TRIAL], env={}, timeout_s=_TRIAL_S)
    except ProcessFailed as error:
        return (error.output.strip().splitlines() or ["no answer"])[-1].removeprefix(walls.complaint)
    return None


_KINDS: Mapping[str, Callable[[], Walls | str]] = {"bubblewrap": _bubblewrap, "landlock": _landlock, "none": _none}
"""The best first."""

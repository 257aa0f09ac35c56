"""Exceptions by which a stage's handler says how it failed."""

from typing import Optional

from stagekit.exit_codes import ExitCode


class StageError(Exception):
    """A failure that the program can explain.

    Args:
        message: What is wrong, with the value.
        hint: What to do, beginning with a verb.
    """

    exit_code = ExitCode.FAILED
    failure_class = "StageFailed"

    def __init__(self, message: str, hint: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(StageError):
    """The settings or the input files cannot be used as they are."""

    exit_code = ExitCode.BAD_INPUT
    failure_class = "BadInput"


class OutOfMemory(StageError):
    """Host or device memory did not suffice."""

    exit_code = ExitCode.OUT_OF_MEMORY
    failure_class = "OutOfMemory"


class BudgetTooSmall(OutOfMemory):
    """The memory budget cannot be met by any means that leaves the result as it is; trying again is of no use."""

    failure_class = "BudgetTooSmall"


class Interrupted(StageError):
    """The program was asked to stop and has saved what is needed to resume."""

    exit_code = ExitCode.INTERRUPTED
    failure_class = "Cancelled"

"""The one error tree: every failure that a user sees, with its code, exit code, words and remedy.

A class takes facts as keyword arguments and words `message`, `where` and `hint` itself. The exit codes 0, 1, 10, 11 and
12 are those of `stagekit.ExitCode`; the others belong to the orchestrator alone.
"""

import errno
from collections.abc import Mapping
from typing import Any, ClassVar

from stagekit import ExitCode


class SirrError(Exception):
    """Base of all errors that are shown to people.

    Args:
        message: What is wrong, with the value.
        where: File and line, or stage and log.
        hint: What to do, beginning with a verb; None only where the reader can do nothing.
        took: Of a stage that failed, its time and memory as its manifest would tell them.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = ExitCode.FAILED

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        if hint is not None:
            self.add_note(f"hint: {hint}")  # what shows it where the error ends a script or a notebook's cell
        self.took: Mapping[str, Any] = {}


class SpecError(SirrError):
    """What the user wrote cannot be used; nothing was run."""

    code = "spec-invalid"
    exit_code = 2


class ResultExists(SpecError):
    """A file is where a result would go, and was not replaced: the user gave it, or it differs from the result."""

    code = "result-exists"


class BuildError(SirrError):
    """An image or a local environment could not be built."""

    code = "build-failed"
    exit_code = 3


class ImageNotBuilt(BuildError):
    """A stage needs an image that is not there, and building was not asked for."""

    code = "image-not-built"


class EngineUnavailable(SirrError):
    """No engine answers, or the one that was asked for does not."""

    code = "engine-unavailable"
    exit_code = 4


class DeviceUnavailable(SirrError):
    """The device that the experiment asks for is not there; a CPU never stands in for it."""

    code = "device-unavailable"
    exit_code = 5


class InfraFailure(SirrError):
    """The engine, the disk or the node failed, not the stage; the only class that is retried by itself."""

    code = "infrastructure-failed"
    exit_code = 6


class Interrupted(InfraFailure):
    """The stage was ended from outside, as by a time limit, and has saved where it was.

    Args:
        saved_at: How far its last checkpoint was, in the program's own unit.
    """

    code = "interrupted"
    saved_at: float = float("-inf")


DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The numbers of an OSError that NoSpace stands for."""


class NoSpace(InfraFailure):
    """The disk of the store, or of the folder for results, is full; retrying cannot help."""

    code = "no-space"


class Timeout(SirrError):
    """The stage ran longer than its limit and was stopped."""

    code = "timeout"
    exit_code = 7


class OutputInvalid(SirrError):
    """A stage ended well, but what it left is not what it declared."""

    code = "output-invalid"
    exit_code = 8


class StoreError(SirrError):
    """The store cannot be used, or something in it was changed after it was written."""

    code = "store-damaged"
    exit_code = 9


class SomeFailed(SirrError):
    """Of several pictures some have their results and others none: which, and why, is said."""

    code = "some-failed"
    exit_code = 13


class StoreReadOnly(StoreError):
    """The store may be looked at and not written to: its disk is mounted read-only, or it belongs to another user."""

    code = "store-read-only"


class InUse(StoreError):
    """A run, or what the store holds of it, is at work for another program: it is neither changed nor packed now."""

    code = "in-use"


class StoreWithoutLocks(StoreError):
    """The store lies on a file system without file locks, by which programs keep out of each other's way."""

    code = "store-without-locks"


class PackInvalid(StoreError):
    """A file is no pack of runs, was cut short or changed, or a newer version made it; nothing was unpacked."""

    code = "pack-invalid"


class AddressUnavailable(SirrError):
    """The address or port that a report is to be shown at cannot be listened on."""

    code = "address-unavailable"


class TrackingFailed(SirrError):
    """A tracker, such as MLflow, did not take a run; the run itself and its report are whole."""

    code = "tracking-failed"
    exit_code = 14


class StageFailed(SirrError):
    """A stage's program failed."""

    code = "stage-failed"
    exit_code = ExitCode.FAILED


class InputInvalid(StageFailed):
    """A stage found its input unusable."""

    code = "input-invalid"
    exit_code = ExitCode.BAD_INPUT


class OutOfMemory(SirrError):
    """Host or device memory did not suffice."""

    code = "out-of-memory"
    exit_code = ExitCode.OUT_OF_MEMORY


class BudgetTooSmall(OutOfMemory):
    """A stage found before it began that its memory cannot suffice, whatever it saves."""

    code = "budget-too-small"


class Cancelled(SirrError):
    """The user stopped the run; what can be resumed was kept."""

    code = "cancelled"
    exit_code = ExitCode.INTERRUPTED


class NotStarted(Cancelled):
    """The user stopped the run before this stage had begun."""

    code = "not-started"

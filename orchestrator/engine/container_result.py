"""The result of a container that is gone: it ended well, and somebody cleaned up the engine before it was kept."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from orchestrator.engine.program import ended_well, place, result_is_left
from orchestrator.engine.protocol import Outcome
from stagekit import write_atomically

_RECORD = "container-place"
GONE = "the container is gone: somebody else removed it"


def note_container(staging: Path) -> None:
    """Write down that a container is to work in this very folder, and not in one that it was copied from."""
    with write_atomically(str(staging / _RECORD), "w") as stream:
        stream.write(place(staging))


def forget_container(staging: Path) -> None:
    """Forget the container of a folder; what it left is not taken for a result any more."""
    with contextlib.suppress(OSError):
        (staging / _RECORD).unlink()


def is_left(staging: Path) -> bool:
    """Return whether a container ended well in this folder and nobody has fetched what it left."""
    with contextlib.suppress(OSError, ValueError):
        return (
            (staging / _RECORD).read_text(encoding="utf-8") == place(staging)
            and ended_well(None, staging)
            and result_is_left(staging)
        )
    return False


class LeftResult:
    """A job whose program has ended well and whose container is gone, with its log; see `Running`."""

    adopted = True
    waits = False
    why_it_waits = ""

    def __init__(self, staging: Path, walls: str) -> None:
        self._staging = staging
        self._walls = walls

    @property
    def walls(self) -> str:
        """What it could not get through."""
        return self._walls

    def lines(self) -> Iterator[str]:
        """Yield nothing: the log went with the container."""
        return iter(())

    def memory_bytes(self) -> int | None:
        """Return None: it has ended."""
        return None

    def stop(self, grace_s: float) -> None:
        """Do nothing: it has ended."""

    def outcome(self) -> Outcome:
        """Return that its exit status is not known; what it left tells that it ended well."""
        return Outcome(None, error=GONE)

    def remove(self) -> None:
        """Forget it."""
        forget_container(self._staging)

"""What this process has just read, so that a stage of seconds does not read its inputs three times."""

import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from orchestrator.store.examine import Stamp

_RECENT_S = 60.0
"""Read again within this time, a file would come out of memory as it did the first time."""


@cache
def recent_reading(store: Path) -> "RecentReading":
    """Return what this process has read of the store in a folder."""
    return RecentReading()


class RecentReading:
    """Stamps of files whose every byte was found right, by the artifact's key, for a minute.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: dict[str, tuple[float, Mapping[str, Stamp]]] = {}

    def stamps(self, key: str) -> Mapping[str, Stamp]:
        """Return the stamps of the files of an artifact that need not be read again; none where it is too long ago."""
        read, stamps = self._found.get(key, (-_RECENT_S, {}))
        return stamps if self._clock() - read < _RECENT_S else {}

    def note(self, key: str, began: float, stamps: Mapping[str, Stamp]) -> None:
        """Take that files of an artifact were read and are right; what is noted still keeps its age.

        Args:
            began: What the clock said before they were read.
        """
        if not self.stamps(key):
            self._found[key] = (began, dict(stamps))

    def now(self) -> float:
        """Return what the clock says."""
        return self._clock()

"""What a stage held in memory over its time, in few numbers however long it took."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

_LONGEST = 240
_FIRST_S = 0.5
_RAREST_S = 2.0


class MemorySeries:
    """The most bytes that were seen in each interval; intervals double where there would be too many of them."""

    def __init__(self) -> None:
        self._every_s = _FIRST_S
        self._bytes: list[int | None] = []

    @property
    def pause_s(self) -> float:
        """How long to wait before the next look: a peak of seconds must not fall between two."""
        return min(self._every_s, _RAREST_S)

    def add(self, elapsed_s: float, held_bytes: int) -> None:
        """Take one look in.

        Args:
            elapsed_s: Since the first, never negative.
        """
        while elapsed_s >= _LONGEST * self._every_s:
            pairs = zip(self._bytes[::2], [*self._bytes[1::2], None], strict=False)
            self._bytes = [max((value for value in pair if value is not None), default=None) for pair in pairs]
            self._every_s *= 2
        index = int(elapsed_s / self._every_s)
        self._bytes += [None] * (index + 1 - len(self._bytes))
        self._bytes[index] = max(self._bytes[index] or 0, held_bytes)

    def facts(self, budget_bytes: int | None) -> Mapping[str, Any] | None:
        """Return the series as plain values, None where nothing was seen; None inside: no look in that interval."""
        if not self._bytes:
            return None
        return {"every_s": self._every_s, "bytes": list(self._bytes), "budget_bytes": budget_bytes}


class MemoryWatch(threading.Thread):
    """Looks at what a job holds until `finished` is set.

    Args:
        look: Bytes, None where they are not known.
    """

    def __init__(self, look: Callable[[], int | None]) -> None:
        super().__init__(daemon=True)
        self.finished = threading.Event()
        self.series = MemorySeries()
        self._look = look

    def run(self) -> None:
        """Look now and then."""
        began = time.monotonic()
        while not self.finished.is_set():
            held = self._look()
            if held is not None:
                self.series.add(time.monotonic() - began, held)
            self.finished.wait(self.series.pause_s)

"""The seam between a run and any tracker: what a tracker does, and what is said of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.tracking.record import TrackedRun

Files = Callable[[], tuple[Path, ...]]
"""Gives the files of the report; called only where they are to be sent."""


@dataclass(frozen=True)
class Told:
    """What a tracker was told.

    Attributes:
        tracker: Its name.
        place: Where to look at it: an address or a folder.
        made: How many of its runs are new.
        changed: How many were there and have been added to.
        kept: How many were there as they are.
    """

    tracker: str
    place: str
    made: int
    changed: int
    kept: int

    @property
    def sentence(self) -> str:
        """What there is to say of it."""
        return f"{self.tracker}: {self.place} ({self.made} new, {self.changed} changed, {self.kept} as they were)"


class Tracker(Protocol):
    """A program that keeps experiments. Telling it a run twice leaves what telling it once leaves."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def tell(self, run: TrackedRun, files: Files) -> Told:
        """Tell it a run.

        Raises:
            TrackingFailed: Where it does not answer, or refuses.
        """
        ...


_NO_ANSWER = ("Max retries exceeded", "Connection refused", "timed out", "Name or service not known")


def reason(error: Exception) -> str:
    """Return the first line of what a client says; with the kind of its error where that is all."""
    if any(words in str(error) for words in _NO_ANSWER):
        return "it does not answer"
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip()[:300] if lines else type(error).__name__

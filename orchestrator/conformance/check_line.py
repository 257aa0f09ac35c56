"""One line of a conformance run, and how such a run is made."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.environments.builder import BuildSettings
from orchestrator.errors import SirrError
from orchestrator.spec.names import EngineName

Outcome = Literal["passed", "failed", "not checked"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        subject: What it is of: "program my-method", "image my-method", …
        title: What has to hold.
        words: What is wrong, or why it was not checked; what was found where it passed.
        remedy: What to do; None where it passed.
    """

    subject: str
    title: str
    outcome: Outcome
    words: str = ""
    remedy: str | None = None


@dataclass(frozen=True)
class CheckRequest:
    """How plug-ins are checked.

    Attributes:
        store: Where environments are built, and what is tried lies as long as it takes.
        say: Hears which engine is used and what is built.
        static: Look at files alone; nothing is built or run.
    """

    store: Path
    engine: EngineName
    settings: BuildSettings
    say: Callable[[str], None]
    static: bool = False


def failed(subject: str, title: str, error: SirrError, remedy: str | None = None) -> Check:
    """Return a check that an error ended."""
    words = error.message + (f" ({error.where})" if error.where else "")
    return Check(subject, title, "failed", words, error.hint or remedy)

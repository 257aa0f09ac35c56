"""Slurm's own commands: jobs are submitted, asked for all together and now and then, signalled; never sacct."""

import contextlib
import re
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.engine.errors import engine_error
from orchestrator.errors import EngineUnavailable, SirrError
from orchestrator.process import ProcessFailed, run

POLL_S = 30.0
"""Between two looks at the queue: sites forbid more."""

_ANSWER_S = 120.0
_AWAY = ("unable to contact slurm controller", "socket timed out", "communications connection failure", "no answer")
_FORMAT = "%i|%T|%r|%N|%k|%j"
_LIVE = frozenset(
    {
        "PENDING",
        "CONFIGURING",
        "RUNNING",
        "COMPLETING",
        "SUSPENDED",
        "STOPPED",
        "SIGNALING",
        "STAGE_OUT",
        "RESIZING",
        "REQUEUED",
        "REQUEUE_HOLD",
        "REQUEUE_FED",
        "RESV_DEL_HOLD",
        "SPECIAL_EXIT",
    }
)
_NEVER = frozenset(
    {
        "AccountNotAllowed",
        "AssocGrpGRES",
        "BadConstraints",
        "DependencyNeverSatisfied",
        "InvalidAccount",
        "InvalidQOS",
        "PartitionConfig",
        "PartitionNodeLimit",
        "PartitionTimeLimit",
        "QOSNotAllowed",
    }
)
"""Reasons of a pending job that time does not change."""


class ControllerAway(Exception):
    """slurmctld does not answer now; what was asked may have been done all the same."""


@dataclass(frozen=True)
class Seen:
    """A job as the queue shows it."""

    job: int
    state: str
    reason: str
    node: str
    comment: str

    @property
    def live(self) -> bool:
        """Whether it waits or runs."""
        return self.state in _LIVE

    @property
    def hopeless(self) -> bool:
        """Whether it waits for what never comes."""
        return self.state == "PENDING" and self.reason in _NEVER


@dataclass(frozen=True)
class View:
    """The queue at one moment.

    Attributes:
        asked: By `time.monotonic`.
        jobs: By number.
    """

    asked: float
    jobs: Mapping[int, Seen]

    def of(self, submission: str) -> Seen | None:
        """Return the latest job of a submission."""
        found = [seen for seen in self.jobs.values() if seen.comment == submission]
        return max(found, key=lambda seen: seen.job, default=None)


class Controller:
    """Slurm's controller, asked for all jobs of this user at once, at most once in an interval.

    Args:
        poll_s: The interval.
    """

    def __init__(self, poll_s: float = POLL_S) -> None:
        self.poll_s = poll_s
        self._view: View | None = None
        self._tried = float("-inf")
        self._lock = threading.Lock()

    def view(self, *, newer_than: float = float("-inf"), within_s: float | None = None) -> View | None:
        """Return the latest view; None where there is none that is new enough.

        Args:
            newer_than: By `time.monotonic`.
            within_s: Ask where the latest try is older than this; None: than the interval.
        """
        interval = self.poll_s if within_s is None else min(within_s, self.poll_s)
        if self._lock.acquire(blocking=False):
            try:
                if time.monotonic() - self._tried >= interval:
                    self._ask()
            finally:
                self._lock.release()
        view = self._view
        return view if view is not None and view.asked >= newer_than else None

    def submit(self, options: Sequence[str]) -> int:
        """Submit a job and return its number.

        Raises:
            ControllerAway: Where it does not answer; it may know the job all the same.
            SirrError: What keeps Slurm from taking the job.
        """
        said = self._run(["sbatch", "--parsable", *options]).strip()
        number = said.splitlines()[-1].partition(";")[0] if said else ""
        if not number.isdigit():
            raise engine_error(f"sbatch answered {said!r}")
        return int(number)

    def cancel(self, job: int, *options: str) -> None:
        """Cancel or signal a job; one that has ended is left alone.

        Raises:
            ControllerAway: Where it does not answer.
        """
        with contextlib.suppress(SirrError):  # it has ended meanwhile, as a look at the queue tells
            self._run(["scancel", *options, str(job)])

    def _ask(self) -> None:
        self._tried = asked = time.monotonic()
        try:
            text = self._run(["squeue", "--me", "--noheader", "--states=all", f"--format={_FORMAT}"])
        except (ControllerAway, EngineUnavailable):
            return
        self._view = View(asked, parsed_queue(text))

    def _run(self, argv: Sequence[str]) -> str:
        try:
            return run(argv, timeout_s=_ANSWER_S, own_session=True).stdout
        except ProcessFailed as error:
            said = f"{error.output}" if error.output else str(error)
            if shutil.which(argv[0]) is None:
                raise EngineUnavailable(
                    f"there is no {argv[0]} on this machine",
                    hint="run this where Slurm's commands are, such as a login node; or name no site with where: slurm",
                ) from error
            if any(words in said.lower() for words in _AWAY):
                raise ControllerAway(said.strip()) from error
            raise engine_error(_plain(said), "Slurm") from error


def parsed_queue(text: str) -> dict[int, Seen]:
    """Read squeue's answer; lines that describe no job are left out."""
    found = {}
    for line in text.splitlines():
        parts = line.strip().split("|")
        if len(parts) >= 5 and parts[0].isdigit():
            found[int(parts[0])] = Seen(int(parts[0]), parts[1], parts[2], parts[3], parts[4])
    return found


def _plain(said: str) -> str:
    """Return what a command complains of, without its own name in front."""
    lines = [re.sub(r"^\w+: (error: )?", "", line) for line in said.strip().splitlines()]
    return "; ".join(dict.fromkeys(filter(None, lines))) or "no reason given"

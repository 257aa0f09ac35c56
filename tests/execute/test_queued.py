"""What a run tells of a job that waits in a queue, and what an interruption costs a training that saved."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.engine.protocol import Outcome
from orchestrator.execute.events import Event, Noted
from orchestrator.execute.job_outcome import Hearing, Limits, follow
from orchestrator.execute.stopper import Stopper


@dataclass
class Queued:
    """A job that waits for some looks, then prints a line and ends well."""

    looks: int
    adopted: bool = False
    walls: str = "none"
    seen: list[str] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        self.looks -= 1
        return self.looks >= 0

    @property
    def why_it_waits(self) -> str:
        return "Resources"

    def lines(self) -> Iterator[str]:
        self.seen.append("lines")
        yield "a line"

    def memory_bytes(self) -> int | None:
        return None

    def stop(self, grace_s: float) -> None:
        self.looks = 0

    def outcome(self) -> Outcome:
        return Outcome(0)

    def remove(self) -> None:
        pass


def test_a_job_that_waits_says_once_for_what_and_its_time_counts_from_its_begin(tmp_path: Path) -> None:
    events: list[Event] = []
    job = Queued(looks=5)
    hearing = Hearing("train/x", events.append)
    limits = Limits(timeout_s=0.3)
    outcome = follow(job, hearing, tmp_path / "log", Stopper(), limits, lambda: job.seen.append("begun"))
    assert job.seen == ["begun", "lines"]
    assert [event.message for event in events if isinstance(event, Noted)] == ["it waits in the queue: Resources"]
    assert outcome.queued_s >= 0.4
    assert not outcome.timed_out


def test_a_stop_reaches_a_job_that_waits(tmp_path: Path) -> None:
    stopper = Stopper()
    stopper.request()
    job = Queued(looks=10**6)
    outcome = follow(job, Hearing("train/x", lambda _event: None), tmp_path / "log", stopper, Limits(), lambda: None)
    assert outcome.stopped

"""A request to stop reaches a stage's program first, and then whoever hears of it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.engine.protocol import Outcome
from orchestrator.execute.events import Event, Listener, Stopping
from orchestrator.execute.job_outcome import Hearing, JobOutcome, Limits, follow
from orchestrator.execute.stopper import Stopper

STAGE = "train/a"
PATIENCE_S = 5.0


class Program:
    """A program that runs until it is stopped; one that is stubborn, until it is stopped without grace."""

    adopted = False
    walls = "none"
    waits = False
    why_it_waits = ""

    def __init__(self, *, stubborn: bool = False) -> None:
        self.stops: list[float] = []
        self.ended = threading.Event()
        self._stubborn = stubborn

    def lines(self) -> Iterator[str]:
        self.ended.wait(2 * PATIENCE_S)
        yield from ()

    def memory_bytes(self) -> int | None:
        return None

    def stop(self, grace_s: float) -> None:
        self.stops.append(grace_s)
        if grace_s == 0 or not self._stubborn:
            self.ended.set()

    def outcome(self) -> Outcome:
        return Outcome(12)

    def remove(self) -> None:
        self.ended.set()


def followed(program: Program, listener: Listener, stopper: Stopper, log: Path, limits: Limits) -> JobOutcome:
    return follow(program, Hearing(STAGE, listener), log / "log", stopper, limits, lambda: None)


def test_a_program_that_ends_by_itself_is_never_stopped(tmp_path: Path) -> None:
    program, heard = Program(), list[Event]()
    program.ended.set()
    outcome = followed(program, heard.append, Stopper(), tmp_path, Limits(timeout_s=60.0, grace_s=60.0))
    assert (program.stops, heard) == ([], [])
    assert (outcome.stopped, outcome.timed_out) == (False, False)


@pytest.mark.parametrize(("requests", "grace"), [pytest.param(1, 60.0, id="once"), pytest.param(2, 0.0, id="twice")])
def test_a_stop_is_told_with_the_time_that_is_left(tmp_path: Path, requests: int, grace: float) -> None:
    program, stopper, heard = Program(), Stopper(), list[Event]()
    for _ in range(requests):
        stopper.request()
    outcome = followed(program, heard.append, stopper, tmp_path, Limits(grace_s=60.0))
    assert (program.stops, heard) == ([grace], [Stopping(STAGE, grace)])
    assert (outcome.stopped, outcome.timed_out) == (True, False)


def test_a_stage_whose_time_is_up_is_stopped_and_nobody_asked_for_it(tmp_path: Path) -> None:
    program, heard = Program(), list[Event]()
    outcome = followed(program, heard.append, Stopper(), tmp_path, Limits(timeout_s=0.01, grace_s=60.0))
    assert (program.stops, heard) == ([60.0], [])
    assert (outcome.stopped, outcome.timed_out) == (False, True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("listens", ["well", "fails", "hangs"])
def test_a_second_request_ends_the_program_now_however_its_listener_fares(tmp_path: Path, listens: str) -> None:
    program, stopper, heard = Program(stubborn=True), Stopper(), list[Event]()

    def listener(event: Event) -> None:
        heard.append(event)
        stopper.request()
        if listens == "fails":
            raise BrokenPipeError
        if listens == "hangs":
            program.ended.wait(PATIENCE_S)

    stopper.request()
    followed(program, listener, stopper, tmp_path, Limits(grace_s=60.0))
    assert program.stops == [60.0, 0.0]
    assert heard == [Stopping(STAGE, 60.0), Stopping(STAGE, 0.0)]

"""Follows one running job from its first line to its end: messages out, stop requests and time limits in."""

import contextlib
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from orchestrator.engine.protocol import Outcome, Running
from orchestrator.execute.events import Listener, Logged, Noted, Progressed, Saved, Stopping, Warned
from orchestrator.execute.memory_series import MemorySeries, MemoryWatch
from orchestrator.execute.stopper import Stopper
from stagekit import Checkpoint, Failure, Note, Progress, WarningMessage, decode, encode

_TAIL_LINES = 40
_POLL_S = 0.1
_LAST_LOOK_S = 5.0


@dataclass
class JobOutcome:
    """What was job_outcome of a job, and how it ended.

    Attributes:
        walls: What its program could not get through.
        saved_at: How far its last checkpoint was; minus infinity where it wrote none since it was started.
        queued_s: How long it waited before its program began.
    """

    outcome: Outcome = field(default_factory=lambda: Outcome(None))
    failure: Failure | None = None
    warnings: list[str] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))
    checkpoint: str | None = None
    stopped: bool = False
    timed_out: bool = False
    memory: MemorySeries = field(default_factory=MemorySeries)
    walls: str = "none"
    saved_at: float = float("-inf")
    queued_s: float = 0.0


@dataclass(frozen=True)
class Limits:
    """When a job is ended from outside: on request after `grace_s` seconds, and `timeout_s` seconds after it began."""

    timeout_s: float | None = None
    grace_s: float = 60.0


class _Watch:
    """Ends the job when the user asks for it or its time is up; `finished` ends the watch."""

    def __init__(
        self, running: Running, stopper: Stopper, limits: Limits, job_outcome: JobOutcome, hearing: "Hearing"
    ) -> None:
        self._hearing = hearing
        self.finished = threading.Event()
        self._running = running
        self._stopper = stopper
        self._limits = limits
        self._job_outcome = job_outcome
        self.began: float | None = None

    def run(self) -> None:
        """Watch; in a thread of its own."""
        while not self.finished.wait(_POLL_S):
            if self._stopper.requested:
                self._job_outcome.stopped = True
            elif self.began is not None and self._limits.timeout_s is not None:
                self._job_outcome.timed_out = time.monotonic() - self.began > self._limits.timeout_s
            if self._job_outcome.stopped or self._job_outcome.timed_out:
                self._end_job()
                return

    def _end_job(self) -> None:
        """End the job; neither its grace nor a listener that fails or hangs keeps a second request waiting."""
        grace = 0.0 if self._stopper.at_once else self._limits.grace_s
        _begin(self._running.stop, grace)
        tellings = [_begin(self._tell, grace)] if self._job_outcome.stopped else []
        while grace > 0 and not self.finished.wait(_POLL_S):
            if self._stopper.at_once:
                tellings.append(_begin(self._tell, 0.0))
                self._running.stop(0.0)
                break
        for telling in tellings:
            telling.join(_LAST_LOOK_S)

    def _tell(self, grace_s: float) -> None:
        self._hearing.listener(Stopping(self._hearing.stage, grace_s))


def _begin(target: Callable[[float], None], grace_s: float) -> threading.Thread:
    thread = threading.Thread(target=target, args=(grace_s,), daemon=True)
    thread.start()
    return thread


class _Log:
    """A stage's log; a disk that is full costs its lines, and not the work of its program."""

    def __init__(self, path: Path) -> None:
        self.lost: str | None = None
        self._path = path
        self._stream: IO[str] | None = None

    def __enter__(self) -> "_Log":
        with self._losing():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._path.open("w", encoding="utf-8", buffering=1)
        return self

    def __exit__(self, *_error: object) -> None:
        with self._losing():
            if self._stream is not None:
                self._stream.close()

    def write(self, line: str) -> None:
        """Keep one line."""
        with self._losing():
            if self._stream is not None:
                self._stream.write(line + "\n")

    @contextlib.contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.lost = error.strerror


@dataclass(frozen=True)
class Hearing:
    """Who hears what a job says, and in which words.

    Attributes:
        inputs: The user's path of an input by the path that the program sees: people know nothing of the latter.
    """

    stage: str
    listener: Listener
    inputs: Mapping[str, Path] = field(default_factory=dict)

    def words(self, text: str) -> str:
        """Return a message with the user's own paths in it."""
        for seen, path in sorted(self.inputs.items(), reverse=True):
            literal = str(path).replace("\\", r"\\")
            text = re.sub(rf"(?<![\w./-]){re.escape(seen)}(?![\w-]|\.\w)", literal, text)
        return text


def follow(
    running: Running, hearing: Hearing, log: Path, stopper: Stopper, limits: Limits, begun: Callable[[], None]
) -> JobOutcome:
    """Pass on what the job says, keep its log in `log`, end it where it must end, and return how it came out.

    Args:
        begun: Called once it waits no more; from then on its time counts.
    """
    job_outcome = JobOutcome()
    watch = _Watch(running, stopper, limits, job_outcome, hearing)
    watching = threading.Thread(target=watch.run, daemon=True)
    watching.start()
    memory = MemoryWatch(running.memory_bytes)
    try:
        job_outcome.queued_s = _wait_in_queue(running, hearing)
        begun()
        watch.began = time.monotonic()
        memory.start()
        job_outcome.walls = running.walls
        with _Log(log) as kept:
            for line in running.lines():
                kept.write(line)
                _hear(line, job_outcome, hearing)
        if kept.lost is not None:
            _hear(encode(WarningMessage(f"its log is not whole: {kept.lost}")), job_outcome, hearing)
        job_outcome.outcome = running.outcome()
    finally:
        watch.finished.set()
        memory.finished.set()
        watching.join()
        if memory.is_alive():
            memory.join(_LAST_LOOK_S)
        job_outcome.memory = memory.series
    return job_outcome


def _wait_in_queue(running: Running, hearing: Hearing) -> float:
    """Wait until a job begins, or ends without; say what it waits for. Return for how long, in seconds."""
    began, told = time.monotonic(), ""
    while running.waits:
        why = running.why_it_waits
        if why not in ("", told):
            hearing.listener(Noted(hearing.stage, f"it waits in the queue: {why}"))
            told = why
        time.sleep(_POLL_S)
    return time.monotonic() - began if told or time.monotonic() - began > _POLL_S else 0.0


def _hear(line: str, job_outcome: JobOutcome, hearing: Hearing) -> None:
    stage, listener = hearing.stage, hearing.listener
    match decode(line):
        case Progress() as progress:
            listener(Progressed(stage, progress))
        case Checkpoint(path=path, done=done):
            job_outcome.checkpoint, job_outcome.saved_at = path, done
            listener(Saved(stage))
        case WarningMessage(message=said):
            message = hearing.words(said)
            if message not in job_outcome.warnings:
                job_outcome.warnings.append(message)
                listener(Warned(stage, message))
        case Note(message=message):
            listener(Noted(stage, hearing.words(message)))
        case Failure() as failure:
            hint = None if failure.hint is None else hearing.words(failure.hint)
            job_outcome.failure = replace(failure, message=hearing.words(failure.message), hint=hint)
        case None:
            if line.strip():
                job_outcome.tail.append(line)
            listener(Logged(stage, line))

"""An engine without processes: programs run as threads, and what goes wrong is decided by the test."""

import dataclasses
import io
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.engine.program import lay_out, result_is_left, stage_request, starting
from orchestrator.engine.protocol import Capabilities, Claim, Job, Outcome, RunningJob, anybody
from orchestrator.errors import SirrError
from stagekit import ExitCode, Failure, StageContext, StageError, encode

Handler = Callable[[StageContext], None]
_POLL_S = 0.005


class _Killed(BaseException):
    """Ends a program's thread at the next line that it prints."""


@dataclass
class Faults:
    """What is to go wrong.

    refuse: errors that the next starts raise, first to last
    lose: stages that end without an exit status, as when the engine was lost; each counts once
    strike: stage kinds on which the memory limit strikes after their first line
    flag: stages whose outcome says that the limit struck, whatever their exit status
    cut_every: the log stream is cut after so many lines and has to be taken up again
    slow_start_s: how long a start takes
    held_bytes: what every program holds while it runs; None: the engine does not say
    """

    refuse: list[SirrError] = field(default_factory=list)
    lose: list[str] = field(default_factory=list)
    strike: set[str] = field(default_factory=set)
    flag: set[str] = field(default_factory=set)
    cut_every: int | None = None
    slow_start_s: float = 0.0
    held_bytes: int | None = None


class _Held(io.TextIOBase):
    """A program's standard output: a list of lines that others may read while it grows."""

    def __init__(self, killed: threading.Event) -> None:
        self.lines: list[str] = []
        self._partial = ""
        self._killed = killed

    def write(self, text: str) -> int:
        if self._killed.is_set():
            raise _Killed
        *complete, self._partial = (self._partial + text).split("\n")
        self.lines.extend(complete)
        return len(text)


class _FakeJob:
    """One program that runs or ran; what the world outside every client knows of it."""

    def __init__(self, job: Job, handlers: Mapping[str, Handler], faults: Faults) -> None:
        self.job = job
        self.faults = faults
        self.stop_requested = threading.Event()
        self.killed = threading.Event()
        self.stream = _Held(self.killed)
        self.outcome: Outcome | None = None
        self._handlers = handlers
        self._started = time.time()
        threading.Thread(target=self._run, daemon=True).start()

    def end(self, code: int | None, *, out_of_memory: bool = False, error: str | None = None) -> None:
        if self.outcome is None:
            flagged = out_of_memory or self.job.stage in self.faults.flag
            self.outcome = Outcome(code, flagged, self._started, time.time(), error)

    def kill(self, *, out_of_memory: bool = False) -> None:
        self.killed.set()
        self.stop_requested.set()
        self.end(137, out_of_memory=out_of_memory)

    def _run(self) -> None:
        request = stage_request(
            self.job,
            str(self.job.staging),
            {name: str(path) for name, path in self.job.inputs.items()},
        )
        context = StageContext(request, self.stream, self.stop_requested)
        if request.kind in self.faults.strike:
            self.kill(out_of_memory=True)
            return
        try:
            code = self._code(context, request.kind)
        except _Killed:
            return
        if self.job.stage in self.faults.lose:
            self.faults.lose.remove(self.job.stage)
            self.end(None, error="the engine was lost")
        self.end(code)

    def _code(self, context: StageContext, kind: str) -> int:
        try:
            self._handlers[kind](context)
        except StageError as error:
            self.stream.write(encode(Failure(error.failure_class, error.message, error.hint)) + "\n")
            return int(error.exit_code)
        except Exception as error:
            self.stream.write(encode(Failure("StageFailed", f"{type(error).__name__}: {error}")) + "\n")
            return int(ExitCode.FAILED)
        return int(ExitCode.DONE)


class FakeRunning:
    """See `orchestrator.engine.protocol.Running`."""

    waits = False
    why_it_waits = ""

    def __init__(self, engine: "FakeEngine", job: _FakeJob, *, adopted: bool) -> None:
        self._engine = engine
        self._job = job
        self._adopted = adopted

    @property
    def adopted(self) -> bool:
        return self._adopted

    @property
    def walls(self) -> str:
        return "none"

    def lines(self) -> Iterator[str]:
        done, cut = 0, self._job.faults.cut_every
        while True:
            over = self._job.outcome is not None
            new = self._job.stream.lines[done:] if cut is None else self._job.stream.lines[done : done + cut]
            done += len(new)
            yield from new
            if over and done == len(self._job.stream.lines):
                return
            time.sleep(_POLL_S)

    def memory_bytes(self) -> int | None:
        return None if self._job.outcome is not None else self._job.faults.held_bytes

    def stop(self, grace_s: float) -> None:
        self._job.stop_requested.set()
        deadline = time.monotonic() + grace_s
        while self._job.outcome is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if self._job.outcome is None:
            self._job.kill()

    def outcome(self) -> Outcome:
        while self._job.outcome is None:
            time.sleep(_POLL_S)
        return self._job.outcome

    def remove(self) -> None:
        if self._job.outcome is None:
            self._job.kill()
        self._engine.world.pop(self._job.job.key, None)
        (self._job.job.staging / "stage.json").unlink(missing_ok=True)


class FakeEngine:
    """See `orchestrator.engine.protocol.Engine`.

    handlers: stage kind to the function that plays its program, whatever the image
    world: the jobs by key; engines that share it see each other's jobs, as two clients of one engine do
    name: what it calls itself
    capabilities: what it says that it can do
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        faults: Faults | None = None,
        world: dict[str, _FakeJob] | None = None,
        name: str = "fake",
        capabilities: Capabilities | None = None,
    ) -> None:
        self.capabilities = capabilities or Capabilities("local", False, False, True, False)
        self.name = name
        self.faults = faults or Faults()
        self.world: dict[str, _FakeJob] = {} if world is None else world
        self.started: list[str] = []
        """The stages that were really started, in order: what a test counts."""
        self.seen: Mapping[str, Path] = {}
        """Where programs are said to see inputs."""
        self._handlers = handlers

    def start(self, job: Job) -> FakeRunning:
        with starting(job.staging):
            if self.faults.refuse:
                raise self.faults.refuse.pop(0)
            there = self.world.get(job.key)
            if there is not None:
                ended = there.outcome
                if ended is None or (ended.exit_code == 0 and result_is_left(job.staging)):
                    return FakeRunning(self, there, adopted=True)
            time.sleep(self.faults.slow_start_s)
            inputs = {name: str(path) for name, path in job.inputs.items()}
            lay_out(job, stage_request(job, str(job.staging), inputs))
            self.world[job.key] = _FakeJob(dataclasses.replace(job), self._handlers, self.faults)
            self.started.append(job.stage)
            return FakeRunning(self, self.world[job.key], adopted=False)

    def sweep(self, claim: Claim = anybody) -> Sequence[str]:
        dead = [key for key, held in self.world.items() if held.outcome is not None and held.outcome.exit_code != 0]
        swept = []
        for key in dead:
            with claim(key) as free:
                if free:
                    del self.world[key]
                    swept.append(key)
        return swept

    def jobs(self) -> Sequence[RunningJob]:
        return [
            RunningJob(key, held.job.run, held.job.stage, self.name, None, FakeRunning(self, held, adopted=True))
            for key, held in self.world.items()
            if held.outcome is None
        ]

    def handle(self, kind: str, handler: Handler) -> None:
        self._handlers = {**self._handlers, kind: handler}

    def input_paths(self, job: Job) -> Mapping[str, Path]:
        return self.seen

    def paths_in_use(self) -> set[Path]:
        running = [held.job for held in self.world.values() if held.outcome is None]
        return {path for job in running for path in (job.staging.resolve(), *job.inputs.values())}

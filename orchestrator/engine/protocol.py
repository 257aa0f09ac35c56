"""What an engine does: run one stage's program in its environment, and find it again after a crash."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from orchestrator.spec.environment import Environment

LONGEST_LINE_BYTES = 2**20
"""Of a program's output; what goes on longer is passed on in pieces of about this size."""

__all__ = [
    "Capabilities",
    "Claim",
    "Engine",
    "Environment",
    "Job",
    "Outcome",
    "Running",
    "RunningJob",
    "anybody",
]


@dataclass(frozen=True)
class Capabilities:
    """What an engine can do: whoever uses one asks for this, and for no name.

    Attributes:
        environments: Which kind of environments it runs; the builder of that name makes them.
        isolates: Its programs have no network, and of the disk only what their job names.
        leases_devices: It sees to it that no two of its programs get the same GPU. Where it does not, GPUs of this
            machine are leased before a start, which needs an engine of this machine.
        same_machine: Its programs run on this machine.
        queues: A job that was started may wait before its program runs.
        limits_memory: A program that takes more memory than its job allows is ended.
        tells_out_of_memory: Outcomes say so where it was.
    """

    environments: str
    isolates: bool
    leases_devices: bool
    same_machine: bool
    queues: bool
    limits_memory: bool = True
    tells_out_of_memory: bool = True


@dataclass(frozen=True)
class Job:
    """One stage, ready to run.

    Attributes:
        key: The stage's key; a running job is found again by it.
        module: Run as ``python -m module STAGE_JSON``.
        staging: The only writable folder; the engine writes stage.json there, with the paths that the program will see;
            the program's folders are staging/output, staging/work and staging/facts.
        inputs: Input name to host folder or file, mounted read-only.
        shm_bytes: Size of /dev/shm in a container.
        keeps_output: A program that starts again goes on from what lies in its output; else that is emptied.
        gpus: UUIDs of the leased devices, empty on the CPU.
    """

    key: str
    run: str
    stage: str
    kind: str
    module: str
    environment: Environment
    staging: Path
    settings: Mapping[str, object]
    inputs: Mapping[str, Path]
    device: Literal["cpu", "cuda"] = "cpu"
    gpus: Sequence[str] = ()
    seed: int = 0
    memory_bytes: int | None = None
    threads: int | None = None
    workers: int | None = None
    checkpoint_s: float | None = None
    memory_saving_level: int = 0
    device_memory_bytes: int | None = None
    shm_bytes: int = 2 * 2**30
    pids: int = 4096
    keeps_output: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        exit_code: The program's; None where it is not known (the node or the engine was lost).
        out_of_memory: The engine saw the memory limit strike (in a container also a child process).
        started: Seconds since the epoch.
        finished: Seconds since the epoch.
        error: The engine's own message where it could not start the program.
    """

    exit_code: int | None
    out_of_memory: bool = False
    started: float | None = None
    finished: float | None = None
    error: str | None = None


class Running(Protocol):
    """A job that was started, by this process or by an earlier one."""

    @property
    def adopted(self) -> bool:
        """Whether an earlier process started it."""

    @property
    def walls(self) -> str:
        """What it cannot get through: docker, podman, bubblewrap, landlock or none."""

    @property
    def waits(self) -> bool:
        """Whether it waits in a queue: its program has not begun, and it has not ended. False where nothing queues."""

    @property
    def why_it_waits(self) -> str:
        """What it waits for, in the queue's words; empty where it does not wait, or that is not known."""

    def lines(self) -> Iterator[str]:
        """Follow the program's output, standard output and error together, from its first line until it has ended.

        A cut stream is taken up again without losing or repeating a line.
        """

    def memory_bytes(self) -> int | None:
        """Return what the program and its children hold now; None where that is not known, or it has ended.

        Never raises: it is looked at beside the work, and must not end it.
        """

    def stop(self, grace_s: float) -> None:
        """Ask the program to stop (SIGTERM) and kill it after `grace_s` seconds. Does nothing where it has ended."""

    def outcome(self) -> Outcome:
        """Wait for the end and say how it came."""

    def remove(self) -> None:
        """Remove what the engine keeps of an ended job; kills one that still runs."""


@dataclass(frozen=True)
class RunningJob:
    """A job that runs now, whoever follows it.

    Attributes:
        run: Empty where its record cannot be read.
        stage: Empty where its record cannot be read.
        engine: The engine's name.
        started: Seconds since the epoch; None where that is not known.
    """

    key: str
    run: str
    stage: str
    engine: str
    started: float | None
    running: Running


Claim = Callable[[str], AbstractContextManager[bool]]
"""Keeps others from a stage's key for as long as the block runs; yields whether nobody else is at it."""


@contextmanager
def anybody(_key: str) -> Iterator[bool]:
    """Claim a key where nobody else could be at it."""
    yield True


class Engine(Protocol):
    """Runs jobs. One conformance suite, `orchestrator.conformance.engines`, holds for all engines."""

    name: str

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def start(self, job: Job) -> Running:
        """Start a job, or adopt the one with its key that runs already: never two for one key.

        Raises:
            ImageNotBuilt: Where an image is not built.
            DeviceUnavailable: Where a device that it needs is not there.
            EngineUnavailable: Where no engine answers.
            InfraFailure: Where the program cannot be started.
        """

    def input_paths(self, job: Job) -> Mapping[str, Path]:
        """Return the user's path of each input by the path that the program sees, where the two differ."""

    def sweep(self, claim: Claim = anybody) -> Sequence[str]:
        """Remove what dead runs left behind (never a job that still runs) and return the keys.

        Args:
            claim: What somebody else is at is left to them: they may have adopted a job that a dead process started.
        """

    def jobs(self) -> Sequence[RunningJob]:
        """Return the jobs of this store that run now, whether or not somebody follows them."""

    def paths_in_use(self) -> set[Path]:
        """Return the host's paths that jobs which run now read and write: inputs, staging folders, environments.

        Nobody may take these away, whether or not the process that started a job still lives.
        """

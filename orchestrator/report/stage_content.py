"""What a report tells of the stages of a run: frozen facts, as `content` has them of everything else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

StageState = Literal["done", "stored", "adopted", "failed", "skipped", "cancelled", "waiting"]
"""How a stage ended; 'stored': its result was there already; 'adopted': an earlier process had started it."""


@dataclass(frozen=True)
class MemoryOverTime:
    """What a stage's program and its children held while it ran.

    every_s: seconds that each value stands for; held_bytes: the most that was seen in each, None where nobody looked
    budget_bytes: what it was told to keep to, None where nothing limited it
    """

    every_s: float
    held_bytes: tuple[int | None, ...]
    budget_bytes: int | None


@dataclass(frozen=True)
class MachineRecord:
    """What a stage's program ran on. The host's name is left out: reports are passed on, names stay in the store.

    processor: its model; instructions: sets that it has, of those that decide which kernels frameworks choose
    processors: logical ones that the program could run on; memory_bytes: of the whole machine; system: its kernel
    container: what the program was closed into, None for nothing; threads: that it was asked to use
    gpu, driver, cuda: None where it computed on the processor
    """

    processor: str
    architecture: str
    instructions: tuple[str, ...]
    processors: int | None
    memory_bytes: int | None
    system: str
    container: str | None
    threads: int | None
    gpu: str | None
    driver: str | None
    cuda: str | None

    @property
    def kind(self) -> tuple[str, ...]:
        """What decides the bits that a framework computes: equal on machines of one kind."""
        parts = (self.processor, self.architecture, *self.instructions, self.gpu, self.driver, self.threads)
        return tuple("" if part is None else str(part) for part in parts)


@dataclass(frozen=True)
class StageFile:
    """One file that a stage left."""

    sha256: str
    size: int


@dataclass(frozen=True)
class StageRecord:
    """One stage of the run, in plan order.

    key: 64 hexadecimal digits; image: None for the report
    recipe: recipe hash of its image; engine: 'docker' or 'local', None where it never ran
    started: seconds since the epoch; seconds: how long it took (None where not known)
    resumed_from: what it was taken up from after an interruption, in words; None where it ran in one go
    reasons: why it had to run; message, hint: of a failure, or which stage it waited for
    machine: that it ended on, None where that was not recorded; earlier_machines: of another kind that it had run on
    memory: None where nobody looked; attempts: how often it was started, for what was lost on the way
    inputs: input name to the stage it is from; sources: input name to the SHA-256 of files from outside
    files: the files by which its kind of stage is known, by name; digest: SHA-256 over all its files, empty if none
    """

    name: str
    kind: str
    state: StageState
    key: str
    image: str | None
    recipe: str | None
    engine: str | None
    device: str
    started: float | None = None
    seconds: float | None = None
    resumed_from: str | None = None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    message: str | None = None
    hint: str | None = None
    memory: MemoryOverTime | None = None
    attempts: int = 1
    machine: MachineRecord | None = None
    earlier_machines: tuple[MachineRecord, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, StageFile] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True)
class EnvironmentRecord:
    """A software environment that stages ran in.

    reference: a Docker image's id or a local interpreter's version; never a path
    details: facts such as base image and versions, shown as they are, in this order
    packages: name to version of everything that its lock pins; empty where that was not recorded
    """

    image: str
    variant: str
    engine: str
    recipe: str
    reference: str
    details: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)

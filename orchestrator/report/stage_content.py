"""What a report tells of the stages of a run: frozen facts, as `content` has them of everything else."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.report.address import sbom_path

StageState = Literal["done", "stored", "adopted", "failed", "skipped", "cancelled", "waiting"]
"""How a stage ended; 'stored': its result was there already; 'adopted': an earlier process had started it."""


@dataclass(frozen=True)
class MemoryOverTime:
    """What a stage's program and its children held while it ran.

    Attributes:
        every_s: Seconds that each value stands for.
        held_bytes: The most that was seen in each, None where nobody looked.
        budget_bytes: What it was told to keep to, None where nothing limited it.
    """

    every_s: float
    held_bytes: tuple[int | None, ...]
    budget_bytes: int | None


@dataclass(frozen=True)
class MachineRecord:
    """What a stage's program ran on. The host's name is left out: reports are passed on, names stay in the store.

    Attributes:
        processor: Its model.
        instructions: Sets that it has, of those that decide which kernels frameworks choose.
        processors: Logical ones that the program could run on.
        memory_bytes: Of the whole machine.
        system: Its kernel.
        container: What the program was closed into, None for nothing.
        threads: That it was asked to use.
        gpu: None where it computed on the processor.
        driver: None where it computed on the processor.
        cuda: None where it computed on the processor.
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
        """What decides the bits that a framework computes, threads last: equal on machines of one kind."""
        parts = (self.processor, self.architecture, *self.instructions, self.gpu, self.driver, self.threads)
        return tuple("" if part is None else str(part) for part in parts)


@dataclass(frozen=True)
class StageFile:
    """One file that a stage left."""

    sha256: str
    size: int


@dataclass(frozen=True)
class FeatureFile:
    """A file of pretrained feature weights.

    Attributes:
        name: As published.
        sha256: Of its content, 64 hexadecimal digits.
    """

    name: str
    sha256: str


@dataclass(frozen=True)
class StageRecord:
    """One stage of the run, in plan order.

    Attributes:
        key: 64 hexadecimal digits.
        image: None for the report.
        recipe: Recipe hash of its image.
        engine: such as 'docker', 'podman' or 'local', None where it never ran.
        walls: What its program could not get through, None where it never ran or that was not recorded.
        started: Seconds since the epoch.
        seconds: How long it took (None where not known).
        resumed_from: What it was taken up from after an interruption, in words; None where it ran in one go.
        reasons: Why it had to run.
        message: Of a failure, or which stage it waited for.
        hint: Of a failure, or which stage it waited for.
        machine: That it ended on, None where that was not recorded.
        earlier_machines: Of another kind that it had run on.
        memory: None where nobody looked.
        attempts: How often it was started, for what was lost on the way.
        inputs: Input name to the stage it is from.
        sources: Input name to the SHA-256 of files from outside.
        files: The files by which its kind of stage is known, by name.
        digest: SHA-256 over all its files, empty if none.
        load: How many processes had work to do on the machine, on average over a minute, before it began; None where
            nobody looked.
        log: Its log's place inside the store; empty where it has none.
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
    walls: str | None = None
    load: float | None = None
    log: str = ""


@dataclass(frozen=True)
class SoftwareList:
    """A list of software (SBOM).

    Attributes:
        name: What it is of, in a form that is its alone.
        text: A CycloneDX file.
    """

    name: str
    text: str

    @property
    def file(self) -> str:
        """Its place in the report's folder."""
        return str(sbom_path(self.name))

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class EnvironmentRecord:
    """A software environment that stages ran in.

    Attributes:
        reference: A Docker image's id or a local interpreter's version; never a path.
        details: Facts such as base image and versions, shown as they are, in this order.
        packages: Name to version of everything that its lock pins; empty where that was not recorded.
        sbom: Everything that was installed in it; None where that was not recorded.
    """

    image: str
    variant: str
    engine: str
    recipe: str
    reference: str
    details: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    sbom: SoftwareList | None = None

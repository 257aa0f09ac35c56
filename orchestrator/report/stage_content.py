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

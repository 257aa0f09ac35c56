"""The parts of report.json that tell of the run: its stages, environments, spec and overlaps."""

from pydantic import FiniteFloat

from orchestrator.report.machine.record_entry import Digest, Entry


class MemoryEntry(Entry):
    """What a stage's program and its children held while it ran."""

    every_s: FiniteFloat
    held_bytes: tuple[int | None, ...]
    """The most in each interval; None where nobody looked."""
    budget_bytes: int | None


class PluginEntry(Entry):
    """A plug-in of which the run uses something."""

    name: str
    """The name of its folder."""
    origin: str
    """What named it."""
    brings: tuple[str, ...]
    """What the run uses of it, such as 'program dim2026'."""


class FileEntry(Entry):
    """A file that a stage left."""

    sha256: Digest
    size: int


class MachineEntry(Entry):
    """What a stage's program ran on; the host's name is left out."""

    processor: str
    architecture: str
    instructions: tuple[str, ...]
    """Sets that it has, of those that decide which kernels frameworks choose."""
    processors: int | None
    """Logical ones that the program could run on."""
    memory_bytes: int | None
    system: str
    container: str | None
    threads: int | None
    gpu: str | None
    driver: str | None
    cuda: str | None


class StageEntry(Entry):
    """One stage of the run, in the plan's order."""

    name: str
    kind: str
    state: str
    key: str
    """Names its result: SHA-256 of all that decides it."""
    image: str | None
    recipe: str | None
    engine: str | None
    walls: str | None = None
    """What its program could not get through: docker, podman, bubblewrap, landlock or none; None where not recorded."""
    device: str
    started: FiniteFloat | None
    """Seconds since the epoch."""
    seconds: FiniteFloat | None
    resumed_from: str | None
    attempts: int
    warnings: tuple[str, ...]
    message: str | None
    """Why it has no result."""
    hint: str | None
    memory: MemoryEntry | None
    machine: MachineEntry | None
    """That it ended on; None where that was not recorded."""
    earlier_machines: tuple[MachineEntry, ...]
    """Of another kind, that it had run on before."""
    inputs: dict[str, str]
    """Input name to the stage that it is from."""
    sources: dict[str, Digest]
    """Input name to the SHA-256 of files from outside."""
    files: dict[str, FileEntry]
    digest: Digest
    """SHA-256 over all that it left; empty where it left nothing."""


class SbomEntry(Entry):
    """A list of software, as CycloneDX."""

    file: str
    """In the report's folder."""
    sha256: Digest


class EnvironmentEntry(Entry):
    """A software environment that stages ran in."""

    image: str
    variant: str
    engine: str
    recipe: str
    reference: str
    details: dict[str, str]
    packages: dict[str, str]
    """Everything that its lock pins; empty where that was not recorded."""
    sbom: SbomEntry | None = None
    """Everything that was installed in it; None where that was not recorded."""


class FeatureFileEntry(Entry):
    """A file of pretrained feature weights that stages read."""

    name: str
    """As published."""
    sha256: Digest


class SpecEntry(Entry):
    """The experiment's file, as it was when the run was started."""

    name: str
    text: str
    sha256: Digest


class OverlapPairEntry(Entry):
    """A training scene that is a test scene too."""

    train: str
    test: str
    how: str
    layers: str


class OverlapEntry(Entry):
    """What came of comparing what is trained on with what is tested on."""

    action: str
    """What was done about pairs that were found: stop, accept or drop."""
    reason: str
    """Why the experiment accepts them."""
    trained: int
    tested: int
    pairs: tuple[OverlapPairEntry, ...]

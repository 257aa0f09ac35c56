"""What `sirr-orch remove` and `infer` are asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.execute.events import Listener
from orchestrator.execute.photographs import ARRAY_SUFFIX
from orchestrator.execute.run_stages import ExecutionRequest, RunOptions
from orchestrator.spec.library import Library, built_in
from orchestrator.spec.names import EngineName
from orchestrator.spec.onnx_choice import OnnxChoice


@dataclass(frozen=True)
class Removal:
    """What `sirr-orch remove` was asked for.

    Attributes:
        photos: Pictures, or arrays of floats (``.npy``, (H, W, 3), RGB, 0 to 1), not both.
        model: RUN/MODEL, or a program; None where `onnx` names a network's file, or for the program that is taken then.
        declared: What is said of that file; None: nothing.
        tile: Side of overlapping, blended tiles, None for the exact way.
        whole: The picture at once, as a reference.
        memory_bytes: None for what the run says.
        threads: None for all that there are.
        reflection: Write the reflections too.
        reflection_named: Whether they were asked for by name: where there is none, that is said.
        arrays: Write every output as floats too.
        overwrite: Replace results that are there and differ.
        build: Build the images that are missing first.
        library: What programs there are.
    """

    photos: tuple[Path, ...]
    model: str | None
    out: Path
    store: Path
    engine: EngineName = "auto"
    tile: int | None = None
    reflection: bool = False
    reflection_named: bool = False
    onnx: Path | None = None
    declared: OnnxChoice | None = None
    arrays: bool = False
    whole: bool = False
    memory_bytes: int | None = None
    threads: int | None = None
    overwrite: bool = False
    build: bool = False
    library: Library = field(default_factory=built_in)

    def execution(self, listener: Listener, say: Callable[[str], None]) -> ExecutionRequest:
        """Return how its stages are run."""
        options = RunOptions(threads=self.threads)
        return ExecutionRequest(self.store, self.engine, listener, say, build=self.build, options=options)

    @property
    def of_arrays(self) -> bool:
        """Whether the pictures are arrays."""
        return self.photos[0].suffix == ARRAY_SUFFIX

    @property
    def layers(self) -> tuple[str, ...]:
        """What is appended to a photograph's name for each of its pictures."""
        return ("", "-reflection")[: 1 + self.reflection]

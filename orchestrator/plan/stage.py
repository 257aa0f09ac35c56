"""The stages of an experiment: pure data, nothing is run to make it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from orchestrator.spec.names import DEFAULT_THREADS, StageKind


class Digest(Protocol):
    """Returns the content hash of a file or folder."""

    def __call__(self, path: Path, dataset: Mapping[str, Any] | None = None) -> str:
        """Return it.

        Args:
            path: Outside the store.
            dataset: Of a dataset's folder, its description: then only the files count that its preparation reads.
        """


@dataclass(frozen=True)
class Source:
    """Files from outside the store: mounted read-only, known to the key by content and never by path."""

    path: Path
    digest: str
    """SHA-256 over the relative names and contents."""
    dataset: Mapping[str, Any] | None = None
    """Of a dataset's folder, its description: then only the files count that its preparation reads."""


@dataclass(frozen=True)
class Stage:
    """One unit of work with declared inputs and outputs.

    Attributes:
        name: Unique in a plan and readable, such as "train/errnet2019" or "infer/errnet2019/skimage-test".
        image: The image whose program runs it.
        settings: Everything that decides the result, as plain JSON values; all of it is in the key.
        inputs: Input name to the name of the stage whose artifact is mounted there.
        sources: Input name to files from outside.
    """

    name: str
    kind: StageKind
    image: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    """Stages that must have ended well before this one runs, though it reads nothing of theirs; not in the key."""
    device: Literal["cpu", "cuda"] = "cpu"
    seed: int = 0
    memory_bytes: int | None = None
    """Budget; in the key of those kinds only whose bits depend on it, for others decides whether a stage fits."""
    timeout_s: float | None = None
    """Limit; not in the key."""
    device_memory_bytes: int | None = None
    """Budget on a GPU; not in the key."""
    threads: int = DEFAULT_THREADS
    """Processor threads, where a program's bits depend on them: then they are in the key; other stages use what there
    is."""
    checkpoint_s: float | None = None
    """Seconds between a training's checkpoints; not in the key."""

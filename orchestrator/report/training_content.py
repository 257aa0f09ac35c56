"""What a report tells of how an entrant came to be: trained, adopted, taken from a file, or not trained at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FeatureWeights = Literal["pretrained", "random"]
"""Weights of the feature networks of an experiment."""


@dataclass(frozen=True)
class CurveStep:
    """One recorded step of a training.

    Attributes:
        losses: Name to value, in the order in which they are shown; a value that is not finite is None.
        rate: The generator's learning rate.
        seconds: Since this training began, over all its attempts.
    """

    step: int
    epoch: int
    losses: Mapping[str, float | None]
    rate: float
    seconds: float | None


@dataclass(frozen=True)
class Memory:
    """What a training needed at most, as it found before it began.

    Attributes:
        device: "cpu" or "cuda".
        peak_bytes: Of the largest step.
        budget_bytes: None where nothing limited it.
        height: Of the largest step, pixels and samples.
        width: Of the largest step, pixels and samples.
        batch: Of the largest step, pixels and samples.
        savings: What it did to need no more.
    """

    device: str
    peak_bytes: int
    budget_bytes: int | None
    height: int
    width: int
    batch: int
    savings: tuple[str, ...]


@dataclass(frozen=True)
class Adoption:
    """Weights that somebody else trained.

    Attributes:
        format: "released" for a checkpoint of the authors' program, "own" for one of this program.
        tensors: How many there are.
        parameters: How many there are.
        checkpoint: Where it was.
        digest: SHA-256 of its names and contents.
    """

    format: str
    tensors: int
    parameters: int
    checkpoint: str
    digest: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class WrappedRange:
    """What a network's values are of a picture's: v = x * scale + shift, for each of its channels."""

    scale: tuple[float, ...]
    shift: tuple[float, ...]


@dataclass(frozen=True)
class Wrapped:
    """A network in an ONNX file from outside, and what was put around it.

    Attributes:
        file: The file's name.
        digests: SHA-256 of the file and of those that hold its data, by name.
        source: Where it comes from, in the experiment's words.
        input: The file's name of its input.
        outputs: The file's names of its outputs, by what they are called here.
        values: Of what kind those are that it takes, such as "float16".
        taken: The range of what it takes.
        answered: The range of what it answers.
        channels: "rgb" or "bgr"; "each" where each of the picture's goes through it alone.
        further_channels: What its channels behind those of the picture hold everywhere.
        multiple_of: What height and width are padded to multiples of.
        residual: "subtract" or "add" where its answer is no picture; else empty.
        free_size: Whether the one size that the file names was given up.
    """

    file: str
    digests: Mapping[str, str]
    source: str
    parameters: int
    opset: int
    input: str
    outputs: Mapping[str, str]
    values: str
    taken: WrappedRange
    answered: WrappedRange
    channels: str
    multiple_of: int
    residual: str
    free_size: bool
    further_channels: tuple[float, ...] = ()


@dataclass(frozen=True)
class Elsewhere:
    """Pictures of another program: the name of what they lay in, and the experiment's words on where they come from."""

    files: str
    source: str


@dataclass(frozen=True)
class Authors:
    """An authors' program as it is, of whose training nothing is known.

    Attributes:
        files: Name of its folder.
        image: What it ran in.
        command: What ran it, with placeholders.
        digests: SHA-256 over the contents of its folder, and of the weights besides, by their names.
        source: Where it comes from, in the experiment's words.
    """

    files: str
    image: str
    command: str
    digests: Mapping[str, str]
    source: str


@dataclass(frozen=True)
class Untrained:
    """A program that is not trained, and the numbers that it takes."""

    parameters: Mapping[str, float]


@dataclass(frozen=True)
class Training:
    """What a training left: its curve and its facts.

    Attributes:
        samples: Training samples seen, over all steps.
        parameters: Of the network.
        seconds: Time of the optimisation.
        waiting_s: Of these, spent waiting for samples.
    """

    curve: tuple[CurveStep, ...]
    steps: int
    epochs: int
    samples: int
    seconds: float | None
    features: FeatureWeights
    parameters: int
    notes: tuple[str, ...] = ()
    waiting_s: float = 0.0
    memory: Memory | None = None


Origin = Training | Adoption | Wrapped | Elsewhere | Authors | Untrained
"""How an entrant came to be."""

"""`train.json`: what a training was, and what it took."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Optional, Tuple

from stagekit.results.form import COUNT, FACT, PIXELS, Form, Unknown

Features = Literal["pretrained", "random"]
"""Weights of a feature network."""

Device = Literal["cpu", "cuda"]
"""What a program computes on."""


@dataclass(frozen=True)
class TrainingMemory:
    """What a training needed at most, as it found before it began.

    Attributes:
        device: What it computed on.
        peak_bytes: Of the largest step, measured.
        budget_bytes: What there was; missing where nothing limited it.
        height: Of the largest step's pictures, pixels.
        width: Of these, pixels.
        batch: Samples in the largest step.
        savings: What it did to need no more, in words.
    """

    device: Device
    peak_bytes: int = field(metadata=COUNT)
    height: int = field(metadata=PIXELS)
    width: int = field(metadata=PIXELS)
    batch: int = field(metadata=COUNT)
    savings: Tuple[str, ...]
    budget_bytes: Optional[int] = field(default=None, metadata=COUNT)
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class TrainFile(Form):
    """A training, written by `train`.

    Attributes:
        steps: Of the optimiser.
        epochs: That were gone through whole.
        samples: Training samples seen, over all steps.
        features: Which weights the losses' feature network had.
        parameters: Of the trained network.
        notes: What a reader must know, in sentences.
        seconds: Time of the optimisation, over all attempts.
        waiting_s: Of these, spent waiting for samples.
        memory: What it needed.
    """

    FILE_NAME: ClassVar[str] = "train.json"

    steps: int = field(metadata=COUNT)
    epochs: int = field(metadata=COUNT)
    samples: int = field(metadata=COUNT)
    features: Features
    parameters: int = field(metadata=COUNT)
    notes: Tuple[str, ...] = ()
    seconds: Optional[float] = field(default=None, metadata={**COUNT, **FACT})
    waiting_s: Optional[float] = field(default=None, metadata={**COUNT, **FACT})
    memory: Optional[TrainingMemory] = field(default=None, metadata=FACT)
    unknown: Unknown = field(default_factory=dict)

"""`adopt.json`: weights that somebody else trained."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Tuple

from stagekit.results.form import COUNT, Form, Unknown

AdoptFormat = Literal["released", "own"]
"""Whose checkpoint it was: of the authors' program, or of this project."""


@dataclass(frozen=True)
class AdoptFile(Form):
    """An adopted checkpoint, written by `adopt`.

    Attributes:
        format: 'released' for a checkpoint of the authors' program, 'own' for one of this project.
        tensors: How many there are.
        parameters: How many numbers they hold.
        notes: What a reader must know, in sentences.
    """

    FILE_NAME: ClassVar[str] = "adopt.json"

    format: AdoptFormat
    tensors: int = field(metadata=COUNT)
    parameters: int = field(metadata=COUNT)
    notes: Tuple[str, ...] = ()
    unknown: Unknown = field(default_factory=dict)

"""What a program is: a method in an image of its own that turns pictures into pictures, without training."""

from typing import Self

from pydantic import Field, model_validator

from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.model import Paper
from orchestrator.spec.numbers import Number, Truth


class Parameter(StrictModel):
    """A number that a program takes."""

    default: Number
    """The paper's value."""
    least: Number
    """Smallest value that it may have."""
    most: Number
    """Largest value that it may have."""
    meaning: str
    """What it does."""

    @model_validator(mode="after")
    def _default_fits(self) -> Self:
        if not self.least <= self.default <= self.most:
            raise ValueError(f"default {self.default:g} does not lie from {self.least:g} to {self.most:g}")
        return self


class ProgramSpec(StrictModel):
    """One file of program_specs/: a method that answers pictures by pictures, in its own software stack."""

    name: Name
    """How experiments name the program; equals the file's name."""
    title: str
    """What the report calls it."""
    about: str = ""
    """What it does, as the end of a sentence that begins with its name and "which"; empty: nothing is said."""
    paper: Paper
    """Where it was published."""
    image: Name
    """The image whose stage `predict` runs it."""
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    """The numbers that it takes."""
    default: Truth = False
    """Whether `sirr-orch remove` takes it where no model is named."""

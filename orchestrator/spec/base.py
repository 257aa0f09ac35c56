"""The strict base of everything that users write."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""A name that is safe as a folder, a label and a part of an address: lower case letters, digits, '.', '_' and '-'."""


@dataclass(frozen=True)
class Forms:
    """In an annotation: what may be written there in words, where the type alone names one of several forms."""

    words: str


class StrictModel(BaseModel):
    """A frozen model that forbids unknown fields; the docstring under a field is its description in the schema."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

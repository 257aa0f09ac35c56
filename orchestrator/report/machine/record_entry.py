"""What every part of report.json is made of."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat

Digest = str


class Entry(BaseModel):
    """A part of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True, use_attribute_docstrings=True)


class Missing(Entry):
    """Something that is not there."""

    not_measured: str
    """Why, in words."""


Infinite = Literal["inf"]
"""What no JSON number can say: the score of identical pictures."""

Score = FiniteFloat | Infinite | Missing
"""One score of one picture."""

Bound = FiniteFloat | Literal["inf", "-inf"]
"""One end of an interval of differences."""

"""Numbers that others published: which network scored what on which pictures, by which protocol, according to whom."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.numbers import REAL, Count, Weight
from orchestrator.spec.protocol import ProtocolName

Kind = Literal["paper", "re-run"]
"""Whether the authors of a paper printed a table, or somebody else ran released or retrained weights."""

Evidence = Literal["paper", "code", "issue", "computed", "third-party", "unconfirmed"]
"""How a number is known: read in the paper, in a program's files, in the thread of an issue, computed from the stored
files, measured by somebody else and not run again, or not established."""


class PublishedRow(StrictModel):
    """What one network scored on one set of pictures."""

    network: str = Field(min_length=1)
    """Name of a model spec where it is one of them, 'input' for the unprocessed picture, else its own name."""
    dataset: Name
    """Name of the dataset in the catalogue; a set that is not in it has a name of its own."""
    n: Count | None = None
    """Number of pictures; None where it is not stated."""
    variant: str = ""
    """What is known of the run: the pack, the script, the weights."""
    altered: str = ""
    """How its pictures differ from the set as its authors publish it, such as 'short edge 512'; then no difference to
    numbers on the published pictures means anything."""
    psnr: Annotated[float, Field(ge=-1000, le=1000), REAL] | None = None
    """In dB."""
    ssim: Annotated[float, Field(ge=-1, le=1), REAL] | None = None
    """As printed."""
    lpips: Weight | None = None
    """As printed."""
    note: str = ""
    """What a reader must know about this row."""
    evidence: Evidence | None = None
    """How this row is known; None takes the table's."""
    protocol: ProtocolName | None = None
    """The protocol of this row; None takes the table's."""

    @model_validator(mode="after")
    def _some_number(self) -> "PublishedRow":
        if self.psnr is None and self.ssim is None and self.lpips is None:
            raise ValueError("the row has no number")
        return self

    def value(self, metric: str) -> float | None:
        """Return the number of a metric; None where the row has none."""
        value: float | None = getattr(self, metric, None)
        return value


class PublishedTable(StrictModel):
    """One published table: one file of data/published/*.yaml."""

    name: Name
    """Equals the file's name."""
    title: str
    """What it is, for the report."""
    kind: Kind
    """Whether its authors are those of the networks' papers, or others who ran them again."""
    source: str
    """Where it stands."""
    evidence: Evidence
    """How its numbers are known."""
    protocol: ProtocolName | None = None
    """The protocol that its numbers were computed with; None where that is not known."""
    protocol_note: str = ""
    """What is known about how its numbers were computed."""
    notes: tuple[str, ...] = ()
    """What a reader must know about the whole table."""
    rows: tuple[PublishedRow, ...] = Field(min_length=1)
    """Its numbers."""

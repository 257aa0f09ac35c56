"""A published table whose numbers are not what they seem, cell by cell: what is known of it."""

from functools import cache

from pydantic import Field, model_validator

from orchestrator.resources import data_folder
from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.document import read_document
from orchestrator.spec.numbers import Amount
from orchestrator.spec.protocol import OwnProtocolName
from orchestrator.spec.validation import validated
from stagekit.measures import HOUSE, PROTOCOLS


class ExplainedNetwork(StrictModel):
    """One row of the table."""

    model: Name
    """Name of its model spec."""
    protocol: OwnProtocolName
    """The protocol that gives the table's numbers of this network."""
    training: str
    """How it was trained."""
    faults: dict[str, str] = Field(default_factory=dict)
    """What each metric of this row really measured: metric to text."""


class ExplainedDataset(StrictModel):
    """One column of the table."""

    name: Name
    """Name of the dataset in the catalogue."""
    claimed: Amount | None = None
    """How many pictures the table says there were."""
    logged: Amount | None = None
    """How many the program's own log shows."""
    note: str = ""
    """What else is known."""


class ExplainedCell(StrictModel):
    """One cell of which something is known."""

    dataset: Name
    """Column."""
    model: Name
    """Row."""
    metric: str = PROTOCOLS[HOUSE].metrics[0].name
    """Metric."""
    printed: str
    """What the table prints, as text: a number, a range, or a word."""
    note: str = ""
    """How that is known, or what follows from it."""


class ExplainedTable(StrictModel):
    """A published table that one of the protocols explains: one file of data/explained/*.yaml."""

    protocol: OwnProtocolName
    """The protocol that computes as the table's authors did; equals the file's name."""
    title: str
    """What the table is."""
    source: str
    """Where it stands."""
    conclusion: str
    """What its authors concluded."""
    verdict: str
    """What to think of that."""
    networks: tuple[ExplainedNetwork, ...]
    """Its rows."""
    datasets: tuple[ExplainedDataset, ...]
    """Its columns."""
    cells: tuple[ExplainedCell, ...]
    """What is known of single cells."""

    @model_validator(mode="after")
    def _cells_of_the_table(self) -> "ExplainedTable":
        rows, columns = {network.model for network in self.networks}, {dataset.name for dataset in self.datasets}
        for cell in self.cells:
            if cell.model not in rows or cell.dataset not in columns:
                raise ValueError(f"the table has no cell of {cell.model!r} on {cell.dataset!r}")
        if not PROTOCOLS[self.protocol].fault:
            raise ValueError(f"protocol {self.protocol!r} has no fault to explain")
        return self


@cache
def explained_tables() -> tuple[ExplainedTable, ...]:
    """Return all tables that can be explained.

    Raises:
        SpecError: Where a file is wrong.
    """
    folder = data_folder() / "explained"
    return tuple(validated(ExplainedTable, read_document(path)) for path in sorted(folder.glob("*.yaml")))

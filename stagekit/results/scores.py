"""`scores.json`: the scores of every picture in every metric of a protocol."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, Iterator, Mapping, Tuple, Union

from stagekit.results.form import BY_ID, COUNT, ID, INFINITE, NOT_EMPTY, Form, Unknown


@dataclass(frozen=True)
class NotMeasured:
    """A metric has no value for a picture.

    Attributes:
        not_measured: Why, as a phrase, such as 'there is no prediction'.
    """

    not_measured: str


Score = Union[float, NotMeasured]
"""A number, which may be infinite, or why there is none."""


@dataclass(frozen=True)
class PictureScores:
    """The scores of one picture.

    Attributes:
        id: The item of the dataset.
        values: By metric; a number, "inf", or an object that says why there is none.
    """

    id: str = field(metadata=ID)
    values: Mapping[str, Score] = field(metadata=INFINITE)
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class ScoresFile(Form):
    """The scores of an entrant or a control on a dataset, written by `evaluate`.

    `scores.csv` and `scores.parquet` beside it hold the same, one row for every picture and metric.

    Attributes:
        model: Label of the entrant, or name of the control.
        dataset: Name of the dataset.
        protocol: How it was scored.
        version: Of the protocol; it grows whenever a number would change.
        metrics: Names, in the protocol's order; every item has a value in each.
        items: In the order of the dataset.
        notes: What a reader must know of these scores.
        fault: What is wrong with the protocol, empty where nothing is.
    """

    FILE_NAME: ClassVar[str] = "scores.json"

    model: str
    dataset: str
    protocol: str = field(metadata=NOT_EMPTY)
    version: int = field(metadata=COUNT)
    metrics: Tuple[str, ...]
    items: Tuple[PictureScores, ...] = field(metadata=BY_ID)
    notes: Tuple[str, ...] = ()
    fault: str = ""
    unknown: Unknown = field(default_factory=dict)

    @classmethod
    def upgraded(cls, document: Dict[str, Any], schema: int) -> Dict[str, Any]:
        """Return the scores of an item as an object of their own; before version 1 they stood beside its id."""
        items = document.get("items")
        if schema or not isinstance(items, list):
            return document
        return {**document, "items": [_values_apart(item) for item in items]}

    def contradictions(self) -> Iterator[str]:
        """Yield which items have other metrics than the file says."""
        for item in self.items:
            if set(item.values) != set(self.metrics):
                found = ", ".join(sorted(item.values)) or "nothing"
                yield "item %r has %s; the metrics are %s" % (item.id, found, ", ".join(self.metrics))


def _values_apart(item: Any) -> Any:
    if not isinstance(item, dict) or isinstance(item.get("values"), dict):
        return item
    values = {name: value for name, value in item.items() if name != "id"}
    return {**({"id": item["id"]} if "id" in item else {}), "values": values}

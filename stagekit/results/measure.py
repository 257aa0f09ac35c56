"""`measure.json`: one number for every picture, by a metric of a plug-in."""

from dataclasses import dataclass, field
from typing import ClassVar, Tuple

from stagekit.results.form import BY_ID, ID, INFINITE, NOT_EMPTY, Form, Unknown
from stagekit.results.scores import Score


@dataclass(frozen=True)
class MeasuredItem:
    """What a metric says of one picture.

    Attributes:
        id: The item of the dataset.
        value: A number, "inf" where the metric may be infinite, or an object that says why there is none.
    """

    id: str = field(metadata=ID)
    value: Score = field(metadata=INFINITE)
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class MeasureFile(Form):
    """The numbers of a plug-in's metric, written by `measure`.

    Attributes:
        metric: Its name.
        dataset: Name of the dataset.
        items: All pictures of the dataset, in its order.
    """

    FILE_NAME: ClassVar[str] = "measure.json"

    metric: str = field(metadata=NOT_EMPTY)
    dataset: str = field(metadata=NOT_EMPTY)
    items: Tuple[MeasuredItem, ...] = field(metadata=BY_ID)
    unknown: Unknown = field(default_factory=dict)

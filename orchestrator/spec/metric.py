"""What a metric of a plug-in is: a number for every picture, computed by a program in an image of its own."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.numbers import WHOLE, Number
from stagekit.measures import PROTOCOLS, Direction, Metric, Scale

MetricName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""What files, tables and scripts call a metric."""

_Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class MetricSpec(StrictModel):
    """One file of metric_specs/: its entry in tables, and the image that computes it."""

    name: MetricName
    """How experiments name the metric: lower case letters, digits and '_'; equals the file's name."""
    title: Annotated[_Words, StringConstraints(max_length=40)]
    """What tables call it."""
    unit: Annotated[str, StringConstraints(max_length=20)] = ""
    """Empty where it has none."""
    decimals: Annotated[int, Field(ge=0, le=9), WHOLE] = 4
    """Digits after the point where that is enough to tell the values of a column apart."""
    better: Direction
    """Which of two values is better: 'higher' or 'lower'."""
    identical: Number | Literal["infinite"]
    """The value of identical pictures: a number, or 'infinite', as PSNR's; only then may a value be infinite."""
    least: Number | None = None
    """The smallest value that it can have; a smaller one fails its stage. None: there is no such bound."""
    most: Number | None = None
    """The largest value that it can have, as `least`."""
    definition: _Words
    """How it is computed, for somebody who knows the field."""
    source: str = ""
    """Who defined it, and where."""
    image: Name
    """The image whose stage `measure` computes it."""

    @model_validator(mode="after")
    def _range_holds_identical(self) -> Self:
        least = -math.inf if self.least is None else self.least
        most = math.inf if self.most is None else self.most
        if not least <= most:
            raise ValueError(f"least {self.least:g} is more than most {self.most:g}")
        if isinstance(self.identical, float) and not least <= self.identical <= most:
            raise ValueError(f"identical {self.identical:g} does not lie from least to most")
        if self.identical == "infinite" and self.better == "lower":
            raise ValueError("identical pictures cannot have an infinite value where lower is better")
        return self

    @property
    def entry(self) -> Metric:
        """The metric as protocols have it."""
        identical = math.inf if isinstance(self.identical, str) else self.identical
        scale = Scale(self.title, self.unit, self.decimals, self.better, identical)
        return Metric(self.name, "", scale, self.definition, image=self.image)


def built_in_metrics() -> dict[str, str]:
    """Return the names of this project's own metrics, with the protocol that has each first."""
    found: dict[str, str] = {}
    for protocol in PROTOCOLS.values():
        for metric in protocol.metrics:
            found.setdefault(metric.name, protocol.name)
    return found

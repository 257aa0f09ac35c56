"""`curves.json`: the losses of a training over its steps."""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, Mapping, Optional, Tuple

from stagekit.results.form import COUNT, FACT, Form, Unknown


@dataclass(frozen=True)
class CurvePoint:
    """The mean over neighbouring steps, at the last one's place.

    Attributes:
        step: Of the optimiser, counted from 1.
        epoch: Counted from 0.
        losses: By name; null where one was not finite.
        rate: The generator's learning rate.
        seconds: Since the training began, pauses left out.
    """

    step: int = field(metadata=COUNT)
    epoch: int = field(metadata=COUNT)
    losses: Mapping[str, Optional[float]]
    rate: float
    seconds: Optional[float] = field(default=None, metadata={**COUNT, **FACT})
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class CurvesFile(Form):
    """The course of a training, written by `train`.

    Attributes:
        steps: Points in the order of the steps; the last one is the last step's.
    """

    FILE_NAME: ClassVar[str] = "curves.json"

    steps: Tuple[CurvePoint, ...] = field(metadata={"unique": "step"})
    unknown: Unknown = field(default_factory=dict)

    @classmethod
    def upgraded(cls, document: Dict[str, Any], schema: int) -> Dict[str, Any]:
        """Return losses that are not finite as null; before version 1 they stood as JSON has no word for them."""
        points = document.get("steps")
        if schema or not isinstance(points, list):
            return document
        return {**document, "steps": [_finite_losses(point) for point in points]}


def _finite_losses(point: Any) -> Any:
    if not isinstance(point, dict) or not isinstance(point.get("losses"), dict):
        return point
    losses = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in point["losses"].items()
    }
    return {**point, "losses": losses}

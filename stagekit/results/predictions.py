"""`predictions.json`: what a network answered to the pictures of a dataset."""

from dataclasses import dataclass, field
from typing import ClassVar, Mapping, Optional, Tuple

from stagekit.results.form import BY_ID, COUNT, FACT, ID, INSIDE, PIXELS, Form, Unknown
from stagekit.results.left_out import LeftOut

ELSEWHERE = "computed elsewhere"
"""Mode and label of answers that no stage of inference has computed."""


@dataclass(frozen=True)
class TilePlanFacts:
    """How a picture went through a network in exact parts.

    Attributes:
        segments: Parts of the network that ran one after the other.
        tiles: Over all segments.
        expected_s: Seconds, as expected before it ran.
        expected_bytes: Of the process's memory, as expected before it ran.
        filed_bytes: Of maps that lay in files between segments.
    """

    segments: int = field(metadata=COUNT)
    tiles: int = field(metadata=COUNT)
    expected_s: float = field(metadata=COUNT)
    expected_bytes: int = field(metadata=COUNT)
    filed_bytes: int = field(metadata=COUNT)
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class PredictionItem:
    """What a network answered to one picture.

    Attributes:
        id: The item of the dataset.
        transmission: Picture file of the answer.
        height: Pixels.
        width: Pixels.
        min: Smallest value of the answer before it was clipped to 0 to 1.
        max: Largest value.
        reflection: Picture file, where the network has one.
        steps: Picture files of a cascade's transmissions, first to last, without the final one.
        seconds: Time that the network took.
        peak_bytes: The most memory that the process held.
        plan: How it went through, where it went in exact parts.
    """

    id: str = field(metadata=ID)
    transmission: str = field(metadata=INSIDE)
    height: int = field(metadata=PIXELS)
    width: int = field(metadata=PIXELS)
    min: float
    max: float
    reflection: Optional[str] = field(default=None, metadata=INSIDE)
    steps: Tuple[str, ...] = field(default=(), metadata=INSIDE)
    seconds: Optional[float] = field(default=None, metadata={**COUNT, **FACT})
    peak_bytes: Optional[int] = field(default=None, metadata={**COUNT, **FACT})
    plan: Optional[TilePlanFacts] = field(default=None, metadata=FACT)
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class PredictionsFile(Form):
    """A network's answers, written by `infer`, or a program's, written by `collect`.

    Attributes:
        model: The entrant's label.
        dataset: Name of the dataset.
        mode: Of inference, as the experiment names it, or `ELSEWHERE`.
        label: 'exact', 'approximate: ' and why, or `ELSEWHERE`.
        items: In the order of the dataset.
        runtime: What ran the network, name to version or device.
        warnings: What a reader must know.
        failed: Pictures without an answer, by id, where the stage goes on without them.
        copies: Control to the ids of pictures whose answer is that control's, pixel for pixel; absent where there are
            none, and where nobody looked.
    """

    FILE_NAME: ClassVar[str] = "predictions.json"

    model: str
    dataset: str
    mode: str
    label: str
    items: Tuple[PredictionItem, ...] = field(metadata=BY_ID)
    runtime: Mapping[str, str] = field(default_factory=dict, metadata=FACT)
    warnings: Tuple[str, ...] = ()
    failed: Optional[Tuple[LeftOut, ...]] = None
    copies: Optional[Mapping[str, Tuple[str, ...]]] = None
    unknown: Unknown = field(default_factory=dict)

"""An ONNX file as an entrant: what an experiment says of the network in it."""

import reprlib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.numbers import REAL, WHOLE, Number, Positive, Truth

Triple = tuple[Number, Number, Number]
Deviations = tuple[Positive, Positive, Positive]

_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_MOST_FURTHER = 64
_FORMS = "[LOW, HIGH] such as [0, 255] or [-1, 1], 'imagenet', or {mean: [R, G, B], std: [R, G, B]}"


class ValueRange(StrictModel):
    """What a network's values are: from `low` to `high`, or normalised by a mean and a deviation of each channel."""

    low: Annotated[Number, REAL] = 0
    """The value of black."""
    high: Annotated[Number, REAL] = 1
    """The value of white."""
    mean: Triple | None = None
    """Of each of the network's channels, where pictures go from 0 to 1; with `std`, in place of `low` and `high`."""
    std: Deviations | None = None
    """By which each channel is divided, once its mean is subtracted."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.mean is None) != (self.std is None):
            raise ValueError("'mean' and 'std' stand together")
        if self.mean is not None and {"low", "high"} & self.model_fields_set:
            raise ValueError("a range has either 'low' and 'high', or 'mean' and 'std'")
        if self.low >= self.high:
            raise ValueError(f"a range from {self.low:g} to {self.high:g} holds nothing: the larger number stands last")
        return self

    @property
    def scale(self) -> tuple[float, ...]:
        """What a channel of 0 to 1 is multiplied with."""
        return (self.high - self.low,) * 3 if self.std is None else tuple(1 / std for std in self.std)

    @property
    def shift(self) -> tuple[float, ...]:
        """What is added then."""
        if self.mean is None or self.std is None:
            return (self.low,) * 3
        return tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True))


def _from_short_form(value: object) -> object:
    if value == "imagenet":
        return _IMAGENET
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value)):
        return {"low": value[0], "high": value[1]}
    if isinstance(value, dict | ValueRange):
        return value
    raise ValueError(f"{reprlib.repr(value)} is no range of values: write {_FORMS}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


Range = Annotated[
    ValueRange,
    BeforeValidator(_from_short_form, json_schema_input_type=tuple[Number, Number] | Literal["imagenet"] | ValueRange),
]
"""A range of values as an experiment writes it."""


class OnnxChoice(StrictModel):
    """A network in an ONNX file, from wherever it is."""

    onnx: Path
    """The file. A relative path starts at this file; data that the network keeps in other files lie beside it."""
    name: Name
    """What this comparison calls it."""
    title: str = ""
    """What the report calls it; the name where empty."""
    source: str = ""
    """Where it comes from: paper, program, address, licence. Shown in the report."""
    input: str | None = Field(default=None, min_length=1)
    """The file's name of its input, which takes one picture, 1 x 3 x H x W, float32 or float16. None: the only one.
    Other numbers of channels: see `channels` and `further_channels`."""
    output: str | None = Field(default=None, min_length=1)
    """The file's name of the output that is the picture without its reflection. None: the only one, or the one that is
    called 'transmission'."""
    reflection: str | None = Field(default=None, min_length=1)
    """The file's name of the output that is the reflection; None where there is none, or it is called 'reflection'."""
    range: Range = ValueRange()
    """Values that it takes for black and white: [0, 1], [0, 255], [-1, 1] and so on; 'imagenet' for the mean and
    deviation that torchvision's networks take, or {mean: [R, G, B], std: [R, G, B]} of pictures of 0 to 1, in the order
    of the network's channels."""
    output_range: Range | None = None
    """Values of its answer for black and white. None: as `range`; must be said where that has a mean."""
    channels: Literal["rgb", "bgr", "each"] = "rgb"
    """Order of its channels, of its input and of its answers. 'each': it takes one channel and answers one, and red,
    green and blue go through it one after the other, each alone."""
    further_channels: Annotated[tuple[Number, ...], Field(max_length=_MOST_FURTHER)] = ()
    """Where it takes more channels than the picture has: one number for each of those behind, which holds everywhere,
    in the network's own values. Such as the noise level that a denoiser takes, or 1 for the opacity of RGBA. What it
    answers in these channels, where it answers with them, is left out."""
    multiple_of: Annotated[int, Field(ge=1, le=1024), WHOLE] = 1
    """Of which its height and width must be multiples: last row and column are repeated until they are, and the answer
    is cropped again."""
    residual: Literal["subtract", "add"] | Truth = False
    """Whether its answer has to be subtracted from the picture (true, or 'subtract') or added to it ('add'), in the
    network's own values: after `range`, before they become a picture again."""
    free_size: Truth = False
    """Whether the one height and width that the file names are those of an example, and its layers take any: then it
    is tried at others, and the report says so."""

    @model_validator(mode="after")
    def _answer_is_known(self) -> Self:
        if self.channels == "each" and (self.range.mean is not None or self.answered.mean is not None):
            raise ValueError("a network of one channel has one range for all colours: write 'range: [LOW, HIGH]'")
        if self.residual and self.output_range is not None:
            raise ValueError("a residual is in the values of 'range': leave 'output_range' out")
        if self.range.mean is not None and self.output_range is None and not self.residual:
            raise ValueError("with a mean in 'range', say what the answer is: 'output_range: [0, 1]' where a picture")
        if self.reflection is not None and self.reflection == self.output:
            raise ValueError(f"{self.output!r} cannot be both, the picture without its reflection and the reflection")
        return self

    @property
    def answered(self) -> ValueRange:
        """The range of its answer."""
        return self.range if self.output_range is None else self.output_range

    @property
    def residual_kind(self) -> Literal["", "subtract", "add"]:
        """What becomes of its answer and the picture; empty where the answer stands alone."""
        if isinstance(self.residual, str):
            return self.residual
        return "subtract" if self.residual else ""

    @property
    def input_channels(self) -> int:
        """How many channels its input has."""
        return self.answer_channels[-1] + len(self.further_channels)

    @property
    def answer_channels(self) -> tuple[int, ...]:
        """How many channels its answers may have: as many as its input, or the picture's alone, which stands last."""
        of_picture = 1 if self.channels == "each" else 3
        return (of_picture + len(self.further_channels), of_picture)

    @property
    def label(self) -> str:
        """The name under which the comparison shows it."""
        return self.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its runs: its own."""
        return (self.name,)

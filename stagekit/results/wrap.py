"""`wrap.json`: what an ONNX file from outside is, what was put around it, and how that compares with its file."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Mapping, Optional, Tuple

from stagekit.results.export import ExportCheck
from stagekit.results.form import COUNT, FACT, PIXELS, Form, Unknown


@dataclass(frozen=True)
class WrappedValues:
    """What a network's values are of a picture's: v = x * scale + shift, for each of the network's channels.

    Attributes:
        scale: Three factors, in the network's order of channels.
        shift: Three numbers.
    """

    scale: Tuple[float, ...]
    shift: Tuple[float, ...]
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class WrapFile(Form):
    """A network from outside, wrapped by `wrap`; the network itself is `network.onnx` beside it.

    Attributes:
        input: What the file calls its input.
        outputs: What the file calls its outputs, by what they are called now.
        kind: Of the values that it takes.
        file_opset: Version of ONNX's operators in the file.
        opset: In the network as it was written.
        parameters: How many numbers its constants hold.
        taken: The range of what it takes.
        answered: The range of what it answers.
        channels: Their order, as the network has them; "each" where it takes one, and each goes through it alone.
        multiple_of: What height and width are padded to multiples of.
        residual: Whether its answer is subtracted from the picture, or added to it.
        free_size: Whether the one size that the file names was given up.
        tolerance: Largest error that was allowed.
        further_channels: What its channels behind those of the picture hold everywhere, where it has such.
        checks: How the wrapped network compares with the file, what is put around it done by hand.
    """

    FILE_NAME: ClassVar[str] = "wrap.json"

    input: str
    outputs: Mapping[str, str]
    kind: str
    file_opset: int = field(metadata=COUNT)
    opset: int = field(metadata=COUNT)
    parameters: int = field(metadata=COUNT)
    taken: WrappedValues
    answered: WrappedValues
    channels: Literal["rgb", "bgr", "each"]
    multiple_of: int = field(metadata=PIXELS)
    residual: Literal["", "subtract", "add"]
    free_size: bool
    tolerance: float = field(metadata=COUNT)
    further_channels: Optional[Tuple[float, ...]] = None
    checks: Tuple[ExportCheck, ...] = field(default=(), metadata=FACT)
    unknown: Unknown = field(default_factory=dict)

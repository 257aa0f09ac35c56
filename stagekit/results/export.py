"""`export.json`: what an exported network is, and how it compares with the native one."""

from dataclasses import dataclass, field
from typing import ClassVar, Optional, Tuple

from stagekit.results.form import COUNT, FACT, PIXELS, Form, Unknown


@dataclass(frozen=True)
class ExportCheck:
    """One output for one fixed picture, as ONNX Runtime and as the native framework answer.

    Attributes:
        height: Of the picture, pixels.
        width: Of the picture, pixels.
        output: Name of the output.
        error: norm(out - ref) / norm(ref).
    """

    height: int = field(metadata=PIXELS)
    width: int = field(metadata=PIXELS)
    output: str
    error: float = field(metadata=COUNT)
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class ExportFile(Form):
    """An exported network, written by `export`; the network itself is `network.onnx` beside it.

    Attributes:
        inputs: Names of the network's inputs.
        outputs: Names of its outputs.
        opset: Version of ONNX's operators.
        tolerance: Largest error that was allowed.
        checks: What was measured.
        native: Name and version of the framework that was compared with.
    """

    FILE_NAME: ClassVar[str] = "export.json"

    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]
    opset: int = field(metadata=COUNT)
    tolerance: float = field(metadata=COUNT)
    checks: Tuple[ExportCheck, ...] = field(default=(), metadata=FACT)
    native: Optional[str] = field(default=None, metadata=FACT)
    unknown: Unknown = field(default_factory=dict)

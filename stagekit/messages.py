"""The JSON lines that a program prints; every line that is not one of them is log."""

import dataclasses
import json
import math
from typing import Any, Dict, Mapping, Optional, Union


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far the stage is: `done` of `total` `unit`s; metrics are scalars such as a loss or a learning rate."""

    done: float
    total: float
    unit: str
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A resumable state was written; `path` is relative to the work folder."""

    path: str
    done: float


@dataclasses.dataclass(frozen=True)
class WarningMessage:
    """Something the reader of the results must know; it travels into the report."""

    message: str


@dataclasses.dataclass(frozen=True)
class Note:
    """Something worth saying that takes nothing from the results, such as the memory that a training will need."""

    message: str


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why the program is about to end with a status other than 0."""

    failure_class: str
    message: str
    hint: Optional[str] = None


Message = Union[Progress, Checkpoint, WarningMessage, Note, Failure]

_CLASSES: Dict[str, Any] = {
    "progress": Progress,
    "checkpoint": Checkpoint,
    "warning": WarningMessage,
    "note": Note,
    "failure": Failure,
}
_NAMES = {cls: name for name, cls in _CLASSES.items()}


def encode(message: Message) -> str:
    """Return the one-line JSON form of a message, without the line's end.

    Scalars that are not finite become null: JSON has no name for them.
    """
    fields = dataclasses.asdict(message)
    if isinstance(message, Progress):
        fields["metrics"] = {
            name: float(value) if math.isfinite(value) else None for name, value in message.metrics.items()
        }
    return json.dumps({"sirr": _NAMES[type(message)], **fields}, allow_nan=False)


def decode(line: str) -> Optional[Message]:
    """Return the message that a line of output holds, or None where the line is log."""
    text = line.strip()
    if not text.startswith('{"sirr"'):
        return None
    try:
        fields = json.loads(text)
        cls = _CLASSES[fields.pop("sirr")]
        if cls is Progress:
            fields["metrics"] = {
                name: float("nan") if value is None else float(value) for name, value in fields["metrics"].items()
            }
        message: Message = cls(**fields)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return message

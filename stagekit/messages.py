"""The JSON lines that a program prints; every line that is not one of them is log."""

import dataclasses
import json
import math
import re
from typing import Any, Callable, Dict, Mapping, Optional, Union


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
        message: Message = cls(**{name: _READERS[name](value) for name, value in fields.items()})
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None
    return message


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("no number")
    return value


def _scalars(value: Any) -> Dict[str, float]:
    return {_text(name): math.nan if item is None else float(_number(item)) for name, item in value.items()}


def _text(value: Any) -> str:
    """Return a text that every terminal and file takes: halves of characters, which JSON can spell, are replaced."""
    return re.sub("[\ud800-\udfff]", "\ufffd", value)


_READERS: Dict[str, Callable[[Any], Any]] = {
    "done": _number,
    "total": _number,
    "metrics": _scalars,
    "hint": lambda value: None if value is None else _text(value),
    **dict.fromkeys(("unit", "path", "message", "failure_class"), _text),
}
"""What each field of a message is read by; raises where the value is of another kind."""

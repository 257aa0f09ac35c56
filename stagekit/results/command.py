"""`command.json`: what an authors' program left, beside the pictures themselves."""

from dataclasses import dataclass, field
from typing import ClassVar, Optional

from stagekit.results.form import COUNT, FACT, Form, Unknown


@dataclass(frozen=True)
class CommandFile(Form):
    """What the command of an authors' program left, written by `command`.

    Attributes:
        pictures: How many files it wrote.
        seconds: Time that it took, over all pictures.
    """

    FILE_NAME: ClassVar[str] = "command.json"

    pictures: int = field(metadata=COUNT)
    seconds: Optional[float] = field(default=None, metadata={**COUNT, **FACT})
    unknown: Unknown = field(default_factory=dict)

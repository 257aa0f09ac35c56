"""What a stage left out, where it was told to go on without it."""

from dataclasses import dataclass, field

from stagekit.results.form import NOT_EMPTY, Unknown


@dataclass(frozen=True)
class LeftOut:
    """A picture that could not be used.

    Attributes:
        name: Its file's name, or its item's id.
        reason: Why, as the end of a sentence that begins with its name.
    """

    name: str
    reason: str = field(metadata=NOT_EMPTY)
    unknown: Unknown = field(default_factory=dict)

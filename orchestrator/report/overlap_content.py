"""What a report tells of scenes that are trained on and tested on, as frozen values."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class OverlapPair:
    """A training scene that is a test scene too.

    Attributes:
        how: 'same pixels', or 'near-duplicate' with how much is alike.
    """

    train: str
    test: str
    how: str
    layers: str


@dataclass(frozen=True)
class Overlap:
    """What came of comparing what is trained on with what is tested on.

    Attributes:
        action: What was done about pairs that were found.
        reason: Why they were accepted, empty where they were not.
        trained: How many different pictures were compared.
        tested: How many different pictures were compared.
    """

    action: Literal["stop", "accept", "drop"]
    reason: str
    trained: int
    tested: int
    pairs: tuple[OverlapPair, ...]

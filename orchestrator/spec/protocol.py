"""Protocols as reports print them; what each of this project is stands in `stagekit.measures`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from orchestrator.spec.base import Name
from stagekit import measures

if TYPE_CHECKING:
    OwnProtocolName = str
else:
    OwnProtocolName = Literal[tuple(measures.PROTOCOLS)]
"""A protocol of this project."""

ProtocolName = Name
"""A named way of computing scores, as specs may name it: of this project, or of a plug-in."""

INFINITE_RULE = (
    "A mean is taken over the pictures whose score is finite. How many those are stands beside it, as in '99 of 100 "
    "finite', and the pictures that are left out are named. Where all are infinite, the mean reads '∞ (identical)'. A "
    "picture without a score, because its prediction is missing or has another size, makes the mean incomplete: it is "
    "marked, the picture is named with the reason, and nothing incomplete is ranked."
)
"""What becomes of scores that are infinite or missing; the same in every protocol and every table."""


@dataclass(frozen=True)
class ProtocolMetric:
    """One metric of a protocol.

    Attributes:
        definition: How it is computed, for somebody who knows the field.
        scale: How its values are shown; None for the metrics of this project, whose table says it.
        image: The image of a plug-in whose stage `measure` computes it; empty for those of this project.
        source: Who defined a metric of a plug-in.
        plugin: The plug-in that brings it; empty for those of this project.
    """

    name: str
    definition: str
    scale: measures.Scale | None = None
    image: str = ""
    source: str = ""
    plugin: str = ""


@dataclass(frozen=True)
class Protocol:
    """One way of scoring as a run has it, with the metrics that it measures.

    Attributes:
        version: Grows whenever a number that it gives would change; it is in the key of every evaluation.
        scored: What the scores are taken of.
        source: Who defined it.
        fault: Why it must not be believed, empty where it may.
    """

    name: ProtocolName
    version: int
    title: str
    scored: str
    metrics: tuple[ProtocolMetric, ...]
    source: str
    fault: str = ""

    @property
    def ranked(self) -> bool:
        """Whether its scores may be compared and the best of them marked."""
        return not self.fault

    @property
    def label(self) -> str:
        """Name and version, as reports print them; one that is faulty says so."""
        return f"{self.name} v{self.version}" + (", faulty" if self.fault else "")


def ranks(name: ProtocolName) -> bool:
    """Whether a protocol's scores may be compared; those of plug-ins always may."""
    return name not in measures.PROTOCOLS or measures.PROTOCOLS[name].ranked

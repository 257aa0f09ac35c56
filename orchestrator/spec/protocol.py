"""The protocols as specs choose them and reports print them; what each is stands in `stagekit.measures`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from stagekit import measures

if TYPE_CHECKING:
    ProtocolName = str
    MetricName = str
else:
    ProtocolName = Literal[tuple(measures.PROTOCOLS)]
    MetricName = Literal[tuple(metric.name for metric in measures.PROTOCOLS[measures.HOUSE].metrics)]
"""A named way of computing scores, and a metric of the house protocol, as specs may name them."""

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
    """

    name: str
    definition: str


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


def chosen_metrics(name: ProtocolName, chosen: tuple[str, ...]) -> tuple[measures.Metric, ...]:
    """Return the metrics of a protocol that an experiment measures.

    Args:
        chosen: The experiment's choice, which decides those of the house protocol, and everywhere those that need
            features.
    """
    return tuple(
        metric
        for metric in measures.PROTOCOLS[name].metrics
        if metric.name in chosen or (name != measures.HOUSE and not metric.features)
    )


def chosen_protocol(name: ProtocolName, chosen: tuple[str, ...]) -> Protocol:
    """Return a protocol with the metrics that an experiment measures; see `chosen_metrics`."""
    entry = measures.PROTOCOLS[name]
    metrics = tuple(ProtocolMetric(metric.name, metric.definition) for metric in chosen_metrics(name, chosen))
    return Protocol(entry.name, entry.version, entry.title, entry.scored, metrics, entry.source, entry.fault)

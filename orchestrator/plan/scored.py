"""What is scored, and the stages in which images of plug-ins compute metrics of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.plan.stage import Stage
from orchestrator.spec.library import Library
from orchestrator.spec.resolve import Resolved
from orchestrator.spec.scoring import chosen_metrics
from orchestrator.spec.stage_names import stage_name
from stagekit.measures import PROTOCOLS, Metric, Protocol


@dataclass(frozen=True)
class Scored:
    """The answers of an entrant, of a control, or of an epoch's weights, to one dataset of pairs.

    Attributes:
        label: Of the entrant, or the control's name.
        model: Name of the entrant's spec, or of the control.
        answers: The stage that left them; None for a control.
    """

    label: str
    model: str
    answers: str | None
    dataset: str

    @property
    def inputs(self) -> dict[str, str]:
        """Input name to stage, of what scores them."""
        found = {"dataset": stage_name("prepare", self.dataset)}
        return found if self.answers is None else {**found, "predictions": self.answers}


def measure_name(label: str, dataset: str, metric: str) -> str:
    """Return the name of the stage in which a plug-in's metric is computed."""
    return stage_name("measure", label, dataset, metric)


def brought_metrics(protocols: Iterable[str], resolved: Resolved) -> tuple[Metric, ...]:
    """Return the metrics of plug-ins that protocols have, each once, in their order."""
    chosen = resolved.experiment.metrics
    found = [metric for name in protocols for metric in chosen_metrics(name, chosen, resolved.library) if metric.image]
    return tuple({metric.name: metric for metric in found}.values())


def measure_stage(scored: Scored, metric: Metric, library: Library, **limits: Any) -> Stage:
    """Return the stage in which a metric of a plug-in is computed; no protocol's name or version is in its key.

    Args:
        limits: Memory, time and threads.
    """
    spec = library.metric(metric.name)
    return Stage(
        name=measure_name(scored.label, scored.dataset, metric.name),
        kind="measure",
        image=metric.image,
        settings={
            "model": scored.model,
            "control": scored.answers is None,
            "metric": metric.name,
            "range": [spec.least, spec.most],
            "infinite": isinstance(spec.identical, str),
        },
        inputs=scored.inputs,
        **limits,
    )


def composition(protocol: Protocol) -> Mapping[str, Any]:
    """Return what an evaluation must be told of a protocol that this project's table does not have."""
    if protocol.name in PROTOCOLS:
        return {}
    return {
        "border": protocol.border,
        "floats": protocol.floats,
        "entries": {metric.name: _entry(metric) for metric in protocol.metrics if not metric.image},
    }


def _entry(metric: Metric) -> str:
    """Return where this project's table has a metric, as 'protocol.metric'."""
    own = next(protocol for protocol in PROTOCOLS.values() if metric in protocol.metrics)
    return f"{own.name}.{metric.name}"

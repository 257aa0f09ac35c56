"""Which metrics of which protocols an experiment measures, those of plug-ins among them."""

from collections.abc import Iterable

from orchestrator.spec.library import Library, built_in
from orchestrator.spec.protocol import Protocol, ProtocolMetric, ProtocolName
from stagekit.measures import HOUSE, Metric


def chosen_metrics(name: ProtocolName, chosen: Iterable[str], library: Library | None = None) -> tuple[Metric, ...]:
    """Return the metrics of a protocol that an experiment measures.

    Args:
        chosen: The experiment's choice, which decides those of the house protocol, to which the ones of plug-ins are
            added, and everywhere those that need features.
        library: What can be named; None: what this project has.

    Raises:
        SpecError: Where the file of a plug-in's protocol or metric is wrong.
    """
    library, wanted = library or built_in(), tuple(chosen)
    own = tuple(
        metric
        for metric in library.protocol(name).metrics
        if metric.name in wanted or (name != HOUSE and not metric.features)
    )
    if name != HOUSE:
        return own
    return (*own, *(library.metric(one).entry for one in wanted if one in library.metric_names))


def chosen_protocol(name: ProtocolName, chosen: Iterable[str], library: Library | None = None) -> Protocol:
    """Return a protocol with the metrics that an experiment measures; see `chosen_metrics`."""
    library = library or built_in()
    entry = library.protocol(name)
    metrics = tuple(_as_measured(metric, library) for metric in chosen_metrics(name, chosen, library))
    return Protocol(entry.name, entry.version, entry.title, entry.scored, metrics, entry.source, entry.fault)


def _as_measured(metric: Metric, library: Library) -> ProtocolMetric:
    if not metric.image:
        return ProtocolMetric(metric.name, metric.definition)
    return ProtocolMetric(
        metric.name,
        metric.definition,
        scale=metric.scale,
        image=metric.image,
        source=library.metric(metric.name).source,
        plugin=library.plugin_name("metric", metric.name),
    )

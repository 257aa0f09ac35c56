"""From what a stage's settings say of a protocol to its metrics, and to the functions that the table gives them."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from stagekit import BadInput
from stagekit.measures import PROTOCOLS, Metric, Protocol


def asked_protocol(name: str, version: int, settings: Mapping[str, Any]) -> Protocol:
    """Return a protocol: this table's, or one of a plug-in, which is made of this table's metrics.

    Args:
        settings: Of the stage. Of a plug-in's protocol they say the metrics (`entries`, as 'protocol.metric'), the
            `border` and whether it takes `floats`.

    Raises:
        BadInput: Where there is no such protocol, or in another version only, or it names a metric that is not here.
    """
    if "entries" in settings:
        return _composed(name, version, settings)
    if name not in PROTOCOLS:
        raise BadInput(f"there is no protocol {name!r}; there are {', '.join(PROTOCOLS)}")
    found = PROTOCOLS[name]
    if version != found.version:
        raise BadInput(
            f"protocol {name!r} is asked for in version {version}; here it is in version {found.version}",
            "build the image again",
        )
    return found


def _composed(name: str, version: int, settings: Mapping[str, Any]) -> Protocol:
    metrics = []
    for entry in settings["entries"].values():
        protocol, _, metric = entry.rpartition(".")
        try:
            metrics.append(PROTOCOLS[protocol].metric(metric))
        except KeyError:
            raise BadInput(f"protocol {name!r} names the metric {entry!r}, which is not here") from None
    floats, border = bool(settings["floats"]), int(settings["border"])
    return Protocol(name, version, name, "", tuple(metrics), "", floats=floats, border=border)


def chosen_metrics(protocol: Protocol, names: Sequence[str]) -> tuple[Metric, ...]:
    """Return the metrics that a protocol shall give, in the given order.

    Raises:
        BadInput: Where it has no such metric.
    """
    known = {metric.name: metric for metric in protocol.metrics}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(f"protocol {protocol.name!r} has no metric {', '.join(unknown)}; it has {', '.join(known)}")
    return tuple(known[name] for name in names)


def function_of(metric: Metric) -> Any:
    """Return what computes a metric: a function of a prediction and its truth, or a class of a feature network."""
    module, _, name = metric.function.partition(":")
    return getattr(importlib.import_module(module), name)

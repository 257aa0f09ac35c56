"""From the names in a stage's settings to the functions that the table of metrics gives them."""

import importlib
from collections.abc import Sequence
from typing import Any

from stagekit import BadInput
from stagekit.measures import PROTOCOLS, Metric


def chosen_metrics(protocol: str, version: int, names: Sequence[str]) -> tuple[Metric, ...]:
    """Return the metrics that a protocol shall give, in the given order.

    Raises:
        BadInput: Where there is no such protocol, in another version only, or it has no such metric.
    """
    if protocol not in PROTOCOLS:
        raise BadInput(f"there is no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    found = PROTOCOLS[protocol]
    if version != found.version:
        raise BadInput(
            f"protocol {protocol!r} is asked for in version {version}; here it is in version {found.version}",
            "build the image again",
        )
    known = {metric.name: metric for metric in found.metrics}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(f"protocol {protocol!r} has no metric {', '.join(unknown)}; it has {', '.join(known)}")
    return tuple(known[name] for name in names)


def function_of(metric: Metric) -> Any:
    """Return what computes a metric: a function of a prediction and its truth, or a class of a feature network."""
    module, _, name = metric.function.partition(":")
    return getattr(importlib.import_module(module), name)

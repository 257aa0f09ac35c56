"""What kind of work a stage is, as far as its time goes: stages of one task differ in their amounts alone."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.plan.keys import canonical_json

_NO_SHAPE = ("tolerance", "features", "snapshot")
"""Settings of an export that leave the network as it is."""

_TELLING = {
    "train": ("model",),
    "adopt": ("model",),
    "export": ("model",),
    "infer": ("inference", "arrays"),
    "predict": ("model", "parameters"),
    "command": ("command",),
    "evaluate": ("protocol", "metrics"),
    "measure": ("metric",),
}
"""Settings that decide how long a stage takes, beside its pictures."""


def task_of(document: Mapping[str, Any], network: Mapping[str, Any] | None, shapes: Mapping[str, Sequence[str]]) -> str:
    """Return the name of a stage's task: plain JSON.

    Args:
        document: What the stage's key is made of, or as much of it as is known: kind, image, settings, device and
            sources are read.
        network: What its network is, by `network_of`; None where it has none.
        shapes: Fields of recipes that shape the network, by model.

    Raises:
        KeyError: Where the document lacks a field.
        TypeError: Where one is of another kind.
    """
    settings = document["settings"]
    return canonical_json(
        {
            "kind": document["kind"],
            "image": document["image"],
            "device": document["device"],
            **_what(document["kind"], settings, document.get("sources", {}), shapes),
            **({} if network is None else {"network": dict(network)}),
        }
    )


def surplus(task: str, less: str) -> int | None:
    """Return how many metrics more a task measures than one that is alike otherwise; None where it is no such task.

    Raises:
        ValueError: Where one is no task's name.
    """
    if task == less:
        return 0
    if '"metrics"' not in less:  # most have none, and there are thousands to read
        return None
    whole, part = json.loads(task), json.loads(less)
    more, fewer = whole.pop("metrics", None), part.pop("metrics", None)
    if whole != part or not more or not fewer or not set(fewer) < set(more):
        return None
    return len(more) - len(fewer)


def network_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a network is, by the document of the stage that exports or wraps it: a model and its shape, a file.

    Raises:
        KeyError: Where the document lacks a field.
        TypeError: Where one is of another kind.
    """
    if document["kind"] == "wrap":
        return {"file": document["sources"]["network"]}
    return {name: value for name, value in document["settings"].items() if name not in _NO_SHAPE}


def _what(
    kind: str, settings: Mapping[str, Any], sources: Mapping[str, Any], shapes: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return what tells stages of a kind apart."""
    told = {name: settings.get(name) for name in _TELLING.get(kind, ())}
    match kind:
        case "train":
            shape = {name: settings["recipe"].get(name) for name in sorted(shapes.get(settings["model"], ()))}
            return {**told, "shape": shape}
        case "prepare":
            return {"role": _role(settings["dataset"])}
        case "command":
            return {**told, "program": sources["source"]}
        case _:
            return told


def _role(dataset: Mapping[str, Any]) -> str:
    """Return what a prepared dataset holds, by its description in settings."""
    if dataset["kind"] == "scenes":
        return "layers" if dataset["blend"] is None else "pairs"
    return str(dataset.get("role") or dataset["kind"])

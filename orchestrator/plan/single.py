"""Stages that stand in no experiment's plan: a release of weights, an explanation of a network's way."""

from collections.abc import Mapping
from typing import Any

from orchestrator.plan.stage import Source, Stage
from orchestrator.spec.resolve import ADOPTED_FIELDS
from orchestrator.spec.stage_names import stage_name


def explain_stage(label: str, settings: Mapping[str, Any], *, memory_bytes: int | None = None) -> Stage:
    """Return the stage that says how pictures would go through a network.

    The memory is in its settings too: it decides what is said.

    Args:
        settings: Sizes, where there is no dataset.
    """
    return Stage(
        name=stage_name("explain", label),
        kind="explain",
        image="inference",
        settings={**settings, "memory": memory_bytes},
        memory_bytes=memory_bytes,
    )


def release_stage(label: str, model: str, image: str, recipe: Mapping[str, Any], weights: Source) -> Stage:
    """Return the stage that writes weights as the authors' program reads them.

    Args:
        model: Name of the model spec.
        recipe: Its values by name.
        weights: Output of the stage that left them.
    """
    return Stage(
        name=stage_name("release", label),
        kind="release",
        image=image,
        settings={"model": model, **network_shape(recipe)},
        sources={"weights": weights},
    )


def network_shape(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a recipe that shape the network itself."""
    return {name: values[name] for name in sorted(ADOPTED_FIELDS) if name in values}

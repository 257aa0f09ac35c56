"""Stages that stand in no experiment's plan: a release of weights, an explanation of a network's way."""

from collections.abc import Mapping
from typing import Any

from orchestrator.plan.stage import Source, Stage
from orchestrator.spec.model import ModelSpec
from orchestrator.spec.recipe import Recipe
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


def release_stage(label: str, model: str, image: str, shape: Mapping[str, Any], weights: Source) -> Stage:
    """Return the stage that writes weights as the authors' program reads them.

    Args:
        model: Name of the model spec.
        shape: The values of its recipe that shape the network, by name.
        weights: Output of the stage that left them.
    """
    return Stage(
        name=stage_name("release", label),
        kind="release",
        image=image,
        settings={"model": model, **shape},
        sources={"weights": weights},
    )


def network_shape(spec: ModelSpec, recipe: Recipe) -> dict[str, Any]:
    """Return the values of a recipe that shape the network itself."""
    return {name: recipe.values[name] for name in sorted(spec.shaped_by) if name in recipe.values}

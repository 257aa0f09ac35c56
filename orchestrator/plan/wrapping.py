"""The stage that makes of an ONNX file from outside a network as all others are."""

from typing import Any

from orchestrator.plan.stage import Digest, Source, Stage
from orchestrator.spec.onnx_choice import ValueRange
from orchestrator.spec.onnx_network import ResolvedOnnx
from orchestrator.spec.stage_names import stage_name

ONNX = "onnx"
"""What stands in settings of such a network in place of a model spec's name; its own name decides no result."""


def wrap_stage(network: ResolvedOnnx, digest: Digest, **limits: Any) -> Stage:
    """Return the stage that puts around a network what the experiment declares, and tries it.

    The content of the file and of those that hold its data decides, never a path.

    Args:
        limits: Memory, time and threads of the stage.
    """
    choice = network.choice
    inputs = {location: f"data-{number}" for number, location in enumerate(network.data)}
    files = {"network": network.path, **{inputs[location]: path for location, path in network.data.items()}}
    return Stage(
        name=stage_name("wrap", network.label),
        kind="wrap",
        image="inference",
        settings={
            "input": network.input,
            "outputs": dict(network.outputs),
            "data": inputs,
            "taken": _range(choice.range),
            "answered": _range(choice.answered),
            "channels": choice.channels,
            "multiple_of": choice.multiple_of,
            "residual": choice.residual_kind,
            "free_size": choice.free_size,
            **({"further_channels": list(choice.further_channels)} if choice.further_channels else {}),
        },
        sources={name: Source(path, digest(path)) for name, path in files.items()},
        **limits,
    )


def _range(values: ValueRange) -> dict[str, list[float]]:
    return {"scale": list(values.scale), "shift": list(values.shift)}

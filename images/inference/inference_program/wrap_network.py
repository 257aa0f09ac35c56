"""The stage `wrap`: an ONNX file from outside becomes a network of the project's contract, and is tried."""

import math
from pathlib import Path
from typing import Any

import onnx

from netkit.malformed import Malformed
from netkit.onnx_outside import load_outside
from netkit.onnx_trial import Trial, tried
from netkit.onnx_wrapping import Channels, ValueRange, Wrapping, form_of, input_of, opset_of, wrapped
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.onnx_network import NetworkError, Resources
from stagekit import BadInput, StageContext, write_atomically
from stagekit.results.apart import save_apart
from stagekit.results.wrap import WrapFile, WrappedValues

_HINT = "change the file, or what the experiment says of it; docs/how-to/compare-your-own.md says what can be said"

_FAR_BEYOND = 4.0
"""Answers to the trial's pictures that are so large are no pictures of 0 to 1, however badly a network is trained."""

_NO_PICTURE = 1 / 64
"""Answers that differ by less, all over pictures that go from 0 to 1, are hardly pictures."""


def wrap_network(context: StageContext) -> None:
    """Write ``network.onnx``, the input `network` with what the settings declare put around it, and ``wrap.json``.

    Raises:
        BadInput: Where the file cannot be used, is not as declared, or fails with the pictures that are tried.
    """
    wrapping = _declared(context)
    data = {location: context.input(name) for location, name in context.setting("data").items()}
    try:
        model = load_outside(context.input("network"), data)
        made = wrapped(model, wrapping)
        with write_atomically(context.output("network.onnx")) as stream:
            stream.write(made.SerializeToString(deterministic=True))
        trial = tried(model, made, wrapping, context.request.threads)
        _refuse_other_contract(context, trial)
    except (Malformed, NetworkError) as error:
        raise BadInput(f"the ONNX file cannot be used: {error}", _HINT) from error
    _warn_of_range(context, trial)
    save_apart(_report(model, made, wrapping, trial), context.output(), context.facts())


def _declared(context: StageContext) -> Wrapping:
    return Wrapping(
        input=context.setting("input"),
        outputs=context.setting("outputs"),
        taken=_range(context.setting("taken")),
        answered=_range(context.setting("answered")),
        channels=Channels(context.setting("channels"), tuple(context.request.settings.get("further_channels", ()))),
        multiple=context.setting("multiple_of"),
        residual=context.setting("residual"),
        free_size=context.setting("free_size"),
    )


def _range(values: dict[str, Any]) -> ValueRange:
    return ValueRange(tuple(values["scale"]), tuple(values["shift"]))


def _refuse_other_contract(context: StageContext, trial: Trial) -> None:
    """Raise NetworkError where inference would refuse what was written."""
    engine = InferenceEngine(Path(context.output("network.onnx")), Resources())
    for check in trial.checks:
        engine.graph(Size(check.height, check.width))


def _warn_of_range(context: StageContext, trial: Trial) -> None:
    least, most = f"{trial.least:.3g}", f"{trial.most:.3g}"
    if max(-trial.least, trial.most) > _FAR_BEYOND:
        context.warn(
            f"the network's answers to trial pictures go from {least} to {most}, where 0 to 1 is meant: is its range "
            "declared as it is?"
        )
    elif trial.most - trial.least < _NO_PICTURE:
        context.warn(
            f"the network answers almost the same everywhere, from {least} to {most}: is its range declared as it is?"
        )


def _report(model: onnx.ModelProto, made: onnx.ModelProto, wrapping: Wrapping, trial: Trial) -> WrapFile:
    return WrapFile(
        input=wrapping.input,
        outputs=wrapping.outputs,
        kind=form_of(input_of(model, wrapping))[0],
        file_opset=opset_of(model),
        opset=opset_of(made),
        parameters=sum(math.prod(tensor.dims) for tensor in model.graph.initializer),
        taken=WrappedValues(wrapping.taken.scale, wrapping.taken.shift),
        answered=WrappedValues(wrapping.answered.scale, wrapping.answered.shift),
        channels=wrapping.channels.order,
        further_channels=wrapping.channels.further or None,
        multiple_of=wrapping.multiple,
        residual=wrapping.residual,
        free_size=wrapping.free_size,
        tolerance=trial.tolerance,
        checks=trial.checks,
    )

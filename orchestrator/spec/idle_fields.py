"""Fields of an experiment that change nothing, as what would read them has no part in it."""

from collections.abc import Iterator

from orchestrator.errors import SpecError
from orchestrator.spec.document import Document, Location, place_of, read_document
from orchestrator.spec.resolve import Resolved

_OF_TRAINING = ("train", "accept_overlap", "drop_overlap", "checkpoint_minutes", "device_memory")


def idle_warnings(resolved: Resolved) -> Iterator[str]:
    """Yield for each field that was written and changes nothing where it stands, and why, in a sentence."""
    document = _document(resolved)
    for location, why in _idle(resolved):
        place = place_of(document, location)
        field = ".".join(map(str, location))
        yield f"warning: {place.name if place else resolved.path}: {field} changes nothing: {why}"


def _document(resolved: Resolved) -> Document | None:
    try:
        return read_document(resolved.path)
    except SpecError:
        return None


def _idle(resolved: Resolved) -> Iterator[tuple[Location, str]]:
    experiment = resolved.experiment
    written = experiment.model_fields_set
    if all(model.checkpoint is not None for model in resolved.models):
        for name in _OF_TRAINING:
            if name in written and getattr(experiment, name) not in {None, False}:
                yield (name,), "no network is trained here"
    elif "device_memory" in written and experiment.device_memory is not None and experiment.device != "cuda":
        yield ("device_memory",), f"it is a GPU's, and 'device' is {experiment.device!r}"
    if "features_folder" in written and experiment.features == "random":
        yield ("features_folder",), "'features' is 'random', so that no file is read"
    yield from _idle_inference(resolved)
    for name in experiment.datasets:
        if name not in resolved.datasets:
            yield ("datasets", name), "neither 'test' nor 'train' names it"


def _idle_inference(resolved: Resolved) -> Iterator[tuple[Location, str]]:
    inference = resolved.experiment.inference
    if "inference" not in resolved.experiment.model_fields_set:
        return
    if not resolved.models and not resolved.onnx_files:
        yield ("inference",), "no network takes part that pictures would go through"
        return
    for name in ("tile", "overlap"):
        if name in inference.model_fields_set and inference.mode != "tiles":
            rest = "" if inference.mode == "whole" else ", but for networks that cannot be computed in parts"
            yield ("inference", name), f"it is of mode 'tiles', and this is {inference.mode!r}{rest}"

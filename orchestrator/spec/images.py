"""What is wrong with the images of an experiment's entrants: found at planning, not after hours."""

from collections.abc import Iterator

from orchestrator.errors import SpecError
from orchestrator.spec.document import Document, Location, place_of
from orchestrator.spec.entrants import AnyChoice, ModelChoice, ProgramChoice
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.library import Library
from orchestrator.spec.names import StageKind
from orchestrator.spec.problems import Problem, suggestion
from orchestrator.spec.scoring import chosen_metrics

TOOL_IMAGES = ("inference", "metrics")
"""The images that every comparison needs besides those of its entrants."""


def image_problems(experiment: Experiment, library: Library, document: Document | None) -> Iterator[Problem]:
    """Yield images that are not there, run no stage of a kind that is needed, or cannot be built for the device.

    Whether the device is there only an engine can tell.

    Raises:
        SpecError: Where the description of an image is wrong by itself.
    """
    images: list[str] = []
    for number, choice in enumerate(experiment.models):
        needed = _needed(choice, library)
        if needed is None:
            continue
        image, kinds, described = needed
        location: Location = ("models", number, "program" if isinstance(choice, ProgramChoice) else "model")
        found = list(_kind_problems(image, kinds, described, library, document, location))
        yield from found
        images += [] if found else [image]
    for metric, location in _brought_metrics(experiment, library):
        described = str(library.path_of("metric", metric))
        image = library.metric(metric).image
        found = list(_kind_problems(image, ("measure",), described, library, document, location))
        yield from found
        images += [] if found else [image]
    for image in dict.fromkeys((*images, *TOOL_IMAGES)):
        if image in library.image_names and experiment.device not in library.image(image).variants:
            words = f"image {image!r} has no variant for device {experiment.device!r}"
            yield Problem(words, place_of(document, ("device",)), "choose another device")


def _brought_metrics(experiment: Experiment, library: Library) -> Iterator[tuple[str, Location]]:
    """Yield the metrics of plug-ins that are measured, each once, and what of the experiment asks for them."""
    seen = set()
    for number, protocol in enumerate(experiment.protocols):
        try:
            chosen = chosen_metrics(protocol, experiment.metrics, library)
        except SpecError:
            continue  # a wrong file is told by itself
        for metric in chosen:
            if metric.image and metric.name not in seen:
                seen.add(metric.name)
                named = metric.name in experiment.metrics
                location = ("metrics", experiment.metrics.index(metric.name)) if named else ("protocols", number)
                yield metric.name, location


def _needed(choice: AnyChoice, library: Library) -> tuple[str, tuple[StageKind, ...], str] | None:
    """Return an entrant's image, the kinds of stages that it must run, and the file that names it; None for none."""
    try:
        if isinstance(choice, ProgramChoice):
            return library.program(choice.program).image, ("predict",), str(library.path_of("program", choice.program))
        if isinstance(choice, ModelChoice):
            kinds: tuple[StageKind, ...] = ("train" if choice.weights is None else "adopt", "export")
            return library.model(choice.model).image, kinds, str(library.path_of("model", choice.model))
    except SpecError:
        return None  # an unknown or wrong name is told by itself
    return None


def _kind_problems(
    image: str,
    kinds: tuple[StageKind, ...],
    described: str,
    library: Library,
    document: Document | None,
    location: Location,
) -> Iterator[Problem]:
    if image not in library.image_names:
        close = suggestion(image, library.image_names)
        words = f"there is no image {image!r}, which {described} names under 'image:'{close}"
        yield Problem(words, place_of(document, location), "correct the name there, or add images/NAME/image.yaml")
        return
    spec = library.image(image)
    lacking = [kind for kind in kinds if kind not in spec.kinds]
    if lacking:
        words = f"the image {image!r} runs no stage of kind {', '.join(lacking)}; it runs {', '.join(spec.kinds)}"
        hint = f"add the kind to its program and to 'kinds:' in {library.path_of('image', image)}"
        yield Problem(words, place_of(document, location), hint)

"""The conformance run for authors of plug-ins: one line a check, each with a remedy where it fails."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from orchestrator.conformance.check_line import Check, CheckRequest, failed
from orchestrator.conformance.files import Brought, own_checks, static_checks
from orchestrator.conformance.network_trial import INFERENCE
from orchestrator.conformance.networks import network_checks
from orchestrator.conformance.programs import program_checks
from orchestrator.conformance.trial import Trials
from orchestrator.engine.protocol import Environment
from orchestrator.errors import SirrError
from orchestrator.execute.build import build_images, chosen_engine
from orchestrator.execute.stopper import Stopper
from orchestrator.spec.image import ImageSpec
from orchestrator.spec.library import Library
from orchestrator.store.store import Store


def plugin_checks(folder: Path, base: Library, request: CheckRequest) -> Iterator[Check]:
    """Yield every check of a plug-in folder, as soon as it is made.

    Args:
        folder: Or, where there is no such folder, the name of a network or program of this project.
        base: What can be named besides.

    Raises:
        EngineUnavailable: Where no engine answers.
        Cancelled: Where the user stops it; its programs have ended then, and nothing is left of its trials.
    """
    brought: Brought | None = None
    known = not folder.is_dir() and str(folder) in (*base.program_names, *base.model_names)
    for found in own_checks(str(folder), base) if known else static_checks(folder, base):
        if isinstance(found, Brought):
            brought = found
        else:
            yield found
    if brought is None:
        return
    if request.static:
        yield Check("plug-in", "building and running what it brings", "not checked", "files alone were asked for")
        return
    built: dict[str, Environment] = {}
    for image in _images(brought).values():
        yield from _built(image, request, built)
    stopper = Stopper()
    with stopper.listening():
        for name in brought.programs:
            needed = [brought.library.program(name).image]
            yield from _tried(f"program {name}", program_checks, needed, brought, built, request, stopper)
        for name in brought.networks:
            needed = [brought.library.model(name).image, INFERENCE]
            yield from _tried(f"network {name}", network_checks, needed, brought, built, request, stopper)


def _images(brought: Brought) -> dict[str, ImageSpec]:
    """Return the images that a plug-in brings, and those that its programs and networks need besides."""
    library = brought.library
    needed = [library.program(name).image for name in brought.programs]
    needed += [library.model(name).image for name in brought.networks]
    needed += [INFERENCE] if brought.networks else []
    return {**{image.name: image for image in brought.images}, **{name: library.image(name) for name in needed}}


def _tried(
    subject: str,
    checks: Callable[[str, Trials], Iterator[Check]],
    images: Sequence[str],
    brought: Brought,
    built: Mapping[str, Environment],
    request: CheckRequest,
    stopper: Stopper,
) -> Iterator[Check]:
    """Yield the checks of a program or network in a store of its own, which goes away with them."""
    lacking = [image for image in images if image not in built]
    if lacking:
        yield Check(subject, "running it", "not checked", f"the image {lacking[0]!r} was not built")
        return
    engine = chosen_engine(request.engine, request.store).engine.name
    with Store(request.store).scratch("plugin-check") as folder:
        environments = {image: built[image] for image in images}
        yield from checks(subject.partition(" ")[2], Trials(brought.library, engine, environments, folder, stopper))


def _built(image: ImageSpec, request: CheckRequest, built: dict[str, Environment]) -> Iterator[Check]:
    subject = f"image {image.name}"
    if "cpu" in image.variants:
        title = "variant cpu builds and passes its smoke test"
        selection = chosen_engine(request.engine, request.store)
        try:
            for one in build_images([image], "cpu", selection, request.store, request.settings, request.say):
                built[image.name] = one.environment
                how = "as it was built before" if one.already else "built now"
                yield Check(subject, title, "passed", f"{how}, {one.environment.engine}")
        except SirrError as error:
            yield failed(subject, title, error, "read the lines above")
    for variant in image.variants:
        if variant != "cpu":
            yield Check(subject, f"variant {variant} builds", "not checked", "variant cpu alone is built here")

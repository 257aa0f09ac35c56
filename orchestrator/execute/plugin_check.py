"""The conformance run for authors of plug-ins: one line a check, each with a remedy where it fails."""

from collections.abc import Iterator
from pathlib import Path

from orchestrator.engine.protocol import Environment
from orchestrator.errors import SirrError
from orchestrator.execute.build import build_images, chosen_engine
from orchestrator.execute.check_line import Check, CheckRequest, failed
from orchestrator.execute.plugin_files import Brought, static_checks
from orchestrator.execute.plugin_programs import program_checks
from orchestrator.spec.image import ImageSpec
from orchestrator.spec.library import Library


def plugin_checks(folder: Path, base: Library, request: CheckRequest) -> Iterator[Check]:
    """Yield every check of a plug-in folder, as soon as it is made.

    Args:
        base: What can be named besides.

    Raises:
        EngineUnavailable: Where no engine answers.
    """
    brought: Brought | None = None
    for found in static_checks(folder, base):
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
    images = {image.name: image for image in brought.images}
    for name in brought.programs:
        needed = brought.library.program(name).image
        images.setdefault(needed, brought.library.image(needed))
    for image in images.values():
        yield from _built(image, request, built)
    for name in brought.programs:
        image = brought.library.image(brought.library.program(name).image)
        if image.name in built:
            yield from program_checks(name, brought.library, built[image.name], request)
        else:
            yield Check(f"program {name}", "running it", "not checked", f"the image {image.name!r} was not built")
    for name in brought.networks:
        title = "training, resuming, export, exactness, release and adoption"
        yield Check(f"network {name}", title, "not checked", "this version runs programs alone, and no networks")


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

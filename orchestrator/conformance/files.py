"""What can be told of a plug-in from its files alone, and what it brings that is right by itself."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.conformance.check_line import Check, failed
from orchestrator.environments.plugin_image import check_image
from orchestrator.errors import SirrError
from orchestrator.spec.image import ImageSpec
from orchestrator.spec.library import Library, Plugin
from orchestrator.spec.names import StageKind
from orchestrator.spec.problems import suggestion

NEEDED_KINDS: dict[str, tuple[StageKind, ...]] = {
    "program": ("predict",),
    "network": ("train", "adopt", "export", "release"),
    "metric": ("measure",),
}
"""The stages that an image has to run, by what names it."""

_PARTS = {
    "program": "program",
    "network": "model",
    "metric": "metric",
    "protocol": "protocol",
    "dataset": "dataset",
    "published table": "published table",
    "list of weights": "list of weights",
}
"""What people call the parts of a library."""


@dataclass(frozen=True)
class Brought:
    """What a plug-in brings that is right by itself: what can be built and tried."""

    library: Library
    images: tuple[ImageSpec, ...]
    programs: tuple[str, ...]
    networks: tuple[str, ...]


def static_checks(folder: Path, base: Library) -> Iterator[Check | Brought]:
    """Yield what can be told from a plug-in's files, and at last what it brings, where that could be told.

    Args:
        base: What can be named besides.
    """
    plugin = Plugin(folder.absolute(), "sirr-orch plugin check")
    title = "folders, names and links"
    try:
        library = base.extended([plugin])
    except SirrError as error:
        yield failed("plug-in", title, error)
        yield Check("plug-in", "everything else", "not checked", "its folder cannot be taken as a plug-in")
        return
    yield Check("plug-in", title, "passed", f"{plugin.folder}")
    wrong: set[tuple[str, str]] = set()
    images: list[ImageSpec] = []
    for subject, check, image in _image_files(library, plugin):
        yield check
        if check.outcome == "failed":
            wrong.add(("image", subject))
        elif image is not None:
            images.append(image)
    for kind, part in _PARTS.items():
        for name in library.names(part, plugin):
            check = _spec(library, kind, name)
            yield check
            if kind == "metric":
                yield Check(f"metric {name}", "running it", "not checked", "a comparison that names it does")
            if check.outcome == "failed" or ("image", _image_of(library, kind, name)) in wrong:
                wrong.add((kind, name))
    sound = {
        kind: tuple(name for name in library.names(_PARTS[kind], plugin) if (kind, name) not in wrong)
        for kind in NEEDED_KINDS
    }
    yield Brought(library, tuple(images), sound["program"], sound["network"])


def own_checks(name: str, library: Library) -> Iterator[Check | Brought]:
    """Yield what can be told of a network or program of this project, and at last itself, where it is right.

    Args:
        name: Of one that there is.
    """
    kind = "program" if name in library.program_names else "network"
    check = _spec(library, kind, name)
    yield check
    if check.outcome != "failed":
        image = library.image(_image_of(library, kind, name))
        yield Brought(library, (image,), *(((name,), ()) if kind == "program" else ((), (name,))))


def _image_files(library: Library, plugin: Plugin) -> Iterator[tuple[str, Check, ImageSpec | None]]:
    for name in library.names("image", plugin):
        subject, image = f"image {name}", None
        try:
            image = library.image(name)
            check_image(image)
        except SirrError as error:
            title = "its description image.yaml" if image is None else "its files, and locks with hashes"
            yield name, failed(subject, title, error), None
        else:
            yield name, Check(subject, "its description, its files, and locks with hashes", "passed"), image


def _spec(library: Library, kind: str, name: str) -> Check:
    subject = f"{kind} {name}"
    title = "its spec, and the image that runs it" if kind in NEEDED_KINDS else "its file"
    if kind == "network":
        title = "its spec, its recipe's schema, and the image that runs it"
    readers: dict[str, Callable[[str], object]] = {
        "program": library.program,
        "network": library.model,
        "dataset": library.dataset,
        "published table": library.published_table,
        "metric": library.metric,
        "protocol": library.protocol,
        "list of weights": lambda _name: library.released_files,
    }
    try:
        readers[kind](name)
    except SirrError as error:
        return failed(subject, title, error)
    if kind not in NEEDED_KINDS:
        return Check(subject, title, "passed")
    return _fitting_image(library, kind, name, subject, title)


def _fitting_image(library: Library, kind: str, name: str, subject: str, title: str) -> Check:
    image = _image_of(library, kind, name)
    described = library.path_of(_PARTS[kind], name)
    if image not in library.image_names:
        words = f"there is no image {image!r}, which {described} names{suggestion(image, library.image_names)}"
        return Check(subject, title, "failed", words, "correct 'image:' there, or add images/NAME/image.yaml")
    try:
        spec = library.image(image)
    except SirrError:
        return Check(subject, title, "not checked", f"the image {image!r} is wrong by itself")
    lacking = [one for one in NEEDED_KINDS[kind] if one not in spec.kinds]
    if lacking:
        words = f"the image {image!r} runs no stage of kind {', '.join(lacking)}; it runs {', '.join(spec.kinds)}"
        hint = f"add the kind to its program and to 'kinds:' in {library.path_of('image', image)}"
        return Check(subject, title, "failed", words, hint)
    return Check(subject, title, "passed")


def _image_of(library: Library, kind: str, name: str) -> str:
    """Return the image that a program or network names; empty where it names none, or its spec is wrong."""
    with contextlib.suppress(SirrError):
        if kind == "program":
            return library.program(name).image
        if kind == "network":
            return library.model(name).image
        if kind == "metric":
            return library.metric(name).image
    return ""

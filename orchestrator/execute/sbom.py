"""Lists of software (SBOM) of environments and of the orchestrator itself: made once, kept with results, written."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator import __version__
from orchestrator.delivery import Delivery
from orchestrator.engine.select import Selection
from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.recipe import installed_locks
from orchestrator.environments.sbom import FORM, Subject, cyclonedx_list, locked_in_requirements, locked_in_uv
from orchestrator.environments.software import installed_software, own_software
from orchestrator.execute.build import built_environments, named_images, not_built
from orchestrator.resources import resource_root
from orchestrator.spec.environment import Environment
from orchestrator.spec.image import ImageSpec, Variant
from orchestrator.spec.library import Library
from orchestrator.store.store import Store

ENDING = ".cdx.json"
SBOM = f"sbom{ENDING}"
"""The file with the software that a stage ran in, among those about how it went."""

_OWN = "sirr-orch"


class SoftwareLists:
    """The lists of environments, remembered in a store's cache.

    Args:
        store: Whose cache.
        variant: Which locks the environments are built from.
        images: By name.
    """

    def __init__(self, store: Store, variant: Variant, images: Mapping[str, ImageSpec]) -> None:
        self._store = store
        self._variant = variant
        self._images = images

    def text(self, environment: Environment) -> str:
        """Return the list of an environment, as the text of a JSON file.

        Raises:
            InfraFailure: Where the environment cannot be asked.
        """
        words = (str(FORM), __version__, environment.engine, environment.recipe, environment.reference)
        remembered = (
            self._store.layout.cache / "sbom" / f"{hashlib.sha256(chr(0).join(words).encode()).hexdigest()}{ENDING}"
        )
        with contextlib.suppress(OSError):
            return remembered.read_text(encoding="ascii")
        text = environment_list(environment, self._variant, self._images[environment.image])
        if not self._store.layout.is_store:
            return text
        with contextlib.suppress(OSError):
            remembered.parent.mkdir(parents=True, exist_ok=True)
            partial = remembered.with_name(f"{remembered.name}.{os.getpid()}")
            partial.write_text(text, encoding="ascii")
            partial.replace(remembered)
        return text


def environment_list(environment: Environment, variant: Variant, image: ImageSpec) -> str:
    """Return the software of a built environment.

    Raises:
        InfraFailure: Where the environment cannot be asked.
    """
    container = environment.code is None
    locks = installed_locks(image, variant, with_installer=container)
    facts = {"engine": environment.engine, **environment.details}
    subject = Subject(environment.image, environment.recipe, container, facts)
    return cyclonedx_list(subject, installed_software(environment), locked_in_requirements(locks))


def own_list() -> str:
    """Return the software of the orchestrator itself."""
    subject = Subject(_OWN, __version__, container=False, facts={})
    return cyclonedx_list(subject, own_software(), locked_in_uv(resource_root() / "uv.lock"))


@dataclass(frozen=True)
class WrittenList:
    """One list that was written."""

    name: str
    path: Path
    sha256: str

    @property
    def sentence(self) -> str:
        """What to tell the user."""
        return f"{self.name}: {self.path} (SHA-256 {self.sha256})"


def write_lists(
    names: Sequence[str],
    library: Library,
    variant: Variant,
    selection: Selection,
    store: Path,
    folder: Path,
    *,
    overwrite: bool,
) -> Iterator[WrittenList]:
    """Write the lists of the named images, and of the orchestrator; where none is named, of all that are built.

    Raises:
        SpecError: For a name that no image has, or a folder that cannot be written to.
        ImageNotBuilt: Where a named image is not built.
        ResultExists: Where another file is there.
        InfraFailure: Where an environment cannot be asked.
    """
    kept = Store(store, make=False)
    images = {image.name: image for image in named_images(names, library)}
    found = built_environments(images.values(), variant, selection, store, BuildSettings.from_environment())
    missing = [name for name in names if name not in found]
    if missing:
        raise not_built([images[name] for name in missing], selection.engine.name, variant)
    delivery = Delivery(folder, overwrite=overwrite, closed=kept.layout.kept)
    delivery.prepare()
    lists = SoftwareLists(kept, variant, images)
    yield _written(_OWN, own_list(), delivery)
    for name, environment in found.items():
        yield _written(name, lists.text(environment), delivery)


def _written(name: str, text: str, delivery: Delivery) -> WrittenList:
    content = text.encode("ascii")
    path = delivery.write(content, f"{name}{ENDING}")
    return WrittenList(name, path, hashlib.sha256(content).hexdigest())

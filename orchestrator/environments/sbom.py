"""What an environment is made of as a CycloneDX list (SBOM): the same bytes for the same software.

Source: CycloneDX 1.6.
"""

import re
import tomllib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import fixup_id
from packageurl import PackageURL

from orchestrator import __version__
from orchestrator.environments.software import Inventory, Library, Package, System, SystemPackage

FORM = 1
"""Version of what is listed, and how; raised where the same software gives another list."""

_NAMESPACE = uuid.UUID("6f0b2f6e-5d6a-4b5c-9f7e-3d2c1a0b9e8d")
_OURS = "sirr-orch:"
_ENTRY = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")

Locked = Mapping[tuple[str, str], Sequence[str]]
"""Name, in the form of `canonical`, and version of a package to the SHA-256 of every file that its lock allows."""


@dataclass(frozen=True)
class Subject:
    """What a list is about.

    Attributes:
        version: Such as a recipe hash.
        container: Whether it is a container's image.
        facts: Such as its engine and base.
    """

    name: str
    version: str
    container: bool
    facts: Mapping[str, str]


def canonical(name: str) -> str:
    """Return the form of a package's name in which all of its spellings are the same."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_in_requirements(locks: Iterable[Path]) -> dict[tuple[str, str], list[str]]:
    """Return what hash-locked requirements allow."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in locks)
    return {(canonical(name), version): _HASH.findall(rest) for name, version, rest in _ENTRY.findall(text)}


def locked_in_uv(path: Path) -> dict[tuple[str, str], list[str]]:
    """Return what a `uv.lock` allows; nothing where it is not there, as in an installed program."""
    if not path.is_file():
        return {}
    found = {}
    for package in tomllib.loads(path.read_text(encoding="utf-8"))["package"]:
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
        hashes = [hash_ for file in files for hash_ in _HASH.findall(file.get("hash", ""))]
        if hashes:
            found[canonical(package["name"]), package["version"]] = hashes
    return found


def cyclonedx_list(subject: Subject, inventory: Inventory, locked: Locked) -> str:
    """Return the list, as the text of a JSON file."""
    root = Component(
        name=subject.name,
        version=subject.version,
        type=ComponentType.CONTAINER if subject.container else ComponentType.APPLICATION,
        bom_ref="subject",
        properties=_properties(subject.facts),
    )
    components = [_interpreter(inventory), *(_package(package, locked) for package in inventory.packages)]
    if inventory.system is not None:
        components += _system(inventory.system)
    # Named after its content, and without the time: what is the same is the same file.
    words = f"{FORM} {subject} {inventory.model_dump_json()} {sorted(locked.items())}"
    bom = Bom(components=components, serial_number=uuid.uuid5(_NAMESPACE, words))
    bom.metadata.component = root
    bom.metadata.tools.components.add(Component(name="sirr-orch", version=__version__, type=ComponentType.APPLICATION))
    bom.register_dependency(root, components)
    return _without_time(JsonV1Dot6(bom).output_as_string(indent=None))


def _without_time(text: str) -> str:
    return re.sub(r'"timestamp": ?"[^"]*",? ?', "", text, count=1)


def _package(package: Package, locked: Locked) -> Component:
    name = canonical(package.name)
    # A package whose metadata name none that an index could hold has no address there.
    purl = PackageURL("pypi", name=name, version=package.version) if _NAME.fullmatch(name) else None
    reference = str(purl) if purl else f"package:{name}@{package.version}"
    hashes = locked.get((name, package.version), ())
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=reference,
        purl=purl,
        licenses=_licences(package),
        external_references=[_locked_files(reference, hashes)] if hashes else [],
        properties=() if hashes else _properties({"lock": "none: a part of the base, or of what installs packages"}),
        components=[_library(library, reference) for library in package.libraries],
    )


def _locked_files(reference: str, hashes: Sequence[str]) -> ExternalReference:
    return ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(reference),
        comment="the files of this version that the lock allows; one of them was installed",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=text) for text in hashes],
    )


def _library(library: Library, package: str) -> Component:
    return Component(
        name=library.name,
        type=ComponentType.FILE,
        bom_ref=f"{package}#{library.path}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=library.sha256)],
    )


def _interpreter(inventory: Inventory) -> Component:
    found = inventory.interpreter
    purl = PackageURL("generic", name=found.name.lower(), version=found.version)
    facts = {
        "build": found.build,
        "compiler": found.compiler,
        "openssl": found.openssl,
        "libc": found.libc,
        "machine": found.machine,
    }
    return Component(
        name=found.name,
        version=found.version,
        type=ComponentType.PLATFORM,
        bom_ref=str(purl),
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=found.sha256)],
        properties=_properties(facts),
    )


def _system(system: System) -> Iterator[Component]:
    release = system.release
    name, version = release.get("ID", "debian"), release.get("VERSION_ID", "")
    yield Component(
        name=name,
        version=version or None,
        type=ComponentType.OPERATING_SYSTEM,
        bom_ref="system",
        description=release.get("PRETTY_NAME"),
    )
    for package in system.packages:
        yield _system_package(package, name, version)


def _system_package(package: SystemPackage, system: str, release: str) -> Component:
    qualifiers = {"arch": package.architecture, "distro": f"{system}-{release}" if release else system}
    purl = PackageURL("deb", system, package.name, package.version, qualifiers)
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=str(purl),
        purl=purl,
        licenses=[_named(text) for text in package.licences if text],
        properties=_properties({"source package": package.source} if package.source else {}),
    )


def _licences(package: Package) -> list[License]:
    """Return what a package says of its licence: an SPDX expression where it is one, else its own words."""
    if package.expression:
        return [LicenseFactory().make_from_string(package.expression)]
    if package.licence and (fixup_id(package.licence) or not package.classifiers):
        return [LicenseFactory().make_from_string(package.licence)]
    return [_named(text) for text in package.classifiers if text]


def _named(text: str) -> DisjunctiveLicense:
    known = fixup_id(text)
    return DisjunctiveLicense(id=known) if known else DisjunctiveLicense(name=text)


def _properties(facts: Mapping[str, str]) -> list[Property]:
    return [Property(name=f"{_OURS}{name}", value=value) for name, value in facts.items() if value]

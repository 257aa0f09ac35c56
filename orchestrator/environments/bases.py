"""The base images of Docker builds, known by their content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from orchestrator.environments.builder import Output
from orchestrator.environments.pins import name_and_digest
from orchestrator.errors import BuildError

_NO_REGISTRY = "localhost/"
"""Begins the names that Podman gives to images which came from no registry."""


@dataclass(frozen=True)
class Base:
    """A base image that is here.

    Attributes:
        name: How it was asked for, without a digest.
        reference: What a Dockerfile's FROM takes.
        content: The image's id: a hash of all that is in it.
        digest: That of the registry it came from, empty where it came from none.
        layers: Hashes of its layers.
        stated: Whether it was asked for by digest.
    """

    name: str
    reference: str
    content: str
    digest: str
    layers: tuple[str, ...]
    stated: bool

    @property
    def sentence(self) -> str:
        """That a base may be another one next time; empty where it was asked for by digest."""
        if self.stated:
            return ""
        return (
            f"the base {self.name} is not pinned, so that its publisher can move the name to other bytes. It is now "
            f"{self.digest or self.content}; the image keeps this in its labels. To pin it: make pin-bases for the "
            f"official ones, or name it as {self.name}@{self.digest or self.content}"
        )


def registry_digest(client: docker.DockerClient, reference: str) -> str:
    """Ask a base's registry for the digest that its name has now; nothing is pulled.

    Raises:
        BuildError: Where the registry does not answer, or has no such image.
    """
    try:
        return str(client.images.get_registry_data(reference).id)
    except DockerException as error:
        raise BuildError(
            f"the digest of {reference} cannot be had",
            where=str(getattr(error, "explanation", None) or error),
            hint="check the name and the network; a mirror is named with --mirror",
        ) from error


def provide_base(client: docker.DockerClient, reference: str, python: str, output: Output) -> Base:
    """Return a base image, pulled where it is not here.

    Args:
        reference: Its name, with `@sha256:…` where it is to be exactly one: the digest that its registry knows it by,
            or, of an image that came from no registry, its id.
        python: The Python version that it is the base for.

    Raises:
        BuildError: Where it is not here and cannot be pulled.
    """
    name, digest = name_and_digest(reference)
    if digest:
        local = _found(client, name)
        if local is not None and local["Id"] == digest and digest not in _digests(local):
            # Known by its id alone; the name is what FROM takes, and the layers are compared after the build.
            return _base(name, name, local, digest)
    attributes = _found(client, reference)
    if attributes is None:
        output(f"pulling the base {reference}")
        attributes = _pulled(client, reference, python)
    return _base(name, reference, attributes, digest)


def verify_base(base: Base, built: Mapping[str, Any], image: str) -> None:
    """Check that a built image stands on the layers of its base.

    Raises:
        BuildError: Where it stands on others, as the name was moved while it was built.
    """
    layers: Sequence[str] = built["RootFS"].get("Layers") or ()
    if tuple(layers[: len(base.layers)]) != base.layers:
        raise BuildError(
            f"the image {image} does not stand on the base {base.reference} ({base.content})",
            where="the name was given to another image while this one was built",
            hint="build it again",
        )


def _found(client: docker.DockerClient, reference: str) -> Mapping[str, Any] | None:
    try:
        attributes: Mapping[str, Any] = client.images.get(reference).attrs
    except (ImageNotFound, NotFound):
        return None
    return attributes


def _pulled(client: docker.DockerClient, reference: str, python: str) -> Mapping[str, Any]:
    try:
        name, digest = name_and_digest(reference)
        attributes: Mapping[str, Any] = client.images.pull(reference if digest else name).attrs
    except (APIError, NotFound) as error:
        raise BuildError(
            f"the base image {reference} is not here and cannot be pulled",
            where="; ".join(filter(None, (str(error.explanation or error), _other(client, reference)))),
            hint=f"name another with --base {python}=IMAGE or SIRR_BASES, make one here with "
            "scripts/local-bases, or use --engine local",
        ) from error
    return attributes


def _other(client: docker.DockerClient, reference: str) -> str:
    """Say which image is here under the name of one that was asked for by digest."""
    name, digest = name_and_digest(reference)
    attributes = _found(client, name) if digest else None
    if attributes is None:
        return ""
    return f"what is here as {name} is another image: {', '.join((*_digests(attributes), attributes['Id']))}"


def _base(name: str, reference: str, attributes: Mapping[str, Any], digest: str) -> Base:
    known = _digests(attributes)
    by_registry = [found for found in known if found not in _digests(attributes, _NO_REGISTRY)]
    return Base(
        name=name,
        reference=reference,
        content=str(attributes["Id"]),
        digest=digest if digest in known else next(iter(by_registry), ""),
        layers=tuple(attributes["RootFS"].get("Layers") or ()),
        stated=bool(digest),
    )


def _digests(attributes: Mapping[str, Any], prefix: str = "") -> list[str]:
    names = [name for name in attributes.get("RepoDigests") or () if name.startswith(prefix)]
    return [name.rpartition("@")[2] for name in names]

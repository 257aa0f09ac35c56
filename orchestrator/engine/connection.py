"""Connects to a Docker engine, or to Podman by its Docker-compatible interface: where they may answer, and who does."""

import contextlib
import os
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import docker
import requests
from docker.context import ContextAPI

from orchestrator.engine.caps import EngineCaps, engine_caps
from orchestrator.engine.errors import engine_error
from orchestrator.errors import EngineUnavailable, SirrError

HOST_VARIABLE = "SIRR_DOCKER_HOST"
"""Names the engine's address for this program alone; before DOCKER_HOST."""

TIMEOUT_S = 600.0
"""How long one request may take: creating from a large image on a slow disk takes minutes."""

ContainerEngine = Literal["auto", "docker", "podman"]
"""Docker, or what answers in its place under the same address; Podman; or whichever of them answers first."""

_NO_ADDRESS = "invalid bind address"
"""What the SDK says of some addresses; of others whoever takes them apart raises a ValueError."""

_DOCKER_SOCKET = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class Address:
    """Where an engine may answer.

    Attributes:
        url: None where the SDK finds it by the current Docker context.
        named_by: What names it, for the user.
    """

    url: str | None
    named_by: str


@dataclass(frozen=True)
class Connection:
    """An engine that answers."""

    client: docker.DockerClient
    caps: EngineCaps
    address: Address

    @property
    def sentence(self) -> str:
        """Which engine answers, and where, for the user."""
        return f"{self.caps.title} at {self.caps.address} ({self.address.named_by})"


def connected(name: ContainerEngine = "docker", timeout_s: float = TIMEOUT_S) -> Connection:
    """Return a connection to the first engine of a name that answers.

    Raises:
        EngineUnavailable: Where none answers; for "auto" with what is wrong with Docker.
    """
    failures: list[tuple[Address, SirrError]] = []
    for address in addresses(name):
        try:
            found = _connection(address, timeout_s)
        except SirrError as error:
            failures.append((address, error))
            continue
        if name != "podman" or found.caps.podman:
            return found
        found.client.close()
        failures.append((address, EngineUnavailable(f"{found.caps.title} answers")))
    if name == "podman":
        tried = "; ".join(f"{address.url or address.named_by}: {error.message}" for address, error in failures)
        if os.environ.get(HOST_VARIABLE) and failures[0][1].hint:
            raise failures[0][1]
        raise EngineUnavailable(
            "no Podman engine answers",
            where=tried,
            hint="start its service: systemctl --user start podman.socket   (without systemd: podman system service "
            f"--time=0 unix://$XDG_RUNTIME_DIR/podman/podman.sock &), or name its address in {HOST_VARIABLE}",
        )
    raise failures[0][1]


def addresses(name: ContainerEngine) -> list[Address]:
    """Return where an engine is looked for, in this order; where an address is named, Docker is looked for there alone.

    Podman that is asked for by name is looked for in its own places too.
    """
    own = os.environ.get(HOST_VARIABLE)
    if own:
        return [Address(own, HOST_VARIABLE)]
    host = os.environ.get("DOCKER_HOST")
    first = Address(host, "DOCKER_HOST") if host else _by_context()
    sockets = [Address(f"unix://{path}", "podman.socket") for path in _podman_sockets()]
    if name == "podman" or (name == "auto" and first.url == _DOCKER_SOCKET):
        return [first, *sockets]
    return [first]


@contextlib.contextmanager
def translate_errors(where: str) -> Iterator[None]:
    """Turn what the SDK raises into our errors."""
    try:
        yield
    except SirrError:
        raise
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise engine_error(str(getattr(error, "explanation", None) or error), where) from error


def _podman_sockets() -> tuple[str, str]:
    """Return the sockets of the user's and of root's Podman."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return f"{runtime}/podman/podman.sock", "/run/podman/podman.sock"


def _by_context() -> Address:
    with contextlib.suppress(docker.errors.DockerException, OSError, ValueError):
        context = ContextAPI.get_context(os.environ.get("DOCKER_CONTEXT"))
        if context is not None and context.Name != "default":
            return Address(None, f"the Docker context {context.Name!r}")
    return Address(_DOCKER_SOCKET, "its usual place")


def _connection(address: Address, timeout_s: float) -> Connection:
    with translate_errors("docker"):
        try:
            client = _client(address, timeout_s)
        except (docker.errors.DockerException, ValueError) as error:
            if isinstance(error, ValueError) or _NO_ADDRESS in str(error).lower():
                raise _no_address(address, str(error)) from error
            raise
        try:
            return Connection(client, engine_caps(client, address.url), address)
        except BaseException:
            client.close()
            raise


def _no_address(address: Address, why: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"{address.named_by} names no address that an engine can have: {address.url!r} ({why})",
        hint="write for example unix:///run/podman/podman.sock, tcp://HOST:2376, or ssh://USER@HOST",
    )


def _client(address: Address, timeout_s: float) -> docker.DockerClient:
    """Connect to an address as Docker's command line does: by ssh's own client, and with the certificates of TLS.

    The SDK leaves the socket of a connection that fails to the garbage collector, inside the error's frames; it is
    let go here, so that a machine without an engine sees no warning of Python's some time later.
    """
    try:
        if address.url is None:
            return docker.from_env(timeout=int(timeout_s), use_ssh_client=True)
        if address.url.startswith("unix:"):
            if not address.url.removeprefix("unix:").strip("/"):
                raise ValueError("it has no path")
            return docker.DockerClient(base_url=address.url, timeout=int(timeout_s))
        environment = {**os.environ, "DOCKER_HOST": address.url}
        by_ssh = address.url.startswith("ssh:")
        return docker.from_env(timeout=int(timeout_s), use_ssh_client=by_ssh, environment=environment)
    except (docker.errors.DockerException, ValueError) as error:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            link: BaseException | None = error
            while link is not None:
                traceback.clear_frames(link.__traceback__)
                link = link.__cause__ or link.__context__
        raise

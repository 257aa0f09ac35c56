"""What is installed in a built environment, as the environment itself says."""

from pathlib import Path

from docker.errors import DockerException
from pydantic import Field, ValidationError

from orchestrator.engine.connection import connected
from orchestrator.environments import inventory
from orchestrator.errors import InfraFailure
from orchestrator.process import ProcessFailed, run
from orchestrator.spec.base import StrictModel
from orchestrator.spec.environment import Environment
from orchestrator.spec.plain_words import plain_words

_TIMEOUT_S = 120
_MOST_BYTES = 16 * 2**20
_HASH = r"^[0-9a-f]{64}$"


class Library(StrictModel):
    """A native library that a package brings along."""

    name: str
    path: str
    sha256: str = Field(pattern=_HASH)


class Package(StrictModel):
    """An installed Python package."""

    name: str = Field(min_length=1)
    version: str
    expression: str
    """Its licence as an SPDX expression; empty where it states none."""
    licence: str
    """Its licence in its own words."""
    classifiers: tuple[str, ...]
    libraries: tuple[Library, ...]


class Interpreter(StrictModel):
    """What runs the programs."""

    name: str
    version: str
    build: str
    compiler: str
    sha256: str = Field(pattern=_HASH)
    """Of its executable."""
    openssl: str
    libc: str
    machine: str


class SystemPackage(StrictModel):
    """A package of the Debian system."""

    name: str = Field(min_length=1)
    version: str
    architecture: str
    source: str
    licences: tuple[str, ...]
    """Those that its copyright file names; empty where that is not for machines."""


class System(StrictModel):
    """The Debian system of a Docker image."""

    release: dict[str, str]
    packages: tuple[SystemPackage, ...]


class Inventory(StrictModel):
    """Everything that is installed in an environment."""

    packages: tuple[Package, ...]
    interpreter: Interpreter
    system: System | None = None
    """None for local environments, which use the machine's own."""


def installed_software(environment: Environment) -> Inventory:
    """Ask an environment what is installed in it.

    Raises:
        InfraFailure: Where it cannot be asked, or its answer is none.
    """
    said = _docker_says(environment) if environment.code is None else _interpreter_says(environment.reference)
    return _read(said, environment.image)


def own_software() -> Inventory:
    """Return what is installed where this program runs."""
    return Inventory.model_validate(
        {"packages": inventory.installed_packages(), "interpreter": inventory.interpreter()}
    )


def _interpreter_says(python: str) -> str:
    try:
        return run([python, "-I", "-c", _program()], timeout_s=_TIMEOUT_S).stdout
    except ProcessFailed as error:
        raise _not_asked(python, str(error)) from error


def _docker_says(environment: Environment) -> str:
    """Run the program in a container that sees and writes nothing."""
    try:
        client = connected("podman" if environment.engine == "podman" else "docker", _TIMEOUT_S).client
        with client.api:
            said: bytes = client.containers.run(
                environment.reference,
                ["-I", "-c", _program(), "system"],
                entrypoint=["python3"],
                remove=True,
                network_mode="none",
                read_only=True,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                user="65534:65534",
                mem_limit="1g",
                pids_limit=64,
            )
    except DockerException as error:
        raise _not_asked(environment.image, str(error)) from error
    return said.decode("utf-8", "replace")


def _program() -> str:
    return Path(inventory.__file__).read_text(encoding="utf-8")


def _read(said: str, name: str) -> Inventory:
    try:
        if len(said) > _MOST_BYTES:
            raise ValueError(f"{len(said)} characters")
        return Inventory.model_validate_json(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise _not_asked(name, f"{field}: {plain_words(first['msg'])}".removeprefix(": ")) from error
    except ValueError as error:
        raise _not_asked(name, str(error)) from error


def _not_asked(name: str, why: str) -> InfraFailure:
    return InfraFailure(
        f"what is installed in {name} cannot be listed", where=why, hint="build it again: sirr-orch build"
    )

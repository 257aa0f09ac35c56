"""What a Docker engine can do, asked once: rootless, remapped and Podman's engines need other containers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import docker

_LOCAL = ("unix:", "npipe:", "http+docker://local", "http+unix:")
"""How the SDK writes the addresses of sockets; one behind ssh is http+docker://ssh."""

_CDI_SINCE = (25, 0)


@dataclass(frozen=True)
class EngineCaps:
    """Facts about an engine.

    Attributes:
        address: Where it answers, such as "unix:///var/run/docker.sock".
        remote: It runs on another machine.
        rootless: Its root is the caller.
        userns: It maps container users to others (userns-remap).
        cgroup: Version of the kernel's control groups.
        limits_memory: Limits of containers hold; rootless Podman ignores them on version 1 of the control groups.
        nvidia: The NVIDIA runtime is registered.
        cdi: GPUs have CDI names.
    """

    address: str = "unix:///var/run/docker.sock"
    version: str = ""
    api: str = ""
    remote: bool = False
    rootless: bool = False
    userns: bool = False
    podman: bool = False
    cgroup: int = 2
    limits_memory: bool = True
    nvidia: bool = False
    cdi: bool = False

    @property
    def product(self) -> str:
        """What the engine calls itself."""
        return "Podman" if self.podman else "Docker"

    @property
    def name(self) -> str:
        """The engine's name in records."""
        return self.product.lower()

    @property
    def log_piece_bytes(self) -> int | None:
        """In pieces of which size it passes on longer lines; None where a line end tells the last piece."""
        return None if self.podman else 16 * 1024

    @property
    def tells_out_of_memory(self) -> bool:
        """Whether it knows of an ended container that its memory limit struck."""
        return self.limits_memory and not (self.podman and self.cgroup == 1)

    @property
    def makes_sources(self) -> bool:
        """Whether it makes an empty folder where one that is to be mounted is missing."""
        return self.podman

    @property
    def title(self) -> str:
        """What it calls itself, with its version, for the user."""
        return f"{self.product} {self.version}{', rootless' if self.rootless else ''}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What it cannot do, for the user."""
        said = []
        if self.remote:
            said.append("it is on another machine, whose GPUs cannot be leased from here")
        if not self.limits_memory:
            said.append("it cannot limit the memory of programs")
        return tuple(said)


def engine_caps(client: docker.DockerClient, address: str | None = None) -> EngineCaps:
    """Ask an engine what it can do; its address is the client's where none is given."""
    return caps_from(address or str(client.api.base_url), client.version(), client.info())


def caps_from(address: str, version: Mapping[str, Any], info: Mapping[str, Any]) -> EngineCaps:
    """Read the engine's answers to `version` and `info`."""
    security = " ".join(str(option) for option in info.get("SecurityOptions") or ())
    components = [str(component.get("Name", "")) for component in version.get("Components") or ()]
    podman = any("podman" in name.lower() for name in components)
    rootless = "name=rootless" in security or bool(info.get("Rootless"))
    cgroup = 1 if str(info.get("CgroupVersion", "1")) == "1" else 2
    number = str(version.get("Version", ""))
    return EngineCaps(
        address=address,
        version=number,
        api=str(version.get("ApiVersion", "")),
        remote=not address.startswith(_LOCAL),
        rootless=rootless,
        userns="name=userns" in security,
        podman=podman,
        cgroup=cgroup,
        limits_memory=bool(info.get("MemoryLimit", True)) and not (podman and rootless and cgroup == 1),
        nvidia="nvidia" in (info.get("Runtimes") or {}),
        cdi=podman or (bool(info.get("CDISpecDirs")) and _numbers(number) >= _CDI_SINCE and _has_gpus(info)),
    )


def _numbers(version: str) -> tuple[int, ...]:
    release = re.match(r"[0-9.]*", version)
    return tuple(int(part) for part in release.group().split(".") if part) if release else ()


def _has_gpus(info: Mapping[str, Any]) -> bool:
    """Whether the engine lists a GPU by its CDI name; older ones list none, and there the device request is used."""
    return any("nvidia.com/gpu" in str(device.get("ID", "")) for device in info.get("DiscoveredDevices") or ())

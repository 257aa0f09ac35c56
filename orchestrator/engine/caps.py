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
    nvidia: bool = False
    cdi: bool = False


def engine_caps(client: docker.DockerClient) -> EngineCaps:
    """Ask an engine what it can do."""
    address = str(client.api.base_url)
    return caps_from(address, client.version(), client.info())


def caps_from(address: str, version: Mapping[str, Any], info: Mapping[str, Any]) -> EngineCaps:
    """Read the engine's answers to `version` and `info`."""
    security = " ".join(str(option) for option in info.get("SecurityOptions") or ())
    components = [str(component.get("Name", "")) for component in version.get("Components") or ()]
    podman = any("podman" in name.lower() for name in components)
    number = str(version.get("Version", ""))
    return EngineCaps(
        address=address,
        version=number,
        api=str(version.get("ApiVersion", "")),
        remote=not address.startswith(_LOCAL),
        rootless="name=rootless" in security,
        userns="name=userns" in security,
        podman=podman,
        cgroup=1 if str(info.get("CgroupVersion", "1")) == "1" else 2,
        nvidia="nvidia" in (info.get("Runtimes") or {}),
        cdi=podman or (bool(info.get("CDISpecDirs")) and _numbers(number) >= _CDI_SINCE and _has_gpus(info)),
    )


def _numbers(version: str) -> tuple[int, ...]:
    release = re.match(r"[0-9.]*", version)
    return tuple(int(part) for part in release.group().split(".") if part) if release else ()


def _has_gpus(info: Mapping[str, Any]) -> bool:
    """Whether the engine lists a GPU by its CDI name; older ones list none, and there the device request is used."""
    return any("nvidia.com/gpu" in str(device.get("ID", "")) for device in info.get("DiscoveredDevices") or ())

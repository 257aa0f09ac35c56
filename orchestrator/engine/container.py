"""The container that runs a job: one pure function from facts to the engine's own configuration."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator.engine.caps import EngineCaps
from orchestrator.engine.owner import Owner
from orchestrator.engine.program import STAGE_FILE, program_environment
from orchestrator.engine.protocol import Job

PREFIX = "org.sirr-orch."
LABEL_KEY = f"{PREFIX}key"
LABEL_RUN = f"{PREFIX}run"
LABEL_STAGE = f"{PREFIX}stage"
LABEL_OWNER = f"{PREFIX}owner"
LABEL_STAGING = f"{PREFIX}staging"
LABEL_PLACE = f"{PREFIX}place"
SCHEMA = "1"

STAGE = "/stage"
_INPUTS = PurePosixPath("/inputs")
_TMP_BYTES = 2**30
_LOG_FILE = "100m"
_LOG_FILES = "5"
"""A training of days prints some hundred MB; what is rotated away is lost only to a process that comes later."""


@dataclass(frozen=True)
class Caller:
    """Who a program runs as: the files that it leaves belong to them.

    Attributes:
        groups: Further groups, by which the inputs may be readable.
    """

    uid: int
    gid: int
    groups: Sequence[int]
    owner: Owner

    @classmethod
    def current(cls) -> "Caller":
        """Return this process's user."""
        groups = sorted(set(os.getgroups()) - {os.getgid()})
        return cls(os.getuid(), os.getgid(), groups, Owner.current())


def container_name(key: str, staging: Path) -> str:
    """Return the name that only one container can have: two clients that start one job meet in it.

    The staging folder is part of it: another store on this machine may run the same job for itself.
    """
    return f"sirr-orch-{key[:24]}-{hashlib.sha256(str(staging).encode()).hexdigest()[:8]}"


def input_path(name: str) -> str:
    """Return where an input lies in the container."""
    return str(_INPUTS / name)


def container_config(job: Job, caps: EngineCaps, caller: Caller, place: str) -> dict[str, Any]:
    """Return the body of the engine's request that creates a job's container.

    Nothing is left to the engine's defaults that could let a program out: no network, no capabilities, a read-only
    root, inputs that cannot be written. Paths of the job must be absolute.

    Args:
        place: Tells the staging folder from a later one under the same path.
    """
    return {
        "Image": job.environment.reference,
        "Entrypoint": ["python", "-m", job.module],
        "Cmd": [f"{STAGE}/{STAGE_FILE}"],
        "User": _user(caps, caller),
        "WorkingDir": f"{STAGE}/work",
        "Env": [f"{name}={value}" for name, value in sorted(_environment(job).items())],
        "Labels": _labels(job, caller, place),
        "StopSignal": "SIGTERM",
        "Healthcheck": {"Test": ["NONE"]},
        "Tty": False,
        "OpenStdin": False,
        "NetworkDisabled": True,
        "HostConfig": _host_config(job, caps, caller),
    }


def _labels(job: Job, caller: Caller, place: str) -> dict[str, str]:
    facts = {
        "run": job.run,
        "stage": job.stage,
        "key": job.key,
        "owner": str(caller.owner),
        "staging": str(job.staging),
        "place": place,
        "schema": SCHEMA,
    }
    return {PREFIX + name: value for name, value in facts.items()}


def _environment(job: Job) -> dict[str, str]:
    environment = program_environment(job, STAGE)
    if not job.gpus:
        environment |= {"NVIDIA_VISIBLE_DEVICES": "void", "CUDA_VISIBLE_DEVICES": ""}
    return environment


def _user(caps: EngineCaps, caller: Caller) -> str:
    """Where the engine itself runs as the caller, its root is the caller; Podman can keep the number as it is."""
    if caps.rootless and not caps.podman:
        return "0:0"
    return f"{caller.uid}:{caller.gid}"


def _host_config(job: Job, caps: EngineCaps, caller: Caller) -> dict[str, Any]:
    tmp_bytes, shm_bytes = _TMP_BYTES, job.shm_bytes
    config: dict[str, Any] = {
        "NetworkMode": "none",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Privileged": False,
        "Init": True,
        "AutoRemove": False,
        "RestartPolicy": {"Name": "no"},
        "PidsLimit": job.pids,
        "LogConfig": _log_config(caps),
        "Mounts": _mounts(job),
    }
    if job.memory_bytes is not None:
        config |= {"Memory": job.memory_bytes, "MemorySwap": job.memory_bytes}
        tmp_bytes, shm_bytes = min(tmp_bytes, job.memory_bytes), min(shm_bytes, job.memory_bytes)
    config["ShmSize"] = shm_bytes
    config["Tmpfs"] = {"/tmp": f"rw,exec,nosuid,nodev,size={tmp_bytes},mode=1777"}
    if caps.podman:
        # Its /tmp has the rights of the image's own, whatever mode is asked for: U makes it the user's. And it puts
        # writable folders into a read-only root by itself.
        config["Tmpfs"]["/tmp"] += ",U"
        config["Tmpfs"] |= dict.fromkeys(("/run", "/var/tmp"), "ro,size=4k")
    if caps.podman and caps.rootless:
        config["UsernsMode"] = "keep-id"
    elif caps.userns and not caps.rootless:
        config["UsernsMode"] = "host"
    if caller.groups and not caps.rootless:
        config["GroupAdd"] = [str(group) for group in caller.groups]
    return config | _gpu_config(job, caps)


def _log_config(caps: EngineCaps) -> dict[str, Any]:
    if caps.podman:
        return {"Type": "json-file", "Config": {"max-size": _LOG_FILE}}
    return {"Type": "local", "Config": {"max-size": _LOG_FILE, "max-file": _LOG_FILES}}


def _mounts(job: Job) -> list[dict[str, Any]]:
    """Bind mounts, not volumes: a volume whose folder is missing is made, empty and owned by root."""
    mounts: list[dict[str, Any]] = [{"Type": "bind", "Source": str(job.staging), "Target": STAGE, "ReadOnly": False}]
    for name, path in sorted(job.inputs.items()):
        mounts.append({"Type": "bind", "Source": str(path), "Target": input_path(name), "ReadOnly": True})
    return mounts


def _gpu_config(job: Job, caps: EngineCaps) -> dict[str, Any]:
    """Devices by UUID; Podman ignores device requests without a word, so there they are named as devices."""
    if not job.gpus:
        return {}
    names = [f"nvidia.com/gpu={uuid}" for uuid in job.gpus]
    if caps.podman:
        return {"Devices": [{"PathOnHost": name, "PathInContainer": "", "CgroupPermissions": ""} for name in names]}
    if caps.cdi:
        return {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": names}]}
    request = {"Driver": "nvidia", "DeviceIDs": list(job.gpus), "Capabilities": [["gpu", "compute", "utility"]]}
    return {"DeviceRequests": [request]}

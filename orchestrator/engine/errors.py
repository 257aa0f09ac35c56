"""What engines say when something fails, and what it means: one table, each row with a recorded sample in the tests."""

from dataclasses import dataclass

from orchestrator.errors import (
    BuildError,
    Cancelled,
    DeviceUnavailable,
    EngineUnavailable,
    ImageNotBuilt,
    InfraFailure,
    NoSpace,
    SirrError,
    SpecError,
)


@dataclass(frozen=True)
class Meaning:
    """One row: an engine's text that contains `fragment` (in any case) means `error`."""

    fragment: str
    error: type[SirrError]
    message: str
    hint: str


_NO_TOOLKIT = "install the NVIDIA container toolkit and restart the engine, or write device: cpu"

MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "no space left on device",
        NoSpace,
        "no space is left on the engine's disk",
        "free some space, for example with: docker system prune",
    ),
    Meaning("could not select device driver", DeviceUnavailable, "the engine cannot give out GPUs", _NO_TOOLKIT),
    Meaning("unresolvable cdi devices", DeviceUnavailable, "the engine does not know the GPU", _NO_TOOLKIT),
    Meaning("stat nvidia.com/gpu", DeviceUnavailable, "the engine does not know the GPU", _NO_TOOLKIT),
    Meaning(
        "nvidia-container-cli",
        DeviceUnavailable,
        "the GPU could not be given to the container",
        "check the driver with: nvidia-smi   (and restart the engine after a driver update)",
    ),
    Meaning("no such image", ImageNotBuilt, "the image is not there", "run: sirr-orch build"),
    Meaning(
        "bind source path does not exist",
        EngineUnavailable,
        "the engine does not see this machine's files",
        "use an engine on this machine; inside a container, mount the store under the path it has on the host",
    ),
    Meaning(
        "executable file not found",
        BuildError,
        "the image has no interpreter named python",
        "build the image again: sirr-orch build",
    ),
    Meaning(
        "oci runtime create failed",
        BuildError,
        "the image's program cannot be started",
        "build the image again: sirr-orch build",
    ),
    Meaning(
        "minimum memory limit",
        SpecError,
        "the memory limit is smaller than the engine allows",
        "raise the experiment's memory",
    ),
    Meaning(
        "client version",
        EngineUnavailable,
        "the engine speaks another version of the protocol",
        "update the Python package docker, or the engine",
    ),
    Meaning(
        "permissionerror",
        EngineUnavailable,
        "a Docker engine is there, but its socket may not be used by this user",
        "add the user to the group docker and log in again, or write engine: local",
    ),
    Meaning(
        "filenotfounderror",
        EngineUnavailable,
        "no Docker engine runs on this machine",
        "install and start Docker, or write engine: local",
    ),
    Meaning(
        "connectionrefusederror",
        EngineUnavailable,
        "the Docker engine does not answer",
        "start it (for example: systemctl start docker), or write engine: local",
    ),
    Meaning(
        "install paramiko",
        EngineUnavailable,
        "an address that begins with ssh:// needs a package that is not installed",
        "install it: pip install 'sirr-orch[ssh]'",
    ),
    Meaning(
        "timed out",
        InfraFailure,
        "the engine did not answer in time",
        "look at the machine's load and at the engine's own log",
    ),
    Meaning(
        "connection aborted",
        InfraFailure,
        "the connection to the engine broke",
        "check that the engine runs: docker info",
    ),
)
"""In order: the first row that fits decides."""

SLURM_MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "invalid partition",
        EngineUnavailable,
        "Slurm has no such partition",
        "see which there are with sinfo, and name one in the site file",
    ),
    Meaning(
        "invalid account",
        EngineUnavailable,
        "Slurm takes no jobs of this user under that account",
        "name another account in the site file, or ask the cluster's administrators",
    ),
    Meaning(
        "invalid qos",
        EngineUnavailable,
        "Slurm has no such quality of service for this user",
        "correct the site file's options",
    ),
    Meaning(
        "access/permission denied",
        EngineUnavailable,
        "Slurm refuses jobs of this user there",
        "name another partition or account in the site file, or ask the cluster's administrators",
    ),
    Meaning(
        "node configuration is not available",
        EngineUnavailable,
        "no node of the cluster has what the stage asks for",
        "lower the experiment's memory, or correct the site file's gpu, processors and options",
    ),
    Meaning(
        "requested time limit is invalid",
        EngineUnavailable,
        "the partition allows no job that long",
        "lower the site file's time",
    ),
    Meaning(
        "could not establish a configuration source",
        EngineUnavailable,
        "Slurm's commands are here, and no cluster is configured for them",
        "run this on a machine of the cluster, such as a login node, or name its slurm.conf in SLURM_CONF; or name a "
        "site with where: here",
    ),
    Meaning(
        "munge",
        EngineUnavailable,
        "Slurm does not believe who asks: munge's daemon is away, has another key, or another clock",
        "see whether munged runs and clocks agree: munge -n | unmunge",
    ),
    Meaning(
        "protocol authentication error",
        EngineUnavailable,
        "Slurm does not believe who asks: munge's daemon is away, has another key, or another clock",
        "see whether munged runs and clocks agree: munge -n | unmunge",
    ),
    Meaning(
        "slurm would never start",
        EngineUnavailable,
        "the job waited for what never comes",
        "correct the site file: partition, account, time, or its further options",
    ),
    Meaning(
        "somebody cancelled it",
        Cancelled,
        "the stage's job was cancelled on the cluster",
        "run the same command again: it goes on from the last checkpoint",
    ),
    Meaning(
        "does the node see this folder",
        InfraFailure,
        "a node could not begin the stage's job",
        "put the store and this program on a disk that all nodes see under the same path; try: sirr-orch doctor --site",
    ),
    Meaning(
        "wrote down no end",
        InfraFailure,
        "the stage's job was lost",
        "run the same command again: it goes on from the last checkpoint",
    ),
)
"""The same of what Slurm's commands say, and of what its queue tells."""


def engine_error(text: str, where: str | None = None) -> SirrError:
    """Return the error that an engine's text means; InfraFailure with the text itself where no row fits."""
    lowered = text.lower()
    for row in (*MEANINGS, *SLURM_MEANINGS):
        if row.fragment in lowered:
            return row.error(f"{row.message} ({_shortened(text)})", where=where, hint=row.hint)
    return InfraFailure(
        f"the engine failed: {_shortened(text)}", where=where, hint="look at the engine's own log, then run again"
    )


def _shortened(text: str, limit: int = 300) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"

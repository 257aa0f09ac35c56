"""Whether an engine sees this machine's files under their paths: it is shown one, and asked for it."""

import contextlib
import io
import tarfile
from pathlib import Path

import docker
from docker.errors import NotFound

from orchestrator.errors import EngineUnavailable


def check_mounted(client: docker.DockerClient, container: str, path: str, file: Path) -> None:
    """Check that a created container will see a file of this machine.

    Args:
        path: Where it is to lie in the container.

    Raises:
        EngineUnavailable: Where there is none, or another.
    """
    found = b""
    with contextlib.suppress(NotFound, tarfile.TarError, KeyError):
        chunks, _stat = client.api.get_archive(container, path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.extractfile(file.name)
            found = member.read() if member else b""
    if found != file.read_bytes():
        raise EngineUnavailable(
            f"the engine does not see this machine's files: {file.parent} is another folder there",
            where=str(file.parent),
            hint="use an engine on this machine, or put the store on a disk that both have under one path and name "
            "that in SIRR_SHARED_ROOT; inside a container, mount the store under the path it has on the host",
        )

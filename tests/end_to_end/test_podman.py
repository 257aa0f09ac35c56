"""The command line on real Podman: images are built, stages run and are killed, and the same bits come out."""

import os
import shutil

import docker
import pytest

from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.pins import name_and_digest
from tests.engine.podman_service import podman_service
from tests.small_network import write_small_network

pytestmark = [pytest.mark.docker, pytest.mark.podman, pytest.mark.slow, pytest.mark.timeout(900)]


def take_over_base(docker_client, service):
    """Load the site's own base image into Podman, where it has the same id; an official one is pulled by the build."""
    named = BuildSettings.from_environment().bases.get("3.11")
    if named is None:
        return
    name, digest = name_and_digest(named)
    archive = service.folder / "base.tar"
    with archive.open("wb") as file:
        for chunk in docker_client.images.get(name).save(named=name):
            file.write(chunk)
    service.podman("load", "--quiet", "--input", str(archive), capture_output=True)
    archive.unlink()
    client = docker.DockerClient(base_url=service.address)
    assert digest in ("", client.images.get(name).id)
    client.close()


def test_a_network_passes_all_checks_of_a_plugin_on_podman(docker_client, tmp_path):
    if shutil.which("podman") is None:
        pytest.skip("there is no podman command")
    folder = write_small_network(tmp_path / "mine", trial="{epochs: 2, rate: 0.02}")
    with podman_service(rootless=os.getuid() != 0) as service:
        take_over_base(docker_client, service)
        arguments = ["plugin", "check", str(folder), "--engine", "podman", "--store", str(tmp_path / "store")]
        done = service.python("-m", "orchestrator", *arguments)
    assert "built now, podman" in done.stdout, done.stdout[-4000:]
    assert " 0 failed" in done.stdout, done.stdout[-8000:]
    assert done.returncode == 0

"""compose.yaml is valid for the Compose that is installed, and mounts what its comments say."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def compose():
    """The Compose command: the plugin, or the program of old."""
    plugin = (
        subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if shutil.which("docker")
        else None
    )
    if plugin is not None and plugin.returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.skip("Docker Compose is not installed")


@pytest.mark.docker
def test_compose_file_is_valid_and_keeps_the_reports_read_only(compose):
    done = subprocess.run(
        [*compose, "config"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PWD": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "/var/run/docker.sock" in done.stdout
    reports = done.stdout[done.stdout.index("reports:") :]
    assert "read_only: true" in reports
    assert "docker.sock" not in reports

"""Real Podman, root's and an ordinary user's: what holds for Docker holds there, by the same tests."""

import os
import shutil
from pathlib import Path

import pytest

from tests.engine.podman_service import podman_service

pytestmark = [pytest.mark.docker, pytest.mark.podman, pytest.mark.timeout(600)]

FOLDER = Path(__file__).parent
SUITES = {
    False: ("test_conformance.py", "test_docker.py"),
    True: ("test_conformance.py", "test_docker.py::test_container_is_hardened"),
}


@pytest.mark.parametrize("rootless", [pytest.param(False, id="root"), pytest.param(True, id="rootless")])
def test_engine_s_tests_pass_on_podman(rootless):
    if shutil.which("podman") is None:
        pytest.skip("there is no podman command")
    if not rootless and os.getuid() != 0:
        pytest.skip("optional: only root can start root's Podman")
    with podman_service(rootless=rootless) as service:
        options = ["-q", "-p", "no:cacheprovider", "-n", "0", f"--basetemp={service.folder}/pytest", "-m", "docker"]
        done = service.python("-m", "pytest", *options, *(str(FOLDER / name) for name in SUITES[rootless]))
        log = (service.folder / "service.log").read_text()
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{log[-2000:]}"

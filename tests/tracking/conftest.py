"""Trackers as they are: a server of MLflow and the client of Weights & Biases, in an environment of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.local import LocalBuilder
from orchestrator.spec.document import read_document
from orchestrator.spec.image import ImageSpec

IMAGE = Path(__file__).parent / "server"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def python() -> str:
    """Return the interpreter of the environment that has the trackers, and what sirr-orch needs."""
    image = ImageSpec.model_validate(read_document(IMAGE / "image.yaml").data).placed(IMAGE)
    builder, settings = LocalBuilder(ROOT / ".sirr" / "environments"), BuildSettings.from_environment()
    found = builder.find(image, "cpu", settings) or builder.build(image, "cpu", settings, print)
    return found.reference


@pytest.fixture(scope="session")
def mlflow_server(python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server of MLflow as it runs with its own defaults for what it keeps."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-W", "ignore", "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    variables = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # which starts several further processes
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
    }
    log = folder / "server.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [*command, "--workers", "1"],
            cwd=folder,
            env=variables,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/health", server, log)
        yield address
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()
        try:
            if requests.get(address, timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    pytest.fail(f"the server does not answer:\n{log.read_text()}")

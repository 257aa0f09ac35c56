"""What tests need of the machine: a Docker engine, a browser; where skips are forbidden, they must be there."""

import gc
import os
import warnings

import docker
import pytest
from docker.errors import DockerException

FORBID_SKIPS = os.environ.get("SIRR_FORBID_SKIPS") == "1"
OPTIONAL = "optional: "
"""Begins the reason of a skip that is never forbidden, such as for pictures that do not belong to the project."""


@pytest.fixture(scope="session")
def docker_client():
    """The engine's client; without an engine the test is skipped."""
    client, reason = _connected()
    if client is None:
        pytest.skip(f"no Docker engine answers: {reason}")
    yield client
    client.close()


def _connected():
    """Return a client, or None and why not. The SDK leaves its socket open where nobody listens."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            client = docker.from_env(timeout=120)
            client.ping()
        except DockerException as error:
            reason = str(error)
        else:
            return client, ""
        gc.collect()
    return None, reason


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn skips into failures where they are forbidden."""
    report = yield
    if FORBID_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(call.excinfo.value) if call.excinfo else ""
        if not reason.startswith(OPTIONAL):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped, and skips are forbidden: {reason}"
    return report

"""What tests need of the machine: a Docker engine, a browser; where skips are forbidden, they must be there."""

import gc
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from tests.browser import browser, opened  # noqa: F401 - fixtures

ROOT = Path(__file__).resolve().parents[1]
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


ENVIRONMENT_TIMEOUT_S = 1800
"""Tests with the images' own environments train real networks, some of them twice to compare the bytes."""


def pytest_collection_modifyitems(items):
    """Give tests that train real networks the time that this takes on two busy processors."""
    for item in items:
        if item.get_closest_marker("environment") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(ENVIRONMENT_TIMEOUT_S))


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


@pytest.fixture(scope="session")
def image_python() -> Callable[[str], Path]:
    """Return a function from an image's name to the interpreter of its local environment.

    The environment is built where it is missing. SIRR_TEST_PYTHON_ERRNET2019, for example, names another interpreter.
    """

    def interpreter(name: str) -> Path:
        given = os.environ.get(f"SIRR_TEST_PYTHON_{name.upper()}")
        return Path(given) if given else _built(name)

    return interpreter


def _built(name: str) -> Path:
    # Imported here: with interpreters that are given, these tests need nothing of the orchestrator.
    from orchestrator.environments.builder import BuildSettings
    from orchestrator.environments.local import LocalBuilder
    from orchestrator.spec.load import load_image

    image, settings = load_image(name), BuildSettings.from_environment()
    builder = LocalBuilder(ROOT / ".sirr" / "environments")
    environment = builder.find(image, "cpu", settings) or builder.build(image, "cpu", settings, print)
    return Path(environment.reference)

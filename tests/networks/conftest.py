"""The networks' tests run in the images' own environments: here is how they get there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def image_python() -> Callable[[str], Path]:
    """Return a function from an image's name to the interpreter of its local environment.

    The environment is built where it is missing. SIRR_TEST_PYTHON_ERRNET2019, for example, names another interpreter.
    """

    def interpreter(name: str) -> Path:
        given = os.environ.get(f"SIRR_TEST_PYTHON_{name.upper()}")
        return Path(given) if given else _built(name)

    return interpreter


@pytest.fixture(scope="session")
def run_image_tests(image_python: Callable[[str], Path]) -> Callable[[str], None]:
    """Return a function that runs images/NAME/tests with the image's interpreter; none may fail or be skipped."""

    def run(name: str) -> None:
        folder = ROOT / "images" / name / "tests"
        code = os.pathsep.join([str(ROOT), str(ROOT / "images"), str(ROOT / "images" / name)])
        command = [str(image_python(name)), "-m", "unittest", "discover", "-v", "-s", str(folder), "-t", str(folder)]
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": code, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        sys.stdout.write(done.stdout)
        assert done.returncode == 0, f"the tests of image {name} failed:\n{done.stdout[-6000:]}"
        ran = re.search(r"^Ran (\d+) tests?", done.stdout, re.MULTILINE)
        assert ran is not None
        assert int(ran.group(1)) > 0, f"image {name} has no tests"
        assert "skipped" not in done.stdout.splitlines()[-1], f"tests of image {name} were skipped:\n{done.stdout}"

    return run


def _built(name: str) -> Path:
    # Imported here: with interpreters that are given, these tests need nothing of the orchestrator.
    from orchestrator.environments.builder import BuildSettings
    from orchestrator.environments.local import LocalBuilder
    from orchestrator.spec.load import load_image

    image, settings = load_image(name), BuildSettings.from_environment()
    builder = LocalBuilder(ROOT / ".sirr" / "environments")
    environment = builder.find(image, "cpu", settings) or builder.build(image, "cpu", settings, print)
    return Path(environment.reference)

"""The networks' tests run in the images' own environments, side by side."""

from __future__ import annotations

import concurrent.futures
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def run_image_tests(
    request: pytest.FixtureRequest, image_python: Callable[[str], Path]
) -> Iterator[Callable[[str], None]]:
    """Return a function that runs images/NAME/tests with the image's interpreter; none may fail or be skipped.

    Those of all images that this session asks for are started together, as many at a time as there are processors:
    each takes minutes, and uses one.
    """
    names = [folder.name for folder in sorted((ROOT / "images").iterdir()) if (folder / "tests").is_dir()]
    asked = [name for name in names if any(_asks_for(item, name) for item in request.session.items)]
    pythons = {name: image_python(name) for name in asked}
    with concurrent.futures.ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)))) as pool:
        started = {name: pool.submit(_unittest, name, python) for name, python in pythons.items()}

        def run(name: str) -> None:
            done = started[name].result()
            sys.stdout.write(done.stdout)
            assert done.returncode == 0, f"the tests of image {name} failed:\n{done.stdout[-6000:]}"
            ran = re.search(r"^Ran (\d+) tests?", done.stdout, re.MULTILINE)
            assert ran is not None
            assert int(ran.group(1)) > 0, f"image {name} has no tests"
            assert "skipped" not in done.stdout.splitlines()[-1], f"tests of image {name} were skipped:\n{done.stdout}"

        yield run


def _asks_for(item: pytest.Item, image: str) -> bool:
    return item.path.parent == Path(__file__).parent and f"test_{image}_" in item.name


def _unittest(name: str, python: Path) -> subprocess.CompletedProcess[str]:
    folder = ROOT / "images" / name / "tests"
    code = os.pathsep.join([str(ROOT), str(ROOT / "images"), str(ROOT / "images" / name)])
    return subprocess.run(
        [str(python), "-m", "unittest", "discover", "-v", "-s", str(folder), "-t", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": code, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

"""The tests of image yang2019 with its own interpreter, and the method beside another program of it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.environment, pytest.mark.slow]

PACKAGE = ("fast-reflection-removal==1.1", "numpy==1.26.4", "scipy==1.13.1", "matplotlib==3.9.4", "pillow==10.4.0")
"""The index's program of the paper, which does not run with NumPy 2."""

THEIRS = """
import sys
import numpy as np
from frr.core import FastReflectionRemoval
picture = np.load(sys.argv[1])
np.save(sys.argv[2], FastReflectionRemoval(h=0.033).remove_reflection(picture.astype(np.float64)))
"""
OURS = """
import sys
import numpy as np
from yang2019.suppression import suppressed
np.save(sys.argv[2], suppressed(np.load(sys.argv[1]), 0.033))
"""


def test_yang2019_passes_its_tests_in_its_own_environment(run_image_tests: Callable[[str], None]) -> None:
    run_image_tests("yang2019")


def test_yang2019_is_what_the_index_has_but_for_its_stretching(
    image_python: Callable[[str], Path], tmp_path: Path
) -> None:
    noise = np.random.default_rng(5).normal(size=(61, 83, 3))
    picture = np.float32(np.clip(np.cumsum(np.cumsum(noise, 0), 1) / 40 + 0.5 + 0.05 * noise, 0, 1))
    np.save(tmp_path / "picture.npy", picture)
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--python", "3.11", tmp_path / "package"], check=True)
    theirs = tmp_path / "package" / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", theirs, *PACKAGE], check=True)
    subprocess.run([theirs, "-c", THEIRS, tmp_path / "picture.npy", tmp_path / "theirs.npy"], check=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "images" / "yang2019")))}
    ours = [image_python("yang2019"), "-c", OURS, tmp_path / "picture.npy", tmp_path / "ours.npy"]
    subprocess.run(ours, env=environment, check=True)
    expected, found = np.load(tmp_path / "theirs.npy"), np.load(tmp_path / "ours.npy").astype(np.float64)
    stretched = (found - found.min()) / (found.max() - found.min())
    assert np.abs(stretched - expected).max() < 1e-5
    assert np.abs(found - expected).max() > 1e-2, "its values are stretched to their own range; ours are left"

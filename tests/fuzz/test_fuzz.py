"""The short form of `make fuzz`: the same inputs every time, each in its bounds, nothing but declared errors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.target import target_names

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("target", target_names())
def test_strange_input_is_refused_by_a_declared_error_or_read(tmp_path, target):
    command = [sys.executable, "-m", "tests.fuzz.short", target, "--keep", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'images'}"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]

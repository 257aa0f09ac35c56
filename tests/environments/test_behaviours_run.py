"""`make behaviours` renews a record only where old and new code give the same bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = "orchestrator/datasets/overlap_stage.py"


@pytest.fixture
def checkout(tmp_path):
    """Return a clone of this repository whose record is true, and a function that runs the script in it."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(clone)], check=True)

    def behaviours():
        argv = [sys.executable, "scripts/behaviours.py", f"--environments={ROOT / '.sirr' / 'environments'}"]
        environment = {**os.environ, "PYTHONPATH": str(clone)}
        return subprocess.run(argv, cwd=clone, env=environment, capture_output=True, text=True, check=False)

    (clone / "images" / "behaviours.json").unlink(missing_ok=True)
    assert behaviours().returncode == 0
    person = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "add", "-A"], cwd=clone, check=True)
    subprocess.run(["git", *person, "commit", "-q", "--allow-empty", "-m", "record"], cwd=clone, check=True)
    # The commit that last changed the record is this one, also where it was true before.
    record = clone / "images" / "behaviours.json"
    record.write_text(record.read_text() + "\n")
    subprocess.run(["git", *person, "commit", "-q", "-a", "-m", "record"], cwd=clone, check=True)
    return clone, behaviours


def changed(clone, before, after):
    path = clone / SOURCE
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def recorded(clone):
    return json.loads((clone / "images" / "behaviours.json").read_text())["metrics"]


@pytest.mark.environment
def test_other_code_with_the_same_results_renews_the_record(checkout):
    clone, behaviours = checkout
    before = (clone / "images" / "behaviours.json").read_text()
    changed(clone, "_NAMED = 12", "_NAMED = 10 + 2")
    done = behaviours()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "metrics/overlap: the same bytes; its record is renewed" in done.stdout
    assert (clone / "images" / "behaviours.json").read_text() != before


@pytest.mark.environment
def test_code_with_other_results_is_refused_and_the_file_is_named(checkout):
    clone, behaviours = checkout
    before = recorded(clone)
    changed(clone, 'LAYERS = ("blended", "transmission", "reflection")', 'LAYERS = ("blended",)')
    done = behaviours()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "refused: metrics/overlap: results differ: overlap: overlap.json" in done.stderr
    # Evaluations reach that file too and give what they gave: theirs is renewed, and nobody else's.
    after = recorded(clone)
    assert after.pop("evaluate") != before.pop("evaluate")
    assert after == before

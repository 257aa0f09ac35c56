"""docs/how-to/compare-your-own.md: its examples are valid, and its tutorial runs as it is written."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import resolve
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "compare-your-own.md"
TUTORIAL = "All four, one after the other"

REST = {"name": "name: page\n", "test": "test: [skimage-test]\n", "features": "features: random\n"}
"""What an example that shows a part of an experiment leaves out."""


def examples() -> list[str]:
    return [text for language, text in blocks(PAGE) if language == "yaml"]


@pytest.mark.parametrize("number", range(len(examples())))
def test_every_experiment_of_the_page_is_valid(number, tmp_path):
    text = examples()[number]
    missing = [line for field, line in REST.items() if not re.search(rf"^{field}:", text, flags=re.MULTILINE)]
    spec = tmp_path / "page.yaml"
    spec.write_text("".join([*missing, text]), encoding="utf-8")
    assert load_experiment(spec).models


def test_the_tutorials_first_experiment_resolves(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    text = next(text for language, text in blocks(PAGE, TUTORIAL) if language == "yaml")
    spec = tmp_path / "tutorial.yaml"
    spec.write_text(text, encoding="utf-8")
    resolved = resolve(load_experiment(spec), spec)
    assert [entrant.label for entrant in resolved.models] == ["glazier"]


@pytest.mark.slow
@pytest.mark.environment
def test_the_tutorial_runs_as_it_is_written(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    store = tmp_path / ".sirr"
    store.mkdir()
    (store / "environments").symlink_to(ROOT / ".sirr" / "environments")
    script = ["set -euo pipefail"]
    for number, (language, text) in enumerate(blocks(PAGE, TUTORIAL)):
        named = re.match(r"# (\S+\.(?:yaml|py))\n", text)
        if language:
            assert named, text
            (tmp_path / f"block{number}").write_text(text, encoding="utf-8")
            script.append(f"cp block{number} {named[1]}")
        else:
            script.append(text)
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        # No Docker engine answers there: everything runs in local environments.
        env={**os.environ, "DOCKER_HOST": "unix:///nonexistent/docker.sock"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]

    report = json.loads((store / "runs" / "tutorial" / "report" / "report.json").read_text(encoding="utf-8"))
    means = {entry["label"]: entry["scores"][0]["means"] for entry in report["results"]}
    assert set(means) == {"glazier", "from-file", "sharpened", "my-method", "yang2019", "input", "truth"}
    assert means["from-file"]["psnr"]["value"] == pytest.approx(means["glazier"]["psnr"]["value"], abs=1e-9)
    (psnr,) = [ranking for ranking in report["rankings"] if ranking["metric"] == "psnr"]
    ahead = [pair["first"] for pair in psnr["beside_input"] if pair["better"] == pair["first"]]
    assert {"glazier", "from-file"} <= set(ahead)
    assert "12 of 12 pictures have an answer" in done.stdout
    assert "| Sharpened" in done.stdout
    lines = (store / "runs" / "tutorial" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    states = [
        event["state"] for event in map(json.loads, lines) if event.get("stage") == "train/glazier" and "state" in event
    ]
    assert states == ["running", "done", "stored"], "the second run trains nothing again"

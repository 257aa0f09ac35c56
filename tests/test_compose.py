"""compose.yaml is valid for the Compose that is installed, and mounts what its comments say."""

import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


@pytest.fixture
def compose():
    """The Compose command: the plugin, or the program of old."""
    plugin = (
        subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if shutil.which("docker")
        else None
    )
    if plugin is not None and plugin.returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.skip("Docker Compose is not installed")


@pytest.mark.slow
def test_reports_are_shown_by_the_programs_own_server(tmp_path):
    service = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())["services"]["reports"]
    assert "entrypoint" not in service
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    report = tmp_path / "runs" / "first" / "report"
    report.mkdir(parents=True)
    (report / "index.html").write_text("shown")
    there = {"8000": "0", "/store": str(tmp_path)}
    command = [there.get(word, word) for word in service["command"]]
    before = sorted(tmp_path.rglob("*"))
    process = subprocess.Popen([sys.executable, "-m", "orchestrator", *command], stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().removeprefix("address: ").strip()
        with urllib.request.urlopen(f"{address}first/", timeout=10) as answer:
            assert answer.read() == b"shown"
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.docker
def test_compose_file_is_valid_and_keeps_the_reports_read_only(compose):
    done = subprocess.run(
        [*compose, "config"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PWD": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "/var/run/docker.sock" in done.stdout
    reports = done.stdout[done.stdout.index("reports:") :]
    assert "read_only: true" in reports
    assert "docker.sock" not in reports
    assert "http.server" not in reports

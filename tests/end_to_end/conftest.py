import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.store.store import Store

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "orchestrator"]


class Program:
    """The command `sirr-orch` with a store of its own."""

    def __init__(self, store: Path, engine: str) -> None:
        self.store = store
        self.engine = engine

    def argv(self, *arguments: object) -> list[str]:
        return [*COMMAND, *(str(argument) for argument in arguments), "--store", str(self.store)]

    def __call__(self, *arguments: object, code: int = 0) -> str:
        """Run a command, demand its exit code, and return what it printed."""
        done = subprocess.run(self.argv(*arguments), cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
        return done.stdout + done.stderr

    def start(self, *arguments: object) -> "subprocess.Popen[str]":
        """Start a command and return its process; its output is one stream."""
        return subprocess.Popen(
            self.argv(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def plan(self, spec: Path) -> dict[str, dict[str, object]]:
        """Return the plan by stage."""
        done = subprocess.run(self.argv("plan", spec, "--json"), cwd=ROOT, capture_output=True, text=True, check=True)
        return {row["stage"]: row for row in json.loads(done.stdout)}

    def events(self, run: str) -> list[dict[str, object]]:
        """Return what the run record holds."""
        text = (self.store / "runs" / run / "events.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def output(self, run: str, stage: str) -> Path:
        """Return the output folder of a finished stage."""
        key = [event["key"] for event in self.events(run) if event.get("stage") == stage and "key" in event][-1]
        found = list((self.store / "artifacts").rglob(key))
        assert len(found) == 1, f"{stage} has {len(found)} artifacts"
        return found[0] / "output"

    def contents(self, run: str) -> dict[str, str]:
        """Return the content digest of every finished stage but the report, which tells times."""
        keys = {str(event["stage"]): str(event["key"]) for event in self.events(run) if "key" in event}
        store = Store(self.store)
        found = {stage: store.artifact(key) for stage, key in keys.items() if stage != "report"}
        return {stage: artifact.content for stage, artifact in found.items() if artifact is not None}


@pytest.fixture(scope="session")
def local_program(tmp_path_factory):
    return fresh_local_program(tmp_path_factory)


def fresh_local_program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Return the command with an empty store, and the environments that are there."""
    store = tmp_path_factory.mktemp("local") / "store"
    store.mkdir()
    # What other tests have built is not built again; a recipe's environments are told apart by their names.
    environments = ROOT / ".sirr" / "environments"
    environments.mkdir(parents=True, exist_ok=True)
    (store / "environments").symlink_to(environments)
    return Program(store, "local")


@pytest.fixture(scope="session")
def docker_program(docker_client, tmp_path_factory):
    return Program(tmp_path_factory.mktemp("docker") / "store", "docker")

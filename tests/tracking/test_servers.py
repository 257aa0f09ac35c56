"""Runs told to trackers as they are: MLflow's server, and the client of Weights & Biases offline."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import requests

from orchestrator.store.store import Store
from tests.execute.small_run import keep_run
from tests.tracking.conftest import ROOT

pytestmark = [pytest.mark.environment, pytest.mark.slow]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def track(python, store, tmp_path):
    """Run `sirr-orch track` where both clients are installed, and return what it printed."""

    def run(*arguments, fails=False):
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "WANDB_MODE": "offline", "HOME": str(tmp_path)}
        command = [python, "-m", "orchestrator", "track", *arguments, "--store", str(store.root)]
        done = subprocess.run(
            command, check=False, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=240
        )
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


class Server:
    """What a server of MLflow has, asked by its REST interface."""

    def __init__(self, address):
        self._api = f"{address}/api/2.0/mlflow"
        self._address = address

    def runs(self, experiment):
        named = requests.get(f"{self._api}/experiments/get-by-name", {"experiment_name": experiment}, timeout=30)
        query = {"experiment_ids": [named.json()["experiment"]["experiment_id"]]}
        found = requests.post(f"{self._api}/runs/search", json=query, timeout=30).json()["runs"]
        return {run["info"]["run_name"]: run for run in found}

    def history(self, run, metric):
        query = {"run_id": run["info"]["run_id"], "metric_key": metric}
        found = requests.get(f"{self._api}/metrics/get-history", query, timeout=30).json()["metrics"]
        return [(point.get("step", 0), point["value"]) for point in found]

    def files(self, run, folder):
        query = {"run_id": run["info"]["run_id"], "path": folder}
        found = requests.get(f"{self._api}/artifacts/list", query, timeout=30).json()["files"]
        return {file["path"]: int(file["file_size"]) for file in found}


def values(run, what):
    return {one["key"]: one["value"] for one in run["data"].get(what, [])}


def test_mlflow_has_parameters_curves_scores_and_the_report_and_nothing_twice(track, store, tmp_path, mlflow_server):
    server = Server(mlflow_server)
    keep_run(store, tmp_path, leave="evaluate/taken")
    assert "(3 new, 0 changed, 0 as they were)" in track("first", "--mlflow", mlflow_server)
    half = server.runs("sirr-orch/first")
    assert half["taken"]["info"]["status"] == "FAILED"
    keep_run(store, tmp_path)
    assert "(0 new, 2 changed, 1 as they were)" in track("first", "--mlflow", mlflow_server)
    assert "(0 new, 0 changed, 3 as they were)" in track("first", "--mlflow", mlflow_server)
    runs = server.runs("sirr-orch/first")
    assert {name: run["info"]["run_id"] for name, run in runs.items()} == {
        name: run["info"]["run_id"] for name, run in half.items()
    }
    network, whole = runs["errnet2019"], runs["first"]
    assert values(network, "params")["recipe.epochs"] == "5"
    assert values(network, "tags")["mlflow.parentRunId"] == whole["info"]["run_id"]
    assert server.history(network, "train/pixel") == [(1, 0.5)]
    assert server.history(network, "skimage-test/standard/psnr") == [(0, 23.0)]
    assert server.history(runs["taken"], "skimage-test/standard/psnr") == [(0, 22.0)]
    assert values(runs["taken"], "tags")["sirr-orch.key.adopt_taken"]
    # The truth's own PSNR is infinite: MLflow would keep the largest number that there is in its place.
    assert set(values(whole, "metrics")) == {"input/skimage-test/standard/psnr"}
    assert {run["info"]["status"] for run in runs.values()} == {"FINISHED"}
    files = server.files(whole, "report")
    assert set(files) == {"report/report.html", "report/report.json", "report/scores.csv"}
    assert min(files.values()) > 100


def test_another_training_is_another_run(track, store, tmp_path, mlflow_server):
    keep_run(store, tmp_path, name="again", epochs=5)
    keep_run(store, tmp_path, name="again", epochs=7)
    assert "(3 new, 0 changed, 0 as they were)" in track("again@1", "--mlflow", mlflow_server)
    assert "(3 new, 0 changed, 0 as they were)" in track("again", "--mlflow", mlflow_server)


def test_a_server_that_is_away_is_told_with_what_to_do(track, store, tmp_path):
    keep_run(store, tmp_path)
    said = track("first", "--mlflow", "http://127.0.0.1:9", fails=True)
    assert "error[tracking-failed]: MLflow at http://127.0.0.1:9 did not take the run 'first'" in said
    assert "sirr-orch track first --mlflow http://127.0.0.1:9" in said
    assert "Traceback" not in said


READ = """
import json, struct, sys
from wandb.proto.wandb_internal_pb2 import Record

def records(content, block=32768, head=7):
    # Blocks of pieces: checksum, length, kind (1 whole, 2 first, 3 middle, 4 last), after a head of as many bytes.
    place, raw = head, b""
    while place + head <= len(content):
        if block - place % block < head:
            place += block - place % block
            continue
        length, kind = struct.unpack("<HB", content[place + 4 : place + head])
        raw = (b"" if kind in (1, 2) else raw) + content[place + head : place + head + length]
        place += head + length
        if kind in (1, 4):
            yield raw

rows, summary, config, artifacts = [], {}, {}, []
for raw in records(open(sys.argv[1], "rb").read()):
    record = Record()
    record.ParseFromString(raw)
    kind = record.WhichOneof("record_type")
    read = lambda items: {one.key or "/".join(one.nested_key): json.loads(one.value_json) for one in items}
    if kind == "history":
        rows.append(read(record.history.item))
    elif kind == "summary":
        summary.update(read(record.summary.update))
    elif kind in {"run", "config"}:
        config.update(read((record.run.config if kind == "run" else record.config).update))
    elif kind == "artifact":
        artifacts.append([one.path for one in record.artifact.manifest.contents])
print(json.dumps([rows, summary, config, artifacts]))
"""


def told(python, folder):
    """Return rows, summary, configuration and artifacts of a run that waits on disk."""
    (file,) = folder.glob("run-*.wandb")
    return json.loads(subprocess.run([python, "-c", READ, file], capture_output=True, text=True, check=True).stdout)


def test_weights_and_biases_has_it_on_disk_and_nothing_twice(python, track, store, tmp_path):
    keep_run(store, tmp_path, leave="evaluate/taken")
    assert "(3 new, 0 changed, 0 as they were)" in track("first", "--wandb", "reflections")
    keep_run(store, tmp_path)
    assert "(0 new, 2 changed, 1 as they were)" in track("first", "--wandb", "reflections")
    assert "(0 new, 0 changed, 3 as they were)" in track("first", "--wandb", "reflections")
    folders = list((tmp_path / "wandb").glob("offline-run-*"))
    assert len(folders) == 3
    found = [told(python, folder) for folder in folders]
    (network,) = [one for one in found if "recipe.epochs" in one[2] and "checkpoint" not in one[2]]
    rows, summary, config, _artifacts = network
    assert config["recipe.epochs"] == "5"
    assert [(row["step"], row["train/pixel"]) for row in rows] == [(1, 0.5)]
    assert summary["skimage-test/standard/psnr"] == 23.0
    files = [path for one in found for artifact in one[3] for path in artifact]
    assert sorted(files) == ["report.html", "report.json", "scores.csv"]
    told_of_this_machine = [path for folder in folders for path in Path(folder, "files").iterdir()]
    assert told_of_this_machine == []

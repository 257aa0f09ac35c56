"""Stores that earlier versions wrote: every later version renders them, and says what it said then.

A file is never made again; where a version writes another form, `make_store.py` of that version adds one.
"""

import csv
import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from orchestrator.execute.command import content_of_run, report_of_run
from orchestrator.execute.compare_runs import compare_runs
from orchestrator.execute.models import export_model
from orchestrator.execute.run_list import listed_runs
from orchestrator.execute.run_stages import ExecutionRequest
from orchestrator.report.machine.table_text import write_table
from orchestrator.store.reference import run_reference
from orchestrator.store.runs import rename_run, run_document, run_documents
from orchestrator.store.store import Store

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.tar.xz"))
REVISIONS = (1, 2)


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.name)
def packed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A store of an earlier version, unpacked, and what its reports must say."""
    path: Path = request.param
    root = tmp_path_factory.mktemp("stores") / "store"
    with tarfile.open(path) as archive:
        archive.extractall(root, filter="data")
    said: dict[str, Any] = json.loads((HERE / path.name.replace(".tar.xz", ".json")).read_text(encoding="utf-8"))
    return root, said


@pytest.fixture(autouse=True)
def _nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    monkeypatch.delenv("SIRR_FEATURES", raising=False)


def rows(root: Path, run: str) -> dict[tuple[str, str, str], dict[str, str]]:
    """Return the rows of a run's table by network, protocol and metric."""
    text = write_table(content_of_run(run, root), "csv", [])
    return {(row["network"], row["protocol"], row["metric"]): row for row in csv.DictReader(io.StringIO(text))}


def test_there_is_a_store_of_every_version() -> None:
    assert "version-1.tar.xz" in {path.name for path in FILES}


@pytest.mark.parametrize("revision", REVISIONS)
def test_table_has_the_numbers_that_it_had(packed: tuple[Path, dict[str, Any]], revision: int) -> None:
    root, said = packed
    found = rows(root, f"kept@{revision}")
    for label, value in said[str(revision)]["psnr"].items():
        assert float(found[label, "standard", "psnr"]["mean"]) == pytest.approx(value, abs=1e-9), label
    assert found["broken", "standard", "psnr"]["mean"] == ""
    assert {protocol for _, protocol, _ in found} == {"standard", "errnet2019"}
    assert {metric for _, protocol, metric in found if protocol == "errnet2019"} == {"psnr", "ssim", "lmse", "ncc"}


@pytest.mark.parametrize("revision", REVISIONS)
def test_report_shows_what_was_measured_and_why_the_rest_was_not(
    packed: tuple[Path, dict[str, Any]], revision: int
) -> None:
    root, _ = packed
    folder = report_of_run(f"kept@{revision}", root).parent
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert "the discriminator&#39;s loss is not finite after step 3" in index
    assert "a small comparison that later versions must show as it was" in index
    training = (folder / "training.html").read_text(encoding="utf-8")
    assert "errnet2019" in training.lower()
    spec = next((folder / "spec").iterdir()).read_text(encoding="utf-8")
    assert f"epochs: {revision + 1}" in spec
    assert (folder / "dataset-photos.html").is_file()
    content = content_of_run(f"kept@{revision}", root)
    assert [(dataset.name, dataset.role, len(dataset.items)) for dataset in content.datasets] == [
        ("street", "pairs", 3),
        ("photos", "photos", 1),
        ("clean", "layers", 2),
    ]
    points = {
        model.label: [point.epoch for point in model.validation.points] for model in content.models if model.validation
    }
    assert points["errnet2019-seed1"] == ([2] if revision == 1 else [2, 3])


def test_revisions_stand_side_by_side(packed: tuple[Path, dict[str, Any]]) -> None:
    root, _ = packed
    page = compare_runs(["kept@1", "kept@2"], root).read_text(encoding="utf-8")
    assert "models.errnet2019-seed1.recipe.epochs" in page
    assert "better on 3 of 3" in page


@pytest.mark.parametrize("revision", REVISIONS)
def test_networks_are_those_that_were_exported(
    packed: tuple[Path, dict[str, Any]], revision: int, tmp_path: Path
) -> None:
    root, said = packed
    means = ExecutionRequest(root, "docker", lambda _event: None, lambda _text: None)
    for label, digest in said[str(revision)]["networks"].items():
        network, _ = export_model(f"kept@{revision}/{label}", tmp_path / label, means)
        assert hashlib.sha256(network.read_bytes()).hexdigest() == digest


def test_every_result_is_whole_and_the_run_is_listed(packed: tuple[Path, dict[str, Any]]) -> None:
    root, _ = packed
    store = Store(root)
    (run,) = listed_runs(store)
    assert (run.name, run.revision, run.state) == ("kept", 2, "failed")
    assert run.networks == ("errnet2019", "taken", "broken")
    for document in run_documents(store, "kept"):
        failed = {"train/broken", "export/broken", "infer/broken/street", "infer/broken/photos"}
        failed |= {f"evaluate/broken/street/{protocol}" for protocol in ("standard", "errnet2019")}
        assert failed <= set(document.failures)
        for name, key in document.keys.items():
            damaged: list[str] = []
            artifact = store.sound_artifact(key, damaged.append)
            assert (artifact is None) == (name == "train/broken"), name
            assert damaged == []


def test_document_of_the_run_is_kept_when_it_is_renamed_and_moved(
    packed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    root, _ = packed
    shutil.copytree(root, tmp_path / "moved")
    store = Store(tmp_path / "moved")
    before = run_document(store, run_reference("kept@1"))
    rename_run(store, "kept", "other")
    after = run_document(store, run_reference("other@1"))
    changed = {"name": "kept", "updated": before.updated, "checksum": before.checksum}
    assert after.model_copy(update=changed) == before

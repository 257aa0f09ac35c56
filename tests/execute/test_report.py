"""The report of a run: rendered again where it must be, and always of what the run recorded."""

import json
from pathlib import Path

import pytest

from orchestrator.execute import comparison as of_comparison
from orchestrator.execute.command import RunRequest, planned, report_of_run
from orchestrator.plan.keys import Program
from orchestrator.store.store import Store
from tests.execute.small_run import keep_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def rendered(store: Store) -> Path:
    """Return the folder of the run's report, links followed."""
    return report_of_run("first", store.root).resolve().parent


def written(store: Store) -> dict[Path, int]:
    """Return when everything in the store's folders was written; a rendering passes through them and cannot hide."""
    folders = [path for path in store.root.iterdir() if path.is_dir()]
    return {path: path.lstat().st_mtime_ns for folder in folders for path in (folder, *folder.rglob("*"))}


def test_report_is_taken_from_the_store_where_nothing_changed(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    first = rendered(store)
    before = written(store)
    assert rendered(store) == first
    assert written(store) == before


def test_report_is_rendered_again_where_the_code_that_renders_it_changed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_run(store, tmp_path)
    before = rendered(store)
    monkeypatch.setattr(of_comparison, "code_hash", lambda _rooms: "f" * 64)
    after = rendered(store)
    assert after != before
    assert before.is_dir()


def test_report_of_a_run_is_of_its_results_where_images_changed_since(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned_before = keep_run(store, tmp_path)
    monkeypatch.setattr(of_comparison, "image_program", lambda _image, _variant: Program("e" * 64))
    folder = rendered(store)
    manifest = json.loads((folder.parent / "manifest.json").read_text(encoding="utf-8"))
    recorded = {name: store.artifact(one.key) for name, one in planned_before.identities.items()}
    shown = {name: artifact.digests.record for name, artifact in recorded.items() if artifact is not None}
    assert manifest["document"]["inputs"] == shown
    assert "report" not in planned(RunRequest(tmp_path / "first.yaml", store.root)).artifacts


def test_report_tells_the_spec_as_it_was_run(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path, epochs=5)
    spec = tmp_path / "first.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("epochs: 5", "epochs: 44"), encoding="utf-8")
    page = (rendered(store) / "provenance.html").read_text(encoding="utf-8")
    assert "epochs: 5" in page
    assert "epochs: 44" not in page
    spec.unlink()
    assert (rendered(store) / "provenance.html").read_text(encoding="utf-8") == page

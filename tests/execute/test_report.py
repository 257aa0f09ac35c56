"""The report of a run: rendered again where it must be, and always of what the run recorded."""

import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import StoreError
from orchestrator.execute import comparison as of_comparison
from orchestrator.execute import report_stage
from orchestrator.execute.command import RunRequest, content_of_run, planned, report_of_run
from orchestrator.execute.run_results import results_of
from orchestrator.plan.keys import Program
from orchestrator.report.machine.table_text import write_table
from orchestrator.store.reference import run_reference
from orchestrator.store.runs import run_document, save_run
from orchestrator.store.store import Store
from tests.execute.small_run import keep_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def rendered(store: Store) -> Path:
    """Return the folder of the run's report, links followed."""
    return report_of_run("first", store.root).resolve().parent


def written(store: Store) -> dict[Path, int]:
    """Return when everything in the store's folders was written; a rendering passes through them and cannot hide.

    When contents were last found right is noted whenever they are looked at.
    """
    folders = [path for path in store.root.iterdir() if path.is_dir() and path != store.layout.verified]
    return {path: path.lstat().st_mtime_ns for folder in folders for path in (folder, *folder.rglob("*"))}


@pytest.mark.slow
def test_report_is_taken_from_the_store_where_nothing_changed(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    first = rendered(store)
    before = written(store)
    assert rendered(store) == first
    assert written(store) == before


def test_a_report_made_at_the_end_of_a_run_is_that_of_the_run_as_it_was_written(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    written_document = run_document(store, run_reference("first"))
    assert written_document.checksum is not None
    in_memory = written_document.model_copy(update={"checksum": None})
    keys = {report_stage.report_key(results_of(document, store), store) for document in (written_document, in_memory)}
    assert len(keys) == 1


def moment(store: Store) -> int:
    """Return when the run's report was written."""
    return (rendered(store) / "index.html").stat().st_mtime_ns


@pytest.mark.slow
def test_report_is_rendered_again_where_the_code_that_renders_it_changed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_run(store, tmp_path)
    before = moment(store)
    assert moment(store) == before
    monkeypatch.setattr(report_stage, "reached_code", lambda _module, _memory: "f" * 64)
    assert moment(store) > before


@pytest.mark.slow
def test_report_is_rendered_again_where_a_file_of_it_is_gone(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    (rendered(store) / "training.html").unlink()
    assert (rendered(store) / "training.html").is_file()


@pytest.mark.slow
def test_report_is_rendered_again_where_a_result_is_another(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    before = moment(store)
    key = run_document(store, run_reference("first")).keys["evaluate/taken/skimage-test/standard"]
    artifact = store.artifact(key)
    assert artifact is not None
    shutil.rmtree(artifact.folder)
    assert moment(store) > before
    assert "evaluate/taken/skimage-test/standard has not run" in (rendered(store) / "index.html").read_text("utf-8")


@pytest.mark.slow
def test_result_that_was_made_of_another_one_is_not_shown(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    document = run_document(store, run_reference("first"))
    keep_run(store, tmp_path, name="other", seed=4)
    key = run_document(store, run_reference("other")).keys["train/errnet2019"]
    save_run(store, document.with_stages({"train/errnet2019": {"key": key}}))
    page = (rendered(store) / "index.html").read_text(encoding="utf-8")
    assert "export/errnet2019 was made of another result of train/errnet2019" in page
    table = write_table(content_of_run("first", store.root), "csv", ["psnr"])
    assert "skimage-test,taken,no,standard,psnr,22.0," in table
    assert "skimage-test,errnet2019,no,standard,psnr,," in table


@pytest.mark.slow
def test_report_of_a_run_is_of_its_results_where_images_changed_since(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_run(store, tmp_path)
    before = moment(store)
    monkeypatch.setattr(of_comparison, "image_program", lambda _image, _variant: Program("e" * 64))
    assert moment(store) == before
    assert "prepare/skimage-test" not in planned(RunRequest(tmp_path / "first.yaml", store.root)).artifacts


@pytest.mark.slow
def test_report_tells_the_spec_as_it_was_run(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path, epochs=5)
    spec = tmp_path / "first.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("epochs: 5", "epochs: 44"), encoding="utf-8")
    page = (rendered(store) / "provenance.html").read_text(encoding="utf-8")
    assert "epochs: 5" in page
    assert "epochs: 44" not in page
    spec.unlink()
    assert (rendered(store) / "provenance.html").read_text(encoding="utf-8") == page


def test_report_of_a_picture_that_was_changed_is_refused(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    key = run_document(store, run_reference("first")).keys["prepare/skimage-test"]
    damaged = store.layout.artifact(key) / "output" / "transmission" / "1.png"
    damaged.chmod(0o644)
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])
    with pytest.raises(StoreError, match=r"transmission/1\.png has other content than it had"):
        rendered(store)


@pytest.mark.slow
def test_runs_of_the_same_pictures_share_their_thumbnails(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    rendered(store)
    made = sorted(path for path in store.layout.cache.rglob("*") if path.is_file())
    assert made
    keep_run(store, tmp_path, name="second", better=1.0)
    report_of_run("second", store.root)
    assert sorted(path for path in store.layout.cache.rglob("*") if path.is_file()) == made


def copied(folder: Path, target: Path, way: str) -> Path:
    """Copy a report as people do, and return the copy."""
    target.mkdir()
    if way == "tar":
        subprocess.run(["tar", "czf", target / "r.tgz", "-C", folder.parent, folder.name], check=True)
        subprocess.run(["tar", "xzf", target / "r.tgz", "-C", target], check=True)
    else:
        subprocess.run([*way.split(), folder, target], check=True)
    return target / folder.name


@pytest.mark.parametrize(("way", "before"), [("cp -r", None), ("cp -a", "link"), ("tar", "dangling")])
def test_report_is_a_folder_that_is_copied_whole(store: Store, tmp_path: Path, way: str, before: str | None) -> None:
    """Earlier versions linked to it: a copy was a link that led nowhere."""
    keep_run(store, tmp_path)
    if before is not None:
        (tmp_path / "old").mkdir()
        store.run("first").folder.joinpath("report").symlink_to(tmp_path / ("old" if before == "link" else "gone"))
    folder = report_of_run("first", store.root).parent
    copy = copied(folder, tmp_path / "copy", way)
    shutil.move(store.root, tmp_path / "moved")
    there = {path.relative_to(copy): path for path in copy.rglob("*")}
    assert not copy.is_symlink()
    assert not any(path.is_symlink() for path in there.values())
    original = tmp_path / "moved" / folder.relative_to(store.root)
    assert set(there) == {path.relative_to(original) for path in original.rglob("*")}
    assert (copy / "index.html").is_file()

"""What a power cut leaves of a store's own files is healed, or refused with the file named: never a traceback."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import SirrError, StoreError
from orchestrator.execute.command import RunRequest, planned
from orchestrator.store.content import ContentDigests
from orchestrator.store.store import Store
from tests.execute.small_run import keep_run

ODD = {
    "empty": b"",
    "zeros": bytes(700),
    "cut": b'{"key": {"a": [1, 2',
    "other-types": b'{"a": 5, "/b": [], "/c": ["1"], "/d": [1, 2], "layout": [], "schema_version": "x", "event": {}}',
    "deep": b"[" * 3000,
}
COMMANDS = (
    ["runs", "list"],
    ["runs", "show", "first"],
    ["report", "first"],
    ["store", "check"],
    ["store", "usage"],
    ["store", "clean", "--dry-run"],
    ["ps"],
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with a spec and a store in which a run was reported and checked, to be copied and not written to."""
    folder = tmp_path_factory.mktemp("kept")
    keep_run(Store(folder / "store"), folder)
    for command in (["report", "first"], ["store", "check"]):
        assert CliRunner().invoke(app, [*command, "--store", str(folder / "store")]).exit_code == 0
    (folder / "store" / "digests.json").write_text("{}")
    staging = folder / "store" / "staging" / ("0" * 64)
    for name in ("job.json", "process.json", "exit.json", "stage.json"):
        staging.mkdir(exist_ok=True)
        (staging / name).write_text("{}")
    return folder


def files_of(store):
    """Return one file of each kind that the store keeps for itself, by its path below it."""
    found = ["version.json", "digests.json", "runs/first/run.json", "runs/first/events.jsonl"]
    found += [f"staging/{'0' * 64}/{name}" for name in ("job.json", "process.json", "exit.json", "stage.json")]
    verified = next((store / "verified").rglob("*.json"), None)
    manifest = next((store / "artifacts").rglob("manifest.json"))
    return [*found, *(str(path.relative_to(store)) for path in (verified, manifest) if path is not None)]


@pytest.mark.slow
@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_odd_file_of_a_store_is_healed_or_named(kept, tmp_path, content):
    for number, name in enumerate(files_of(kept / "store")):
        store = tmp_path / f"store-{number}"
        shutil.copytree(kept / "store", store, symlinks=True)
        (store / name).chmod(0o644)
        (store / name).write_bytes(content)
        for command in COMMANDS:
            done = CliRunner().invoke(app, [*command, "--store", str(store)])
            if done.exception is None or isinstance(done.exception, SystemExit):
                continue
            assert isinstance(done.exception, SirrError), (name, command, repr(done.exception))
            words = f"{done.exception.message} {done.exception.where}"
            assert Path(name).name in words or store.name in words, (name, command, words)
        shutil.rmtree(store)


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_remembered_digests_that_are_odd_are_computed_anew(tmp_path, content):
    picture, memory = tmp_path / "picture.png", tmp_path / "digests.json"
    picture.write_bytes(b"pixels")
    right = ContentDigests(tmp_path / "none.json").digest(picture)
    memory.write_bytes(content.replace(b'"/b"', f'"{picture}"'.encode()))
    assert ContentDigests(memory).digest(picture) == right


def test_record_of_another_run_that_is_odd_stops_no_run(kept, tmp_path):
    shutil.copytree(kept, tmp_path / "all")
    other = tmp_path / "all" / "store" / "runs" / "other"
    other.mkdir()
    for name in ("run.json", "events.jsonl"):
        (other / name).write_bytes(ODD["zeros"])
    comparison = planned(RunRequest(tmp_path / "all" / "first.yaml", tmp_path / "all" / "store"), reading="inputs")
    assert not comparison.damaged
    with pytest.raises(StoreError, match="other"):
        raise (
            CliRunner().invoke(app, ["runs", "show", "other", "--store", str(tmp_path / "all" / "store")]).exception
        ) from None

"""A store is looked after with what engines and recipes know."""

import shutil
import sys
from pathlib import Path

import pytest

import stagekit
from orchestrator.engine.local import LocalEngine
from orchestrator.engine.protocol import Environment, Job
from orchestrator.errors import InfraFailure, SpecError, StoreError
from orchestrator.execute import store_care
from orchestrator.execute.packing import Wanted, pack, unpack
from orchestrator.execute.run_results import recorded_results
from orchestrator.execute.store_care import check, cleanable, forget_ended_jobs, paths_in_use
from orchestrator.store.reference import run_reference
from orchestrator.store.store import Store
from tests.engine.base_image import PROGRAM
from tests.execute.small_run import keep_run

NOTHING = Wanted()


def silent(*_):
    """Hear of progress."""


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def outlived(store, tmp_path):
    """Return a store with a run whose training goes on although the run has ended, and the training's job."""
    keep_run(store, tmp_path, leave="train/")
    results = recorded_results(run_reference("first"), store)
    key = results.document.keys["train/errnet2019"]
    code = tmp_path / "code"
    shutil.copytree(Path(stagekit.__file__).parent, code / "stagekit")
    shutil.copy(PROGRAM, code)
    job = Job(
        key=key,
        run="first",
        stage="train/errnet2019",
        kind="train",
        module="engine_program",
        environment=Environment("local", "test", "0" * 64, sys.executable, code),
        staging=store.staging(key),
        settings={"steps": 100000, "pause_s": 0.01},
        inputs={"dataset": results.artifacts["prepare/skimage-train"].output},
    )
    running = LocalEngine(store.layout.stagings).start(job)
    assert "step" in next(running.lines())
    yield store, running, job
    running.remove()


def test_job_that_outlived_its_run_keeps_what_it_reads_and_is_not_packed(outlived, tmp_path):
    store, running, job = outlived
    assert {job.staging, job.inputs["dataset"]} <= paths_in_use(store.layout)
    with pytest.raises(StoreError, match="train/errnet2019 of 'first' runs on, though its run has ended"):
        pack(store.root, ["first"], tmp_path / "first.tar", NOTHING, silent)
    running.stop(10.0)
    running.outcome()
    running.remove()
    assert not {job.staging, job.inputs["dataset"]} & paths_in_use(store.layout)
    index = pack(store.root, ["first"], tmp_path / "first.tar", NOTHING, silent)
    assert index.staging == (job.key,)
    unpack(tmp_path / "there", tmp_path / "first.tar", None, None, silent, silent)
    assert (Store(tmp_path / "there").staging(job.key) / "work" / "checkpoint.json").is_file()


def test_packed_datasets_come_into_the_data_folder_and_what_is_there_stays(store, tmp_path):
    keep_run(store, tmp_path)
    prepared = tmp_path / "data" / "prepared" / "skimage-test"
    prepared.mkdir(parents=True)
    (prepared / "a.png").write_text("picture")
    wanted = Wanted(datasets=True, data=tmp_path / "data")
    index = pack(store.root, ["first"], tmp_path / "first.tar", wanted, silent)
    assert index.data == ("skimage-test",)
    for _ in range(2):
        shutil.rmtree(tmp_path / "there", ignore_errors=True)
        unpack(tmp_path / "there", tmp_path / "first.tar", None, tmp_path / "other", silent, silent)
        assert (tmp_path / "other" / "prepared" / "skimage-test" / "a.png").read_text() == "picture"


def test_what_is_no_store_is_left_alone(tmp_path):
    for look in (lambda folder: check(folder, [], silent), cleanable):
        with pytest.raises(SpecError, match="there is no store at"):
            look(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_cleaning_has_every_engine_forget_what_ended_and_is_told_nowhere_else(store, tmp_path, monkeypatch):
    keep_run(store, tmp_path)
    asked = []

    class Engine:
        def sweep(self, claim):
            with claim("a" * 64) as free:
                asked.append(free)
            return ["a" * 64]

    class Broken:
        def sweep(self, claim):
            raise InfraFailure("the daemon went away")

    monkeypatch.setattr(store_care, "engines_that_answer", lambda _stagings: [Broken(), Engine()])
    assert forget_ended_jobs(store.root) == 1
    assert asked == [True]
    with store.claimed("a" * 64):
        assert forget_ended_jobs(store.root) == 1
    assert asked == [True, False]

"""What a stage held over its time: bounded, in order, and no peak is lost."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import stagekit
from orchestrator.engine.protocol import Environment
from orchestrator.errors import OutOfMemory
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.memory_series import MemorySeries
from orchestrator.execute.run_record import failure_entry
from orchestrator.execute.stage_execution import execute_stage
from orchestrator.execute.stage_records import stage_record
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Program, stage_identity
from orchestrator.plan.stage import Stage
from orchestrator.store.run_entries import StageEntry
from orchestrator.store.store import Store
from tests.engine.fake import FakeEngine, Faults

LOOKS = st.lists(st.tuples(st.floats(0, 1e6), st.integers(1, 2**40)), min_size=1, max_size=40)


def series_of(looks):
    series = MemorySeries()
    for elapsed, held in looks:
        series.add(elapsed, held)
    return series.facts(None)


@given(LOOKS)
def test_series_is_bounded_and_keeps_every_peak_in_its_interval(looks):
    looks = sorted(looks)
    facts = series_of(looks)
    every, kept = facts["every_s"], facts["bytes"]
    assert len(kept) <= 240
    for index, peak in enumerate(kept):
        inside = [held for elapsed, held in looks if index * every <= elapsed < (index + 1) * every]
        assert peak == max(inside, default=None)


def test_intervals_double_only_where_there_would_be_too_many():
    assert series_of([(119.9, 1)])["every_s"] == 0.5
    facts = series_of([(0.0, 5), (0.6, 7), (120.0, 9)])
    assert (facts["every_s"], facts["bytes"][0], facts["bytes"][120]) == (1.0, 7, 9)
    assert facts["bytes"][1:120] == [None] * 119


def test_nothing_seen_is_told_as_nothing():
    assert MemorySeries().facts(2**30) is None


STAGE = Stage("train/a", "train", "image", {}, memory_bytes=2**30)


def realised(tmp_path, work):
    context = ExecutionContext(
        store=Store(tmp_path / "store"),
        engine=FakeEngine({"train": work}, Faults(held_bytes=123)),
        environments={"image": Environment("local", "image", "0" * 64, "python")},
        modules={"image": "module"},
        programs={"image": Program("code")},
        listener=lambda _event: None,
        stopper=Stopper(),
        run="run",
        logs=tmp_path / "logs",
    )
    return execute_stage(STAGE, stage_identity(STAGE, Program("code"), {}), {}, context)


def test_stage_keeps_what_its_program_held_beside_its_budget(tmp_path):
    def work(context):
        for name in ("curves.json", "train.json"):
            with open(context.output(name), "w", encoding="utf-8") as stream:
                stream.write("{}")
        time.sleep(0.4)  # long enough for the first look, however busy the machine is

    memory = realised(tmp_path, work).manifest.facts["memory"]
    assert set(memory["bytes"]) - {None} == {123}
    assert memory["budget_bytes"] == 2**30


def test_stage_that_ran_out_of_memory_still_tells_what_it_held(tmp_path):
    def work(_context):
        time.sleep(0.4)
        raise stagekit.OutOfMemory("memory did not suffice")

    with pytest.raises(OutOfMemory) as caught:
        realised(tmp_path, work)
    failure = failure_entry(caught.value)
    took = failure.took
    assert set(took["memory"]["bytes"]) - {None} == {123}
    assert took["memory"]["budget_bytes"] == 2**30
    assert took["seconds"] >= 0.4
    record = stage_record(StageEntry(name=STAGE.name, kind=STAGE.kind, image=STAGE.image), None, failure)
    assert record.state == "failed"
    assert record.memory is not None
    assert (record.engine, record.seconds) == ("fake", took["seconds"])

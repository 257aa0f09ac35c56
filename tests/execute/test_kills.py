"""A run that is killed between two steps is taken up there: no stage runs to its end twice, and nothing is left."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from orchestrator.errors import Cancelled
from orchestrator.execute.events import Noted, Warned
from orchestrator.execute.stopper import Stopper
from orchestrator.store.run_processes import run_processes, told_process
from tests.engine.fake import FakeEngine
from tests.execute.killed_run import OUTPUTS, KilledRun

pytestmark = pytest.mark.slow


@pytest.fixture
def course(tmp_path):
    return KilledRun(tmp_path)


def in_background(course, *arguments, pause_s=0.0):
    command = [sys.executable, "-m", "tests.execute.killed_run", str(course.folder), *arguments]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(Path.cwd()), "PAUSE_S": str(pause_s)})


def wait_for(condition, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def assert_all_done(course):
    result = course.run()
    assert not result.failures
    for name, artifact in result.results.items():
        kind = name.split("/")[0]
        assert sorted(path.name for path in artifact.output.iterdir()) == sorted(OUTPUTS[kind]), name
    third = course.run()
    assert set(third.stored) == set(third.results) == set(result.results)
    assert list(course.store.layout.stagings.iterdir()) == []
    assert course.store.layout.lease_keys() == []
    assert course.store.layout.artifact_keys() == sorted(artifact.key for artifact in result.results.values())


@pytest.mark.parametrize("before", ["commit", "_publish", "discard_staging"])
def test_stage_that_ended_before_its_run_was_killed_does_not_run_again(course, before):
    process = in_background(course, before)
    assert process.wait(60) == -signal.SIGKILL
    assert course.told() == ["begin prepare/a", "end prepare/a"]
    assert_all_done(course)
    assert [line for line in course.told() if line.startswith("end")] == [
        "end prepare/a",
        "end train/a",
        "end export/a",
    ]


def test_run_that_was_killed_half_way_through_clearing_up_leaves_nothing(course):
    result = course.run()
    for artifact in result.results.values():
        rest = course.store.layout.staging(artifact.key) / "work"
        rest.mkdir(parents=True)
        (rest / "start.lock").touch()
    left = ["0" * 64, "process-1-5f0c3a77", "report-run-1"]
    for name in left:
        course.store.layout.lease(name).touch()
    assert_all_done(course)
    assert not [name for name in left if course.store.layout.lease(name).exists()]


def test_lock_of_a_run_that_goes_on_is_left_to_it(course):
    with told_process(course.store.layout, "run"):
        course.run()
        assert [process.run for process in run_processes(course.store.layout)] == ["run"]
    assert run_processes(course.store.layout) == []


def test_scratch_folder_of_a_killed_program_is_taken_away_and_one_in_use_stays(course):
    dead = course.store.layout.stagings / "photos-dead"
    (dead / "pictures").mkdir(parents=True)
    course.store.layout.lease(dead.name).touch()
    with course.store.scratch("photos") as used:
        course.run()
        assert used.is_dir()
    assert list(course.store.layout.stagings.iterdir()) == []


def test_killed_program_leaves_no_rest_in_the_result(course):
    """The export is killed with its files half done; what it makes then is what it makes undisturbed."""
    process = in_background(course, pause_s=1.0)
    wait_for(lambda: "begin export/a" in course.told())
    process.kill()
    process.wait(10)
    (record,) = course.store.layout.stagings.glob("*/process.json")
    for which in ("program", "supervisor"):
        os.kill(json.loads(record.read_text())[which]["pid"], signal.SIGKILL)
    assert list(record.parent.glob("output/half-done-*"))
    result = course.run(pause_s=1.0)
    export = result.results["export/a"].output
    assert sorted(path.name for path in export.iterdir()) == sorted(OUTPUTS["export"])


def test_run_that_waits_for_another_says_so_once_and_ends_when_it_is_told_to(course):
    first = in_background(course, pause_s=30.0)
    wait_for(lambda: "begin prepare/a" in course.told())
    events, stopper = [], Stopper()
    results = []
    second = threading.Thread(target=lambda: results.append(course.run(30.0, stopper, events.append)))
    second.start()
    wait_for(lambda: any(isinstance(event, Warned) for event in events))
    time.sleep(1.0)
    asked = time.monotonic()
    stopper.request()
    second.join(20)
    assert time.monotonic() - asked < 3
    assert isinstance(results[0].failures["prepare/a"], Cancelled)
    waiting = [event for event in events if isinstance(event, Warned)]
    assert len(waiting) == 1
    assert "another run is making this result" in waiting[0].message
    assert course.told() == ["begin prepare/a"]
    first.kill()
    first.wait(10)
    (record,) = course.store.layout.stagings.glob("*/process.json")
    psutil.Process(json.loads(record.read_text())["program"]["pid"]).kill()


def test_program_that_a_killed_run_left_on_another_engine_is_stopped_before_its_stage_runs_on_this_one(course):
    first = in_background(course, pause_s=60.0)
    wait_for(lambda: "begin prepare/a" in course.told())
    first.kill()
    first.wait(10)
    (record,) = course.store.layout.stagings.glob("*/process.json")
    program = psutil.Process(json.loads(record.read_text())["program"]["pid"])

    def work(context):
        assert not program.is_running()
        for name in context.setting("files"):
            Path(context.output(name)).write_text(context.request.kind)

    events = []
    result = course.run(60.0, listener=events.append, engine=FakeEngine(dict.fromkeys(OUTPUTS, work)))
    assert not result.failures
    assert [event.message for event in events if isinstance(event, Noted)] == [
        "its program still ran on the engine local and was stopped"
    ]

"""Programs that run are shown and stopped, also those whose run was killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import SpecError
from tests.execute.killed_run import KilledRun

pytestmark = pytest.mark.slow


def called(course, *arguments, **options):
    return CliRunner().invoke(app, [*arguments, "--store", str(course.store.root)], **options)


def shown(course):
    return json.loads(called(course, "ps", "--json").stdout)


@pytest.fixture
def begun(tmp_path):
    """A run in another process whose first stage is at work, and that process."""
    course = KilledRun(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.execute.killed_run", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "PAUSE_S": "120"},
    )
    deadline = time.monotonic() + 30
    while "begin prepare/a" not in course.told():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield course, process
    process.kill()
    process.wait(10)
    called(course, "stop", "--yes", "--grace", "0")
    assert shown(course) == []


def test_followed_program_is_shown_with_its_run_and_the_run_is_stopped_as_a_whole(begun):
    course, process = begun
    (program,) = shown(course)
    assert (program["stage"], program["run"], program["engine"]) == ("prepare/a", "run", "local")
    assert program["followed_by"]["pid"] == process.pid
    assert abs(time.time() - program["started"]) < 60
    table = called(course, "ps").stdout
    assert "prepare/a" in table
    assert f"process {process.pid}" in table
    done = called(course, "stop", "prepare/a")
    assert done.exit_code == 0, done.output
    assert f"stopping the run of process {process.pid}" in done.stdout
    assert process.wait(10) == 0
    assert shown(course) == []
    assert course.told() == ["begin prepare/a"]


def test_program_whose_run_was_killed_is_shown_and_stopped_and_its_folder_stays_for_the_next_run(begun):
    course, process = begun
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    (program,) = shown(course)
    assert program["followed_by"] is None
    refused = called(course, "runs", "remove", "run", "--yes").exception
    assert refused.code == "in-use"
    assert "there are programs that run: prepare/a" in refused.message
    assert "sirr-orch stop run" in refused.hint
    assert "nobody" in called(course, "ps").stdout
    done = called(course, "stop", "run")
    assert (done.exit_code, done.stdout) == (0, "stopped: prepare/a\n")
    assert shown(course) == []
    assert course.store.has_staging(program["key"])
    assert set(course.run().results) == {"prepare/a", "train/a", "export/a"}


def test_name_of_nothing_that_runs_is_refused_with_what_runs(begun):
    course, _process = begun
    done = called(course, "stop", "train/b")
    assert isinstance(done.exception, SpecError)
    assert "prepare/a of run" in done.exception.message
    assert len(shown(course)) == 1


def test_all_are_stopped_only_when_that_is_confirmed(begun):
    course, process = begun
    assert called(course, "stop", input="n\n").exit_code == 1
    assert len(shown(course)) == 1
    assert called(course, "stop", "--grace", "5", input="y\n").exit_code == 0
    assert process.wait(10) == 0


WAITING = """
import sys
from pathlib import Path
from orchestrator.execute.stopper import Stopper
from orchestrator.store.runs import run_in_progress
from tests.execute.killed_run import KilledRun
course, stopper = KilledRun(Path(sys.argv[1])), Stopper()
with stopper.listening(), run_in_progress(course.store, "second"):
    course.run(120.0, stopper, lambda event: print(event, flush=True))
"""


def test_run_that_waits_for_anothers_program_is_shown_and_stopped_by_its_name(begun, tmp_path):
    course, process = begun
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    argv = [sys.executable, "-c", WAITING, str(tmp_path)]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as second:
        while "another run is making this result" not in second.stdout.readline():
            assert second.poll() is None
        assert f"the run second follows no program now: process {second.pid} on" in called(course, "ps").stdout
        done = called(course, "stop", "second")
        assert (done.exit_code, second.wait(10)) == (0, 0), done.output
    assert done.stdout.splitlines() == [
        f"stopping the run of process {second.pid}: the run second",
        "stopped: the run second",
    ]
    assert [program["followed_by"]["pid"] for program in shown(course)] == [process.pid], "the other goes on"
    assert not list(course.store.layout.leases.glob("process-*"))


def test_store_in_which_nothing_runs_says_so(tmp_path):
    course = KilledRun(tmp_path)
    assert "no program" in called(course, "ps").stdout
    assert "no program" in called(course, "stop").stdout

"""What goes wrong on a cluster: killed daemons and orchestrators, double starts, limits, and wrong demands."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.conformance.engine_suite import heard, training, wait_for
from orchestrator.engine.slurm import Demand, SlurmEngine, sbatch_options
from orchestrator.engine.slurm_commands import Controller
from orchestrator.engine.slurm_files import claim_file, files_of
from orchestrator.errors import EngineUnavailable
from orchestrator.execute.classify import classify
from tests.slurm.conftest import POLL_S

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


def submission(job):
    return json.loads((files_of(job.staging) / "submission.json").read_text())


def queue(rig):
    """Return the user's jobs that live, by name."""
    return [line.split("|") for line in rig.run("squeue", "--me", "-h", "-o", "%j|%T").splitlines()]


def begun(running):
    lines, _thread = heard(running)
    wait_for(lambda: lines, 60)
    return lines


@pytest.mark.parametrize(
    ("demand", "words", "hint"),
    [
        pytest.param({"partition": "gpus"}, "no such partition", "name one in the site file", id="partition"),
        pytest.param({"options": ("--mem=900G",)}, "no node of the cluster", "site file", id="memory"),
        pytest.param({"options": ("--constraint=big",)}, "Invalid feature", "", id="constraint"),
    ],
)
def test_what_slurm_refuses_is_said_at_once_and_leaves_nothing(bench, rig, demand, words, hint):
    before = queue(rig)
    job = training(bench)
    with pytest.raises(Exception, match=words) as caught:
        bench.engine(**demand).start(job)
    assert hint in str(caught.value.hint)
    assert queue(rig) == before
    assert not files_of(job.staging).exists()


@pytest.mark.parametrize(
    "demand",
    [
        pytest.param({"partition": "short", "time": "10:00:00"}, id="time-limit"),
    ],
)
def test_a_job_that_would_wait_for_ever_is_given_up_with_the_reason(bench, rig, demand):
    running = bench.start(training(bench), bench.engine(**demand))
    outcome = running.outcome()
    error = classify(outcome, None, stopped_by_us=False, timed_out=False).error
    assert isinstance(error, EngineUnavailable)
    assert "site file" in error.hint
    wait_for(lambda: not queue(rig), 20)


def test_a_second_start_under_the_same_number_runs_nothing(bench):
    """As Slurm does where its controller is killed just after a start."""
    job = training(bench)
    running = bench.start(job)
    begun(running)
    name = submission(job)["submission"]
    assert (files_of(job.staging) / claim_file(name)).exists()
    command = [sys.executable, "-I", "-m", "orchestrator.engine.slurm_node", str(job.staging), name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (75, "")
    assert "started before" in done.stderr
    running.stop(20)
    assert running.outcome().exit_code == 12


def test_a_job_whose_number_was_lost_is_found_again_and_not_submitted_twice(bench, rig):
    """An orchestrator that was killed between sbatch's answer and writing it down."""
    job = training(bench)
    bench.start(job)
    path = files_of(job.staging) / "submission.json"
    record = json.loads(path.read_text())
    number = record.pop("job")
    path.write_text(json.dumps(record))
    later = SlurmEngine(bench.root, walls="none", controller=Controller(POLL_S))
    found = bench.start(job, later)
    assert found.adopted
    begun(found)
    assert submission(job)["job"] == number
    assert len(queue(rig)) == 1
    found.stop(20)
    assert found.outcome().exit_code == 12


def test_a_time_limit_lets_the_program_save(bench):
    job = training(bench)
    running = bench.start(job, bench.engine(partition="short", time="1", save_s=50))
    assert running.outcome().exit_code == 12
    assert (job.staging / "work" / "checkpoint.json").exists()


def test_while_the_controller_is_away_jobs_go_on_and_new_ones_wait_for_it(bench, rig):
    running = bench.start(training(bench))
    lines = begun(running)
    time.sleep(8)  # what it has not written down yet it forgets, and starts again
    rig.kill("slurmctld")
    try:
        waiting = bench.start(bench.job("count", settings={"lines": 4, "pause_s": 0.0}))
        assert waiting.waits
        assert "does not answer" in waiting.why_it_waits
        seen = len(lines)
        wait_for(lambda: len(lines) > seen + 10)
        assert not running.waits
    finally:
        rig.start_controller()
        rig.wait_for("idle", 1)
    assert waiting.outcome().exit_code == 0
    running.stop(20)
    assert running.outcome().exit_code == 12


def test_a_program_killed_on_its_node_is_lost_and_a_new_start_runs_it_again(bench):
    job = bench.job("count", settings={"lines": 400, "pause_s": 0.05})
    running = bench.start(job)
    begun(running)
    supervisor = json.loads((files_of(job.staging) / "process.json").read_text())["supervisor"]["pid"]
    subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(supervisor)], check=True)
    outcome = running.outcome()
    assert outcome.exit_code is None
    assert "wrote down no end" in outcome.error
    again = bench.start(bench.job("count", key=job.key, settings={"lines": 4, "pause_s": 0.0}))
    assert not again.adopted
    assert again.outcome().exit_code == 0


def test_a_cancelled_job_was_cancelled_by_somebody(bench, rig):
    job = bench.job("stubborn", settings={"steps": 100000, "pause_s": 0.01})
    running = bench.start(job)
    begun(running)
    rig.run("scancel", "--full", "--signal=KILL", str(submission(job)["job"]))
    assert running.outcome().exit_code is None


def test_walls_stand_on_the_node(bench, shared):
    engine = SlurmEngine(shared / "stages", walls="bubblewrap", controller=Controller(POLL_S))
    (shared / "secret").write_text("secret")
    job = bench.job("attempt", settings={"attempts": [["read", str(shared / "secret")], ["write", str(shared / "x")]]})
    running = bench.start(job, engine)
    assert running.outcome().exit_code == 0, list(running.lines())
    assert running.walls == "bubblewrap"
    results = json.loads((job.staging / "output" / "attempts.json").read_text())
    assert "done" not in [result for _what, _whom, result in results]


def test_what_sbatch_is_told_names_memory_device_and_processors(bench):
    job = bench.job("train", memory_bytes=2**30, device="cuda", threads=4)
    told = sbatch_options(job, "0123", Demand(partition="gpu", account="lab", time="24:00:00", gres="gpu:a100:1"))
    assert {
        "--mem=1639M",
        "--gres=gpu:a100:1",
        "--cpus-per-task=4",
        "--partition=gpu",
        "--account=lab",
        "--time=24:00:00",
        "--dependency=singleton",
        "--no-requeue",
        "--signal=B:TERM@120",
        "--comment=0123",
    } <= set(told)
    assert told[-1].startswith("exec ")
    assert Path(told[-1].split("'")[1]) == Path(sys.executable)

import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from orchestrator.engine.protocol import Environment
from orchestrator.errors import DeviceUnavailable, ImageNotBuilt, InfraFailure
from stagekit import decode


def processes_of(job):
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SIRR_JOB") == job.key and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def gone(job, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while processes_of(job) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes_of(job)


def test_program_sees_nothing_of_the_host_environment(local_bench, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    job = local_bench.job("look", settings={"paths": [], "caches": ["XDG_CACHE_HOME", "MPLCONFIGDIR"]}, threads=3)
    assert local_bench.start(job).outcome().exit_code == 0
    facts = json.loads((job.staging / "output" / "facts.json").read_text())
    environment = facts["environment"]
    assert "HF_TOKEN" not in environment
    assert environment["PYTHONPATH"] == str(job.environment.code)
    assert (environment["OMP_NUM_THREADS"], environment["CUDA_VISIBLE_DEVICES"]) == ("3", "")
    assert Path(environment["HOME"]).is_relative_to(job.staging / "work")
    assert facts["home"]
    assert facts["caches"]


def test_no_child_outlives_its_program(local_bench):
    job = local_bench.job("parent")
    assert local_bench.start(job).outcome().exit_code == 0
    assert not psutil.pid_exists(int((job.staging / "output" / "child.txt").read_text()))


def test_job_of_a_killed_client_goes_on_and_is_adopted(local_bench):
    job = local_bench.job("train", settings={"steps": 100000, "pause_s": 0.01})
    arguments = [job.key, str(local_bench.root), str(job.environment.code)]
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, *arguments],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{Path.cwd()}:{Path.cwd() / 'images'}"},
        text=True,
    )
    with client:
        assert client.stdout.readline().strip() == "started"
        client.send_signal(signal.SIGKILL)
    assert local_bench.engine().sweep() == []
    running = local_bench.start(job)
    assert running.adopted
    assert decode(next(iter(running.lines()))).done == 1
    running.stop(20)
    assert running.outcome().exit_code == 12
    assert local_bench.engine().sweep() == [job.key]
    assert not local_bench.start(job).adopted


CLIENT = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from orchestrator.engine.local import LocalEngine
    from orchestrator.engine.protocol import Environment, Job

    key, root, code = sys.argv[1:]
    environment = Environment("local", "test", "0" * 64, sys.executable, Path(code))
    settings = {"steps": 100000, "pause_s": 0.01}
    staging = Path(root) / key
    job = Job(key, "engine-tests", "train/test", "train", "engine_program", environment, staging, settings, {})
    running = LocalEngine(Path(root)).start(job)
    next(iter(running.lines()))
    print("started", flush=True)
    time.sleep(600)
    """
)


def test_killed_supervisor_takes_its_program_along(local_bench):
    job = local_bench.job("train", settings={"steps": 100000, "pause_s": 0.01})
    running = local_bench.start(job)
    next(iter(running.lines()))
    supervisor = json.loads((job.staging / "process.json").read_text())["supervisor"]["pid"]
    os.kill(supervisor, signal.SIGKILL)
    outcome = running.outcome()
    assert outcome.exit_code is None
    assert "supervisor was killed" in outcome.error
    assert gone(job)
    again = local_bench.start(job)
    assert not again.adopted


def test_record_of_another_process_with_the_same_number_is_not_a_running_job(local_bench):
    job = local_bench.job("count", settings={"lines": 1, "pause_s": 0})
    local_bench.start(job).outcome()
    (job.staging / "exit.json").unlink()
    record = json.loads((job.staging / "process.json").read_text())
    record["supervisor"] = {"pid": os.getpid(), "created": 1.0}
    (job.staging / "process.json").write_text(json.dumps(record))
    again = local_bench.start(job)
    assert not again.adopted
    assert again.outcome().exit_code == 0


def test_memory_limit_counts_what_children_hold(local_bench):
    job = local_bench.job("hoard", settings={"megabytes": 2048, "pause_s": 0.02}, memory_bytes=64 * 2**20)
    outcome = local_bench.start(job).outcome()
    assert outcome.out_of_memory
    assert gone(job)


def test_environment_that_is_not_built_says_so(local_bench):
    job = local_bench.job("count")
    environment = Environment("local", "errnet2019", "0" * 64, "/nonexistent/python", job.environment.code)
    with pytest.raises(ImageNotBuilt, match="errnet2019") as caught:
        local_bench.start(dataclasses.replace(job, environment=environment))
    assert "sirr-orch build --engine local errnet2019" in caught.value.hint


def test_interpreter_that_cannot_run_says_so(local_bench, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("")
    job = local_bench.job("count")
    environment = Environment("local", "test", "0" * 64, str(broken), job.environment.code)
    with pytest.raises(InfraFailure, match="could not be started"):
        local_bench.start(dataclasses.replace(job, environment=environment))


def test_gpu_is_never_replaced_by_the_cpu(local_bench, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(DeviceUnavailable, match="does not show GPU-1"):
        local_bench.start(local_bench.job("count", device="cuda", gpus=["GPU-1"]))
    with pytest.raises(DeviceUnavailable, match="has none to give"):
        local_bench.start(local_bench.job("count", device="cuda"))


def test_memory_of_a_program_and_its_children_is_seen_to_grow(local_bench):
    job = local_bench.job("hoard", settings={"megabytes": 4096, "pause_s": 0.02})
    running = local_bench.start(job)
    try:
        deadline = time.monotonic() + 20
        while (running.memory_bytes() or 0) < 150 * 2**20:
            assert time.monotonic() < deadline, "the program's memory was not seen to grow"
            time.sleep(0.05)
    finally:
        running.stop(0)
    running.outcome()
    assert running.memory_bytes() is None

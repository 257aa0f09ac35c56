import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from functools import partial
from pathlib import Path

import psutil
import pytest

from orchestrator.conformance.engine_bench import Bench
from orchestrator.engine.local import LocalEngine
from orchestrator.engine.owner import Owner
from orchestrator.engine.program import RUN_LOCK, ended_well
from orchestrator.engine.protocol import Environment
from orchestrator.errors import DeviceUnavailable, ImageNotBuilt, InfraFailure
from orchestrator.locks import lock
from stagekit import decode
from stagekit.program import DONE_FILE

pytestmark = pytest.mark.slow


def processes_of(job):
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.environ().get("SIRR_STAGING") == str(job.staging.resolve())
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def programs_of(job):
    """Return the stage's programs, without what keeps them in their walls."""
    return [one for one in processes_of(job) if one.cmdline()[1:3] == ["-m", "engine_program"]]


def gone(job, timeout_s=10.0):
    """Return whether nothing of a job is left within some seconds, its supervisor's lock on the folder included."""
    deadline = time.monotonic() + timeout_s
    while (processes_of(job) or is_held(job)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes_of(job) and not is_held(job)


def is_held(job):
    with (job.staging / RUN_LOCK).open("rb") as stream:
        return not lock(stream.fileno(), job.staging / RUN_LOCK, shared=True)


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
    assert gone(job)


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


def test_program_that_came_to_its_end_is_done_although_its_supervisor_could_not_say_so(local_bench):
    job = local_bench.job("count", settings={"lines": 1, "pause_s": 0})
    local_bench.start(job).outcome()
    assert gone(job)
    (job.staging / "exit.json").unlink()
    again = local_bench.start(job)
    assert again.adopted
    assert ended_well(again.outcome().exit_code, job.staging)


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
    assert gone(job)
    (job.staging / "exit.json").unlink()
    (job.staging / "work" / DONE_FILE).unlink()
    record = json.loads((job.staging / "process.json").read_text())
    record["supervisor"] = {"pid": os.getpid(), "created": 1}
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


ODD = {
    "empty": b"",
    "zeros": bytes(512),
    "other-types": b'{"supervisor": "me", "program": {"pid": "7"}, "exit_code": "0", "owner": 5, "argv": 3}',
}


@pytest.fixture
def stores(request, tmp_path):
    """Two stores of one machine; what a test starts in either is removed after it."""
    code = request.getfixturevalue("local_code")
    environment = Environment("local", "test", "0" * 64, sys.executable, code)
    pair = [
        Bench("local", partial(LocalEngine, tmp_path / name), environment, tmp_path / name, tmp_path / "outside")
        for name in ("ours", "theirs")
    ]
    yield pair
    for bench in pair:
        bench.clear()


def same_job(benches, pause_s=0.01):
    settings = {"steps": 100000, "pause_s": pause_s}
    key = uuid.uuid4().hex * 2
    return [bench.job("train", key=key, settings=settings) for bench in benches]


def begun(bench, job):
    running = bench.start(job)
    next(iter(running.lines()))
    return running


def kill_supervisor(job):
    os.kill(json.loads((job.staging / "process.json").read_text())["supervisor"]["pid"], signal.SIGKILL)


@pytest.mark.parametrize("then", ["outcome", "start", "sweep", "remove"])
def test_same_stage_of_another_store_is_left_alone(stores, then):
    ours, theirs = stores
    job, other = same_job(stores)
    running, neighbour = begun(ours, job), begun(theirs, other)
    kill_supervisor(job)
    assert gone(job)
    if then == "outcome":
        assert running.outcome().exit_code is None
    elif then == "start":
        assert not ours.start(job).adopted
    elif then == "sweep":
        ours.engine().sweep()
    else:
        running.remove()
    assert neighbour.alive
    assert theirs.start(other).adopted
    neighbour.stop(20)
    assert neighbour.outcome().exit_code == 12


def test_copy_of_a_store_neither_adopts_nor_ends_what_runs_in_the_first(stores):
    ours, theirs = stores
    job, other = same_job(stores)
    running = begun(ours, job)
    shutil.copytree(job.staging, other.staging)
    copy = theirs.start(other)
    assert not copy.adopted
    copy.remove()
    assert running.alive
    running.stop(20)
    assert running.outcome().exit_code == 12


def test_result_in_a_copy_of_a_store_is_made_again(stores):
    ours, theirs = stores
    key = uuid.uuid4().hex * 2
    job, other = (bench.job("count", key=key, settings={"lines": 1, "pause_s": 0}) for bench in stores)
    ours.start(job).outcome()
    shutil.copytree(job.staging, other.staging)
    (other.staging / "output" / "result.txt").write_text("cut sh")
    again = theirs.start(other)
    assert not again.adopted
    again.outcome()
    assert (other.staging / "output" / "result.txt").read_text() == "counted 1"


def test_clock_that_is_set_ends_no_running_job(local_bench, monkeypatch):
    job = local_bench.job("train", settings={"steps": 100000, "pause_s": 0.01})
    running = begun(local_bench, job)
    before = psutil.Process().create_time()
    booted = psutil.boot_time()
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: booted - 7200)
    assert psutil.Process(os.getpid()).create_time() == pytest.approx(before - 7200, abs=2)
    assert running.alive
    assert local_bench.start(job).adopted
    assert Owner.parse(str(local_bench.engine()._owner)).alive
    running.stop(20)
    assert running.outcome().exit_code == 12


def test_client_killed_while_its_supervisor_starts_leaves_one_program(local_bench):
    """Whoever comes next waits until the first start is through, and adopts what came of it."""
    job = local_bench.job("train", settings={"steps": 100000, "pause_s": 0.01})
    arguments = [job.key, str(local_bench.root), str(job.environment.code)]
    slow = SLOW_START + CLIENT
    client = subprocess.Popen(
        [sys.executable, "-c", slow, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.DEVNULL,
    )
    with client:
        deadline = time.monotonic() + 20
        while not (job.staging / "job.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.2)
        client.send_signal(signal.SIGKILL)
    running = local_bench.start(job)
    assert running.adopted
    time.sleep(1.5)
    steps = [decode(line).done for line in (job.staging / "log.txt").read_text().splitlines()]
    assert steps == list(range(1, len(steps) + 1))
    assert len(programs_of(job)) == 1


SLOW_START = textwrap.dedent(
    """
    import tempfile
    from pathlib import Path
    from orchestrator.engine import supervisor

    text = Path(supervisor.__file__).read_text()
    slow = Path(tempfile.mkdtemp()) / "supervisor.py"
    slow.write_text(text.replace("    job = json.loads", "    time.sleep(1.0); job = json.loads"))
    supervisor.__file__ = str(slow)
    """
)


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
@pytest.mark.parametrize("name", ["job.json", "process.json"])
def test_record_that_a_power_cut_left_does_not_hide_a_running_job(local_bench, name, content):
    job = local_bench.job("train", settings={"steps": 100000, "pause_s": 0.01})
    running = begun(local_bench, job)
    (job.staging / name).write_bytes(content)
    assert local_bench.start(job).adopted
    assert job.staging.resolve() in local_bench.engine().paths_in_use()
    running.remove()
    assert gone(job)


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
@pytest.mark.parametrize("name", ["job.json", "process.json", "exit.json"])
def test_record_that_a_power_cut_left_is_swept_and_the_stage_runs_again(local_bench, name, content):
    job = local_bench.job("count", settings={"lines": 1, "pause_s": 0})
    local_bench.start(job).outcome()
    supervisor = json.loads((job.staging / "process.json").read_text())["supervisor"]["pid"]
    psutil.wait_procs([psutil.Process(supervisor)] if psutil.pid_exists(supervisor) else [], 10)
    for record in ("job.json", "process.json", "exit.json"):
        if record != name:
            (job.staging / record).unlink()
    (job.staging / name).write_bytes(content)
    engine = local_bench.engine()
    engine.sweep()
    again = local_bench.start(job, engine)
    assert not again.adopted
    assert again.outcome().exit_code == 0
    foreign = local_bench.job("count", settings={"lines": 1, "pause_s": 0})
    assert local_bench.start(foreign, engine).outcome().exit_code == 0


@pytest.mark.parametrize("name", ["output", "facts", "work/home", "work/cache", "work/start.lock", "work/run.lock"])
def test_links_that_a_program_left_for_its_folders_lead_the_next_start_nowhere(local_bench, tmp_path, name):
    precious = tmp_path / "precious"
    precious.mkdir()
    for file in ("letter.txt", "half.partial"):
        (precious / file).write_text("mine")
    job = local_bench.job("count", settings={"lines": 1, "pause_s": 0})
    link = job.staging / name
    link.parent.mkdir(parents=True)
    link.symlink_to(precious / "new" if name.endswith("lock") else precious)
    assert local_bench.start(job).outcome().exit_code == 0
    assert {path.name for path in precious.iterdir()} == {"letter.txt", "half.partial"}
    assert not link.is_symlink()

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import docker
import pytest

from orchestrator.conformance.engine_bench import Bench
from orchestrator.engine.container import Caller
from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.logs import LogFollower
from orchestrator.engine.owner import Owner
from orchestrator.engine.protocol import Environment
from orchestrator.errors import DeviceUnavailable, EngineUnavailable, ImageNotBuilt, InfraFailure
from stagekit import decode
from tests.engine.cutting_proxy import CuttingProxy

pytestmark = pytest.mark.docker

CACHES = ["XDG_CACHE_HOME", "MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "NUMBA_CACHE_DIR"]


def containers_of(client, job):
    return client.containers.list(all=True, filters={"label": f"org.sirr-orch.key={job.key}"})


def seen(bench, tmp_path, paths=(), **fields):
    words = tmp_path / "words"
    words.mkdir(exist_ok=True)
    settings = {"paths": list(paths), "caches": [*CACHES, "CUDA_CACHE_PATH"]}
    job = bench.job("look", settings=settings, inputs={"words": words}, **fields)
    running = bench.start(job)
    assert running.outcome().exit_code == 0, list(running.lines())
    return json.loads((job.staging / "output" / "facts.json").read_text())


def test_container_is_hardened(docker_bench, tmp_path):
    paths = ["/", "/usr", "/inputs", "/inputs/words", "/stage", "/stage/output", "/tmp", "/dev/shm"]
    facts = seen(docker_bench, tmp_path, paths, memory_bytes=512 * 2**20, shm_bytes=2**31)
    assert facts["writable"] == ["/stage", "/stage/output", "/tmp", "/dev/shm"]
    assert facts["interfaces"] == ["lo"]
    assert (int(facts["capabilities"], 16), facts["no_new_privileges"]) == (0, "1")
    assert (facts["uid"], facts["gid"]) == (os.getuid(), os.getgid())
    assert facts["shm_bytes"] == 512 * 2**20


def test_home_and_caches_can_be_written(docker_bench, tmp_path):
    facts = seen(docker_bench, tmp_path, seed=7, memory_bytes=2**29)
    assert facts["home"]
    assert facts["caches"]
    assert facts["request"] == {"memory_bytes": 2**29, "seed": 7}


def test_container_sees_nothing_of_the_host_environment(docker_bench, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    environment = seen(docker_bench, tmp_path)["environment"]
    assert "HF_TOKEN" not in environment
    assert environment["CUDA_VISIBLE_DEVICES"] == ""


def test_tmp_may_hold_programs(docker_bench, docker_client):
    mounts = docker_bench.engine()
    running = docker_bench.start(docker_bench.job("count", settings={"lines": 1, "pause_s": 0}), mounts)
    running.outcome()
    found = docker_client.api.inspect_container(running._id)
    assert "exec" in found["HostConfig"]["Tmpfs"]["/tmp"].split(",")
    assert found["HostConfig"]["RestartPolicy"]["Name"] == "no"


def engine_socket():
    """The socket that the tests' engine answers on."""
    return os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


@contextlib.contextmanager
def cut(tmp_path, **faults):
    """Give an engine whose connections are cut, and the proxy that does so."""
    proxy = CuttingProxy(tmp_path / "engine.sock", engine_socket(), **faults)
    client = docker.DockerClient(base_url=f"unix://{tmp_path}/engine.sock", timeout=60)
    try:
        yield DockerEngine(tmp_path, client), proxy
    finally:
        client.close()
        proxy.close()


@pytest.mark.parametrize("after_bytes", [700, 4096 + 333])
def test_cut_log_streams_lose_and_repeat_nothing(docker_bench, tmp_path, after_bytes):
    job = docker_bench.job("count", settings={"lines": 300, "pause_s": 0.002})
    with cut(tmp_path, about=b"/logs?", after_bytes=after_bytes, cuts=5) as (engine, proxy):
        running = engine.start(job)
        lines = list(running.lines())
        running.remove()
    assert proxy.made > 3
    numbers = [int(line.split()[1]) if line.startswith("line") else int(decode(line).done) for line in lines]
    assert numbers == list(range(1, 301))


def test_silence_is_no_failure_of_the_stream(docker_bench, docker_client):
    running = docker_bench.start(docker_bench.job("count", settings={"lines": 4, "pause_s": 0.5}))
    asked = []

    def ended():
        asked.append(True)
        return docker_client.api.inspect_container(running._id)["State"]["Status"] == "exited"

    lines = list(LogFollower(docker_client, running._id, ended, piece_bytes=None, idle_s=0.1).lines())
    assert len(lines) == 4
    assert len(asked) > 6


def test_wait_survives_cut_connections(docker_bench, tmp_path):
    job = docker_bench.job("count", settings={"lines": 5, "pause_s": 0.05})
    with cut(tmp_path, about=b"/wait", after_bytes=1, cuts=3) as (engine, proxy):
        running = engine.start(job)
        assert running.outcome().exit_code == 0
        running.remove()
    assert proxy.made >= 2


def test_job_of_a_killed_client_is_adopted(docker_bench, docker_client):
    job = docker_bench.job("train", settings={"steps": 100000, "pause_s": 0.01})
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, job.key, job.environment.reference, str(job.staging)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{Path.cwd()}:{Path.cwd() / 'images'}"},
        text=True,
    )
    with client:
        assert client.stdout.readline().strip() == "started"
        client.send_signal(signal.SIGKILL)
    engine = docker_bench.engine()
    assert job.key not in engine.sweep()
    running = docker_bench.start(job, engine)
    assert running.adopted
    assert decode(next(iter(running.lines()))).done == 1
    running.stop(20)
    assert running.outcome().exit_code == 12
    assert job.key in docker_bench.engine().sweep()
    assert not containers_of(docker_client, job)


CLIENT = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from orchestrator.engine.docker import DockerEngine
    from orchestrator.engine.protocol import Environment, Job

    key, image, staging = sys.argv[1:]
    environment = Environment("docker", "test", "0" * 64, image)
    settings = {"steps": 100000, "pause_s": 0.01}
    job = Job(key, "engine-tests", "train/test", "train", "engine_program", environment, Path(staging), settings, {})
    running = DockerEngine(Path(staging).parent).start(job)
    next(iter(running.lines()))
    print("started", flush=True)
    time.sleep(600)
    """
)


def test_container_that_a_client_left_before_its_start_is_started(docker_bench, docker_client):
    engine = docker_bench.engine()
    job = docker_bench.job("count", settings={"lines": 2, "pause_s": 0})
    engine._created(engine._absolute(job))
    running = docker_bench.start(job, engine)
    assert running.outcome().exit_code == 0
    assert len(containers_of(docker_client, job)) == 1


@pytest.mark.skipif(os.getuid() != 0, reason="optional: only root can give folders to another user")
def test_files_belong_to_a_caller_without_an_account(docker_bench, docker_client):
    job = docker_bench.job("count", settings={"lines": 1, "pause_s": 0})
    for name in ("output", "facts", "work"):
        (job.staging / name).mkdir(parents=True)
        os.chown(job.staging / name, 12345, 23456)
    caller = Caller(12345, 23456, [], Owner.current())
    running = docker_bench.start(job, DockerEngine(docker_bench.root, docker_client, caller=caller))
    assert running.outcome().exit_code == 0, list(running.lines())
    result = (job.staging / "output" / "result.txt").stat()
    assert (result.st_uid, result.st_gid) == (12345, 23456)


def test_missing_image_says_so(docker_bench):
    job = docker_bench.job("count", settings={"lines": 1, "pause_s": 0})
    environment = Environment("docker", "test", "0" * 64, "sha256:" + "1" * 64)
    with pytest.raises(ImageNotBuilt, match="not there"):
        docker_bench.start(type(job)(**{**vars(job), "environment": environment}))


def test_gpu_is_never_replaced_by_the_cpu(docker_bench, docker_client):
    if "nvidia" in docker_client.info()["Runtimes"]:
        gpus = ["GPU-00000000-0000-0000-0000-000000000000"]
    else:
        gpus = ["GPU-11111111-1111-1111-1111-111111111111"]
    job = docker_bench.job("count", settings={"lines": 1, "pause_s": 0}, device="cuda", gpus=gpus)
    with pytest.raises(DeviceUnavailable):
        docker_bench.start(job)
    assert not containers_of(docker_client, job)
    with pytest.raises(DeviceUnavailable, match="given none"):
        docker_bench.start(docker_bench.job("count", device="cuda"))


def test_missing_input_is_an_error_and_makes_no_folder(docker_bench, tmp_path):
    job = docker_bench.job("count", settings={"lines": 1, "pause_s": 0}, inputs={"words": tmp_path / "gone"})
    with pytest.raises(EngineUnavailable, match="is not there any more"):
        docker_bench.start(job)
    assert not (tmp_path / "gone").exists()


CLIENT_ELSEWHERE = textwrap.dedent(
    """
    import dataclasses, sys
    from pathlib import Path
    from orchestrator.engine.connection import connected
    from orchestrator.engine.docker import DockerEngine
    from orchestrator.engine.protocol import Environment, Job
    from orchestrator.errors import EngineUnavailable

    key, image, staging = sys.argv[1:]
    environment = Environment("docker", "test", "0" * 64, image)
    job = Job(key, "engine-tests", "count/test", "count", "engine_program", environment, Path(staging), {}, {})
    found = connected()
    caps = dataclasses.replace(found.caps, remote=True)
    engine = DockerEngine(Path(staging).parent, found.client, caps=caps, shared_root=Path(staging).parent)
    try:
        engine.start(job)
    except EngineUnavailable as error:
        print(error.message)
    """
)


@pytest.mark.skipif(os.getuid() != 0, reason="optional: only root can hide a folder from one process")
def test_folder_that_the_engine_sees_otherwise_is_an_error_before_the_program_starts(docker_bench, docker_client):
    """As with an engine on another machine: the client has another disk under the folder's path."""
    job = docker_bench.job("count", settings={"lines": 1, "pause_s": 0})
    job.staging.mkdir(parents=True)
    hidden = f'mount -t tmpfs none {docker_bench.root} && exec "$@"'
    client = [sys.executable, "-c", CLIENT_ELSEWHERE, job.key, job.environment.reference, str(job.staging)]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", hidden, "sh", *client],
        env={**os.environ, "PYTHONPATH": f"{Path.cwd()}:{Path.cwd() / 'images'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "does not see this machine's files" in done.stdout, done.stderr
    assert not containers_of(docker_client, job)
    assert list(job.staging.iterdir()) == []


def test_long_and_foreign_lines_come_whole(docker_bench):
    running = docker_bench.start(docker_bench.job("shout", settings={"length": 50_000}))
    lines = list(running.lines())
    assert [len(line) for line in lines] == [50_000, 3, 8]
    assert lines[0] == "€" * 50_000
    assert lines[2] == "last one"


def test_removed_container_ends_its_followers(docker_bench):
    running = docker_bench.start(docker_bench.job("train", settings={"steps": 100000, "pause_s": 0.01}))
    lines = running.lines()
    next(lines)
    running.remove()
    began = time.monotonic()
    assert running.outcome().exit_code is None
    list(lines)
    assert time.monotonic() - began < 10


def test_same_stage_of_another_store_is_left_alone(docker_bench, docker_client, tmp_path):
    """Ended or running, adopted or swept: a container belongs to the store whose folder it works in."""
    key = "5c" * 32
    root = tmp_path / "b"
    theirs = Bench("docker", lambda: DockerEngine(root, docker_client), docker_bench.environment, root, tmp_path)
    try:
        other = theirs.job("train", key=key, settings={"steps": 100000, "pause_s": 0.01})
        neighbour = theirs.start(other)
        failed = theirs.job("fail", settings={"how": "crash"})
        theirs.start(failed).outcome()
        unowned = dataclasses.replace(Owner.current(), created=1)
        ours = DockerEngine(
            docker_bench.root, docker_client, caller=dataclasses.replace(Caller.current(), owner=unowned)
        )
        running = docker_bench.start(docker_bench.job("train", key=key, settings=other.settings), ours)
        assert not running.adopted
        running.stop(0)
        running.outcome()
        assert key in ours.sweep()
        assert len(containers_of(docker_client, failed)) == 1
        assert theirs.start(other).adopted
        neighbour.stop(20)
        assert neighbour.outcome().exit_code == 12
    finally:
        theirs.clear()


def test_container_of_an_ended_job_of_another_store_is_not_swept(docker_bench, docker_client, tmp_path):
    dead = dataclasses.replace(Caller.current(), owner=dataclasses.replace(Owner.current(), created=1))
    job = docker_bench.job("fail", settings={"how": "crash"})
    docker_bench.start(job, DockerEngine(docker_bench.root, docker_client, caller=dead)).outcome()
    assert job.key not in DockerEngine(tmp_path / "elsewhere", docker_client).sweep()
    assert job.key in docker_bench.engine().sweep()


def test_container_of_a_store_that_was_moved_away_is_not_adopted_by_the_next_one_there(docker_bench, docker_client):
    job = docker_bench.job("train", settings={"steps": 100000, "pause_s": 0.01})
    running = docker_bench.start(job)
    job.staging.rename(job.staging.with_name("moved"))
    with pytest.raises(InfraFailure, match="moved away"):
        docker_bench.start(job)
    running.stop(0)
    running.outcome()
    assert not docker_bench.start(job).adopted


def test_result_outlives_its_container_until_it_was_fetched(docker_bench, docker_client):
    """Somebody who cleans up Docker after a run was killed takes no finished work away."""
    job = docker_bench.job("count", settings={"lines": 6, "pause_s": 0.0})
    docker_bench.start(job).outcome()
    (container,) = containers_of(docker_client, job)
    container.remove(force=True)
    again = docker_bench.start(job, docker_bench.engine())
    assert again.adopted
    assert (list(again.lines()), again.outcome().exit_code) == ([], None)
    assert not containers_of(docker_client, job)
    again.remove()
    assert not docker_bench.start(job, docker_bench.engine()).adopted


@pytest.mark.parametrize("copied", [False, True])
def test_removed_container_that_left_no_result_here_is_made_anew(docker_bench, docker_client, copied, tmp_path):
    job = docker_bench.job("count" if copied else "fail", settings={"lines": 6, "pause_s": 0.0, "how": "crash"})
    docker_bench.start(job).outcome()
    (container,) = containers_of(docker_client, job)
    container.remove(force=True)
    if copied:
        job.staging.rename(tmp_path / "before")
        shutil.copytree(tmp_path / "before", job.staging)
    assert not docker_bench.start(job, docker_bench.engine()).adopted

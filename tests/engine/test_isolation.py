"""What a stage's program cannot get through, in each kind of walls: of Docker, bubblewrap and Landlock."""

import json
import os
import socket
from pathlib import Path

import psutil
import pytest

from stagekit.request import FOLDERS
from tests.engine.conftest import make_bench
from tests.engine.test_local import programs_of


def attempted(bench, attempts, **fields):
    """Return what came of each attempt of a program, by what it tried and on whom."""
    job = bench.job("attempt", settings={"attempts": attempts}, **fields)
    running = bench.start(job)
    assert running.outcome().exit_code == 0, list(running.lines())
    found = json.loads((job.staging / "output" / "attempts.json").read_text())
    return {(what, whom): result for what, whom, result in found}


def seen(bench, paths=(), **fields):
    job = bench.job("look", settings={"paths": list(paths), "caches": []}, **fields)
    running = bench.start(job)
    assert running.outcome().exit_code == 0, list(running.lines())
    return job, json.loads((job.staging / "output" / "facts.json").read_text())


def place(bench, job):
    """Return the staging folder as the program sees it."""
    return "/stage" if bench.name == "docker" else str(job.staging.resolve())


def test_there_is_no_network(walled_bench):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        ports = server.getsockname()[1], datagrams.getsockname()[1]
        found = attempted(walled_bench, [["connect", ports[0]], ["send", ports[1]]])
        assert found["connect", ports[0]] != "done"
        datagrams.settimeout(0.2)
        with pytest.raises(TimeoutError):
            datagrams.recv(10)


def test_programs_have_no_privileges(walled_bench):
    _job, facts = seen(walled_bench)
    assert (int(facts["capabilities"], 16), facts["no_new_privileges"]) == (0, "1")
    assert (facts["uid"], facts["gid"]) == (os.getuid(), os.getgid())


def test_nothing_can_be_written_but_the_program_s_folders(walled_bench, outside):
    words = outside / "words"
    words.mkdir()
    job = walled_bench.job("look")
    folders = [os.path.join(place(walled_bench, job), name) for name in FOLDERS]
    inputs = "/inputs/words" if walled_bench.name == "docker" else str(words)
    others = [
        "/",
        "/usr",
        "/etc",
        "/root",
        "/var/tmp",
        "/dev",
        "/sys",
        "/proc",
        "/proc/sys/kernel",
        str(outside),
        inputs,
    ]
    _job, facts = seen(walled_bench, [*folders, *others], key=job.key, inputs={"words": words})
    # A container's /dev is memory of its own, counted as its memory is, and gone with it: its root may write there.
    own = {"/dev"} if walled_bench.name == "docker" else set()
    assert [path for path in facts["writable"] if path not in own] == folders
    assert facts["home"]
    found = attempted(walled_bench, [["write", "/proc/sys/vm/overcommit_memory"], ["cut", str(words / "a")]])
    assert "done" not in found.values()


def test_files_of_the_user_cannot_be_read(walled_bench, outside):
    private = outside / "private" / "letter.txt"
    private.parent.mkdir()
    private.write_text("secret")
    attempts = [[what, str(private)] for what in ("read", "write", "cut")]
    attempts += [["list", str(private.parent)], ["list", str(Path(__file__).parent)], ["read", __file__]]
    found = attempted(walled_bench, attempts)
    assert "done" not in found.values()
    assert private.read_text() == "secret"


def test_files_of_the_user_are_not_even_there(walled_bench, outside):
    if walled_bench.name == "landlock":
        pytest.skip("optional: Landlock hides no names")
    (outside / "private.txt").write_text("secret")
    found = attempted(walled_bench, [["see", str(outside / "private.txt")], ["see", "/var/run/docker.sock"]])
    assert set(found.values()) == {"FileNotFoundError"}


def test_inputs_are_read(walled_bench, tmp_path):
    words = tmp_path / "source"
    words.mkdir()
    (words / "words.txt").write_text("grün ")
    job = walled_bench.job("count", settings={"lines": 1, "pause_s": 0}, inputs={"words": words})
    assert walled_bench.start(job).outcome().exit_code == 0
    assert (job.staging / "output" / "result.txt").read_text() == "grün counted 1"


def test_other_programs_are_neither_seen_nor_reached(walled_bench):
    own = os.getpid()
    found = attempted(walled_bench, [["signal", own], ["read", f"/proc/{own}/environ"]])
    assert set(found.values()) <= {"ProcessLookupError", "FileNotFoundError", "PermissionError"}


def test_what_the_engine_keeps_is_out_of_reach(walled_bench):
    if walled_bench.name == "docker":
        pytest.skip("optional: Docker keeps it with its daemon")
    job = walled_bench.job("attempt")
    names = ("job.json", "process.json", "exit.json", "stage.json", "log.txt", "new.json")
    found = attempted(walled_bench, [["write", str(job.staging / name)] for name in names], key=job.key)
    assert "done" not in found.values()


def test_what_frameworks_do_can_be_done(walled_bench):
    if walled_bench.name == "docker":
        pytest.skip("optional: the image of these tests has no shell")
    job = walled_bench.job("busy")
    running = walled_bench.start(job)
    assert running.outcome().exit_code == 0, list(running.lines())
    facts = json.loads((job.staging / "output" / "facts.json").read_text())
    assert facts == {
        "squares": [0, 1],
        "said": "grün",
        "encoding": ["utf-8", "UTF-8"],
        "processors": True,
        "topology": True,
        "random": 8,
        "home": True,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bubblewrap", "landlock"])
def test_memory_of_what_runs_inside_is_known_and_limited(name, request, tmp_path):
    bench = make_bench(name, request, tmp_path)
    job = bench.job("hoard", settings={"megabytes": 4096, "pause_s": 0.01}, memory_bytes=256 * 2**20)
    running = bench.start(job)
    most = 0
    while running.alive:
        most = max(most, running.memory_bytes() or 0)
    outcome = running.outcome()
    assert (outcome.exit_code, outcome.out_of_memory) == (137, True)
    assert 32 * 2**20 < most < 512 * 2**20
    bench.clear()


@pytest.mark.parametrize("whom", ["program", "everything"])
def test_program_is_asked_to_save_by_its_number_outside(walled_bench, whom):
    if walled_bench.name == "docker":
        pytest.skip("optional: Docker sends signals itself")
    job = walled_bench.job("train", settings={"steps": 100000, "pause_s": 0.01})
    running = walled_bench.start(job)
    next(iter(running.lines()))
    (program,) = programs_of(job)
    recorded = json.loads((job.staging / "process.json").read_text())["program"]["pid"]
    assert program.pid == recorded
    if whom == "program":
        running.stop(20)
        assert running.outcome().exit_code == 12
    else:
        psutil.Process(recorded).kill()
        assert running.outcome().exit_code == 137

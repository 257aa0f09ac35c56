"""Which walls programs get, and what is said where better ones do not work."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
from pathlib import Path

import pytest

from orchestrator.engine import walls
from orchestrator.engine.bubblewrap import Bubblewrap
from orchestrator.engine.landlock import Landlock
from orchestrator.engine.select import available_engine, engine_to_ask
from orchestrator.engine.visible import Visible, interpreter_paths, machine_paths, visible_to
from orchestrator.engine.walls import find_walls
from orchestrator.errors import EngineUnavailable
from orchestrator.process import run
from tests.engine.conftest import walls_or_skip

USER = 12345


@pytest.fixture
def no_bubblewrap(monkeypatch):
    """A machine on which bubblewrap cannot make a namespace."""
    monkeypatch.setattr(walls, "bubblewrap_programs", lambda: [Path("/bin/false")])
    monkeypatch.setattr(walls, "find_walls", find_walls.__wrapped__)
    return find_walls.__wrapped__


def test_best_walls_that_work_are_taken_and_said(no_bubblewrap):
    found = no_bubblewrap("auto")
    assert found.walls.name in ("landlock", "none")
    assert "bubblewrap does not work here: " in found.sentence
    assert found.walls.sentence in found.sentence


def test_walls_that_were_asked_for_and_do_not_work_are_an_error(no_bubblewrap):
    with pytest.raises(EngineUnavailable, match="'bubblewrap' that were asked for do not work here") as caught:
        no_bubblewrap("bubblewrap")
    assert "sirr-orch doctor" in caught.value.hint


def test_no_walls_can_be_asked_for():
    found = find_walls("none")
    assert (found.walls.name, found.missing) == ("none", {})
    assert "the network and every file" in found.sentence


def test_engine_keeps_to_the_walls_that_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("SIRR_WALLS", "none")
    assert "no walls" in available_engine("local", tmp_path).sentence
    monkeypatch.setenv("SIRR_WALLS", "brick")
    with pytest.raises(EngineUnavailable, match="'brick', which names no walls"):
        available_engine("local", tmp_path)
    assert engine_to_ask("local", tmp_path).name == "local"


@pytest.mark.parametrize("kind", [Bubblewrap(Path("/usr/bin/bwrap")), Landlock()], ids=["bubblewrap", "landlock"])
def test_devices_of_a_gpu_are_there_for_a_program_that_computes_on_one(kind, local_bench, tmp_path):
    visible = Visible((), (), tmp_path, devices=(Path("/dev/nvidia0"), Path("/dev/nvidiactl")))
    command = " ".join(kind.command(visible))
    assert "/dev/nvidia0" in command
    assert "/dev/nvidiactl" in command
    cpu = visible_to(local_bench.job("count"), tmp_path)
    gpu = visible_to(local_bench.job("count", device="cuda", gpus=["GPU-1"]), tmp_path)
    assert cpu.devices == ()
    assert set(cpu.readable) <= set(gpu.readable)


def test_memory_limit_holds_for_folders_in_memory(local_bench, tmp_path):
    visible = visible_to(local_bench.job("count", memory_bytes=2**20), tmp_path)
    assert (visible.tmp_bytes, visible.shm_bytes) == (2**20, 2**20)


def test_interpreter_of_a_shared_folder_shows_its_libraries_alone(tmp_path):
    """As one below ~/.local: what else lies there is not the program's."""
    home = tmp_path / "home"
    for name in ("bin", "lib/python3.11", "share", "private"):
        (home / name).mkdir(parents=True)
    (home / "bin" / "python3.11").write_text("")
    (home / "bin" / "python3").symlink_to("python3.11")
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").write_text("")
    (tmp_path / "venv" / "bin" / "python").symlink_to(home / "bin" / "python3")
    found = set(interpreter_paths(tmp_path / "venv" / "bin" / "python"))
    own = {tmp_path / "venv", home / "bin" / "python3", home / "bin" / "python3.11", home / "lib"}
    assert {path for path in found if path.is_relative_to(tmp_path)} >= own
    assert not {home, home / "bin", home / "share", home / "private"} & found


@pytest.mark.parametrize("name", ["bubblewrap", "landlock"])
def test_program_that_cannot_be_started_inside_says_why(name, outside):
    command = walls_or_skip(name).command(Visible(machine_paths(), (), Path("/")))
    done = subprocess.run([*command, str(outside / "nothing")], capture_output=True, text=True, env={}, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(walls_or_skip(name).complaint)


@pytest.fixture
def user_python():
    """An interpreter that a user without an account can reach, and its folder; it finds what this one finds."""
    system = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if os.getuid() != 0 or system is None:
        pytest.skip("optional: only root can become another user, who needs an interpreter of the system's")
    version = "import sys; print('%d.%d' % sys.version_info[:2])"
    if run([system, "-c", version]).stdout.strip() != ".".join(map(str, sys.version_info[:2])):
        pytest.skip("optional: the system's interpreter has another version than this one")
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="sirr-user-") as folder:
        root = Path(folder)
        run([str(Path(sys.executable).parent / "uv"), "venv", "-q", "--python", system, str(root / "venv")])
        packages = next((root / "venv" / "lib").glob("python*/site-packages"))
        (packages / "ours.pth").write_text(f"{sysconfig.get_path('purelib')}\n{Path.cwd()}\n")
        os.chown(root, USER, USER)
        yield root / "venv" / "bin" / "python"


AS_USER = textwrap.dedent(
    """
    import json, os, sys
    from pathlib import Path
    from orchestrator.engine.local import LocalEngine
    from orchestrator.engine.protocol import Environment, Job
    from orchestrator.engine.walls import find_walls

    name, code, folder = sys.argv[1:]
    found = find_walls(name)
    environment = Environment("local", "test", "0" * 64, sys.executable, Path(code))
    engine = LocalEngine(Path(folder), found.walls)

    def ended(key, kind, settings, stop=False):
        staging = Path(folder) / key
        job = Job(key, "engine-tests", f"{kind}/test", kind, "engine_program", environment, staging, settings, {})
        running = engine.start(job)
        if stop:
            next(iter(running.lines()))
            assert running.memory_bytes() > 2**20
            running.stop(20)
        code = running.outcome().exit_code
        assert code in (0, 12), list(running.lines())
        return code, staging

    ended_with, staging = ended("a" * 64, "look", {"paths": ["/", str(Path(folder).parent), "/var/tmp"], "caches": []})
    facts = json.loads((staging / "output" / "facts.json").read_text())
    stopped, _ = ended("b" * 64, "train", {"steps": 100000, "pause_s": 0.01}, stop=True)
    print(json.dumps([os.getuid(), ended_with, facts["uid"], facts["writable"], facts["capabilities"], stopped]))
    """
)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bubblewrap", "landlock"])
def test_walls_stand_around_an_ordinary_user_s_programs(name, user_python, local_code):
    walls_or_skip(name)
    folder = user_python.parents[2]
    shutil.copytree(local_code, folder / "code")
    (folder / "code").chmod(0o755)
    done = subprocess.run(
        [str(user_python), "-c", AS_USER, name, str(folder / "code"), str(folder / "staging")],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        user=USER,
        group=USER,
        extra_groups=[],
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == f'[{USER}, 0, {USER}, [], "0000000000000000", 12]'

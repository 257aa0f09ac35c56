"""Engines that installed packages bring: found by their entry point, held to the suite, asked for what they can do."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.conformance.engines import Bench, engine_checks, local_environment
from orchestrator.engine.protocol import Capabilities
from orchestrator.engine.select import available_engine, engine_names
from orchestrator.environments.local import LocalBuilder
from orchestrator.errors import EngineUnavailable
from orchestrator.execute.build import builder_for

ENGINE = '''
from orchestrator.engine.local import LocalEngine
from orchestrator.engine.protocol import Capabilities
from orchestrator.engine.walls import NoWalls


class Mine(LocalEngine):
    """Runs programs as this machine's own engine does, and says so."""

    name = "mine"

    def __init__(self, stagings):
        super().__init__(stagings, NoWalls())


def broken(stagings):
    raise OSError("the broker is away")
'''


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """A folder with an installed distribution that brings engines."""
    folder = tmp_path / "site"
    information = folder / "my_engines-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my-engines\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[sirr_orch.engines]\nmine = my_engines:Mine\nbroken = my_engines:broken\nlocal = my_engines:broken\n"
    )
    (folder / "my_engines.py").write_text(ENGINE)
    monkeypatch.syspath_prepend(folder)
    return folder


def test_an_engine_of_a_package_is_found_and_its_environments_are_built(site, tmp_path):
    assert engine_names() == ("local", "docker", "podman", "slurm", "broken", "mine")
    chosen = available_engine("mine", tmp_path / "stages")
    assert chosen.engine.name == "mine"
    assert "no walls" in chosen.sentence
    assert isinstance(builder_for(chosen.engine.capabilities.environments, tmp_path), LocalBuilder)


def test_an_engine_whose_package_fails_is_blamed_by_name(site, tmp_path):
    with pytest.raises(EngineUnavailable, match="'broken' cannot be used: OSError: the broker is away") as caught:
        available_engine("broken", tmp_path)
    assert caught.value.where == "entry point 'broken' of my-engines"


def test_an_engine_that_nobody_brings_is_refused_with_those_that_there_are(site, tmp_path):
    with pytest.raises(EngineUnavailable, match="no engine 'podmann'") as caught:
        available_engine("podmann", tmp_path)
    assert "broken, mine" in caught.value.hint


def test_environments_that_nothing_builds_are_never_built_by_another_builder(tmp_path):
    with pytest.raises(EngineUnavailable, match="nothing builds environments of the kind 'apptainer'"):
        builder_for("apptainer", tmp_path)


@pytest.mark.slow
def test_the_suite_runs_as_a_command_for_an_engine_of_a_package(site, tmp_path):
    command = [sys.executable, "-m", "orchestrator.conformance.engines", "mine", "--folder", str(tmp_path)]
    environment = {"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "passed  second engine adopts a running job" in done.stdout


class Half:
    """An engine whose author has not come far: it starts nothing, and what it found cannot be removed."""

    name = "half"
    capabilities = Capabilities("local", isolates=False, leases_devices=False, same_machine=True, queues=False)

    def start(self, job):
        return self

    def remove(self):
        raise OSError("the broker is away")

    def lines(self):
        return iter(())


def test_the_suite_goes_on_after_whatever_an_engine_raises(tmp_path):
    environment = local_environment(sys.executable, tmp_path)
    bench = Bench("half", Half, environment, tmp_path / "stages", tmp_path / "outside")
    found = {one.title: one for one in itertools.islice(engine_checks(bench), 2)}
    assert found["done job leaves its output and exit status"].outcome == "failed"
    assert found["lines come in order and complete"].words == "OSError: the broker is away"
    assert bench.running == []


def test_a_package_that_was_never_installed_changes_nothing():
    assert engine_names() == ("local", "docker", "podman", "slurm")

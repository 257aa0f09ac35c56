"""`plugin check` of a network without any package: what it does where trainings are short, or files unusual."""

import json
import subprocess

import pytest

from tests.end_to_end.conftest import ROOT, fresh_local_program
from tests.small_network import write_small_network

pytestmark = [pytest.mark.slow]

KILLED = "killed after a checkpoint and run again it leaves the same bits"


@pytest.fixture(scope="module")
def sirr(tmp_path_factory):
    return fresh_local_program(tmp_path_factory)


def lines(sirr, folder, code=0):
    """Return outcome and words of the network's checks by their titles."""
    arguments = sirr.argv("plugin", "check", folder, "--engine", sirr.engine, "--json")
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    found = [line for line in json.loads(done.stdout) if line["subject"] == "network small2026"]
    return {line["title"]: (line["outcome"], line["words"]) for line in found}


def change(folder, old, new):
    program = folder / "images" / "small" / "small" / "__main__.py"
    text = program.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    program.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.environment
def test_a_network_of_any_program_passes_and_a_short_training_is_made_longer(sirr, tmp_path):
    found = lines(sirr, write_small_network(tmp_path / "mine", trial="{epochs: 2, rate: 0.02}"))
    assert {outcome for outcome, _words in found.values()} == {"passed"}, found
    assert len(found) == 14


@pytest.mark.environment
def test_a_training_that_keeps_no_checkpoint_and_files_of_an_unknown_kind_are_said(sirr, tmp_path):
    folder = write_small_network(tmp_path / "mine", trial="{epochs: 2, rate: 0.001}")
    change(folder, '        context.checkpoint("saved.json", epoch)\n', "")
    change(folder, 'header = json.dumps({"weight"', 'header = b"0" + json.dumps({"weight"')
    change(folder, "json.loads(stream.read(length))", "json.loads(stream.read(length)[1:])")
    found = lines(sirr, folder, code=13)
    assert found.pop(KILLED) == ("failed", "it never says that it has written a checkpoint")
    unknown = [words for outcome, words in found.values() if outcome == "not checked"]
    assert len(unknown) == 2
    assert all(".safetensors" in words for words in unknown)
    assert "failed" not in {outcome for outcome, _words in found.values()}, found


@pytest.mark.environment
def test_what_is_wrong_before_anything_else_leaves_the_rest_unchecked(sirr, tmp_path):
    folder = write_small_network(tmp_path / "mine")
    change(folder, "    epoch, weight, pace = 0, 0.0, 1.0\n", "    raise BadInput('no such pictures', 'give others')\n")
    found = lines(sirr, folder, code=13)
    assert found.pop("it trains a few steps")[0] == "failed"
    assert found.pop("its spec, its recipe's schema, and the image that runs it")[0] == "passed"
    assert set(found.values()) == {("not checked", "it does not train")}


@pytest.mark.docker
def test_a_network_passes_with_docker(docker_program, tmp_path):
    found = lines(docker_program, write_small_network(tmp_path / "mine"))
    assert {outcome for outcome, _words in found.values()} == {"passed"}, found

"""Which machine a manifest records: the one that the stage's program saw, else the orchestrator's own."""

import platform
from dataclasses import replace

import pytest

from orchestrator.execute.machine import machine_facts
from stagekit.machine import machine
from stagekit.results.machine import MachineFile

HERE = machine(2)
AWAY = replace(HERE, processor="another processor", host="node7", threads=2)


@pytest.fixture
def staging(tmp_path):
    (tmp_path / "facts").mkdir()
    return tmp_path


def found(staging, *, same_machine=True):
    return machine_facts(staging, threads=2, device="cpu", same_machine=same_machine)


def test_without_a_word_of_the_program_it_is_this_machine(staging):
    facts = found(staging)
    assert set(facts) == {"machine"}
    assert facts["machine"]["architecture"] == platform.machine()
    assert facts["machine"]["threads"] == 2


def test_what_the_program_saw_is_preferred(staging):
    MachineFile((AWAY,)).save(staging / "facts")
    assert found(staging, same_machine=False)["machine"]["processor"] == "another processor"
    assert found(staging)["machine"]["host"] == "node7"


def test_container_gets_the_name_of_its_host_only_where_that_is_this_machine(staging):
    MachineFile((replace(HERE, host=None, container="docker"),)).save(staging / "facts")
    assert found(staging)["machine"].get("host") == HERE.host
    assert "host" not in found(staging, same_machine=False)["machine"]


def test_all_kinds_that_a_stage_ran_on_are_kept(staging):
    MachineFile((AWAY, HERE)).save(staging / "facts")
    facts = found(staging)
    assert [one["processor"] for one in facts["machines"]] == ["another processor", HERE.processor]
    assert facts["machine"]["processor"] == HERE.processor
    MachineFile((replace(HERE, host="another", memory_bytes=7), HERE)).save(staging / "facts")
    assert "machines" not in found(staging)

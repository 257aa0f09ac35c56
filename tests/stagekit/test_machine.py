"""What a program says of the machine that it runs on."""

import io
import platform

from stagekit import StageContext, StageRequest
from stagekit.machine import machine
from stagekit.program import record_machine
from stagekit.request import FOLDERS
from stagekit.results.machine import Machine, MachineFile

OTHER = Machine("another processor", "x86_64", ("avx2",), 4, "Linux 5.4", "elsewhere", threads=2)


def test_machine_is_this_one():
    found = machine(threads=3)
    assert found.architecture == platform.machine()
    assert found.processor
    assert found.processors >= 1
    assert found.memory_bytes > 2**28
    assert (found.threads, found.gpu) == (3, None)
    assert found.system == f"{platform.system()} {platform.release()}"


def started(folder, **request):
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    record_machine(StageContext(StageRequest.below(str(folder), "s", "train", {}, {}, **request), io.StringIO()))
    return MachineFile.load(folder / "facts").starts


def test_each_machine_that_a_stage_was_started_on_is_recorded_once(tmp_path):
    (here,) = started(tmp_path, threads=2)
    assert started(tmp_path, threads=2) == (here,)
    MachineFile((OTHER,)).save(tmp_path / "facts")
    assert started(tmp_path, threads=2) == (OTHER, here)


def test_damaged_record_of_an_earlier_start_is_begun_anew(tmp_path):
    started(tmp_path)
    (tmp_path / "facts" / "machine.json").write_text("{")
    assert len(started(tmp_path)) == 1

"""An authors' program as the stage `command` runs it: what it sees, what is kept of it, and how it fails."""

import io
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stagekit import BadInput, StageContext, StageError, StageRequest
from stagekit.clone import LEFT_OUT, clone_files, copy_clone
from stagekit.command import command, command_words
from stagekit.failures import Interrupted
from stagekit.results.command import CommandFile
from stagekit.results.dataset import DatasetFile, DatasetItem
from stagekit.results.sources import SourcesFile

WRITES = """
import os, shutil, sys
given, answers = sys.argv[1:3]
for name in os.listdir(given):
    os.makedirs(os.path.join(answers, "deep"), exist_ok=True)
    shutil.copy(os.path.join(given, name), os.path.join(answers, "deep", name.replace(".png", "_fake_B.png")))
    open(os.path.join(answers, name + ".txt"), "w").close()
print('{"sirr": "failure", "failure_class": "StageFailed", "message": "no"}')
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A prepared dataset of two pictures, and the folders of a stage."""
    (tmp_path / "dataset").mkdir()
    items = []
    for name in ("a", "b"):
        Image.fromarray(np.full((5, 7, 3), 99, np.uint8)).save(tmp_path / "dataset" / f"{name}.png")
        items.append(DatasetItem(name, 5, 7, blended=f"{name}.png", transmission=f"{name}.png"))
    DatasetFile("two", "pairs", tuple(items)).save(tmp_path / "dataset")
    (tmp_path / "clone" / ".git").mkdir(parents=True)
    (tmp_path / "clone" / ".git" / "HEAD").write_text("ref")
    (tmp_path / "clone" / "old.png").write_bytes(b"was there before")
    return tmp_path


def _request(place: Path, template: str, **inputs: str) -> StageRequest:
    for folder in ("output", "work", "facts"):
        (place / folder).mkdir(exist_ok=True)
    given = {"dataset": str(place / "dataset"), "source": str(place / "clone"), **inputs}
    folders = [str(place / name) for name in ("output", "work", "facts")]
    return StageRequest("command/theirs/two", "command", {"command": template}, given, *folders)


def run(place: Path, script: str, template: str, stop: threading.Event | None = None, **inputs: str) -> io.StringIO:
    (place / "clone" / "test.py").write_text(script)
    request = _request(place, template, **inputs)
    stream = io.StringIO()
    try:
        command(StageContext(request, stream, stop))
    finally:
        assert not [name for name in ("input", "source", "answers") if (place / "work" / name).exists()]
    return stream


def kept(place: Path) -> list[str]:
    return sorted(str(path.relative_to(place / "output")) for path in (place / "output").rglob("*") if path.is_file())


def test_pictures_of_the_named_folder_are_kept(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(place, WRITES, "python test.py {input} {output}")
    assert kept(place) == ["command.json", "deep/a_fake_B.png", "deep/b_fake_B.png"]
    assert CommandFile.load(place / "output").pictures == 2
    assert json.loads(said.getvalue().splitlines()[-1])["done"] == 2
    assert '| {"sirr": "failure"' in capsys.readouterr().out, "what it prints is never a message of the stage"


def test_without_a_named_folder_what_is_new_in_the_copy_is_kept(place: Path) -> None:
    script = WRITES.replace("sys.argv[1:3]", "sys.argv[1], 'results'")
    run(place, script + "open('checkpoint.txt', 'w').close()\n", "python test.py {input}")
    assert kept(place) == ["command.json", "results/deep/a_fake_B.png", "results/deep/b_fake_B.png"]
    assert sorted(path.name for path in (place / "clone").iterdir()) == [".git", "old.png", "test.py"]
    read = SourcesFile.load(place / "facts" / SourcesFile.FILE_NAME).files("source")
    assert sorted(read) == ["old.png", "test.py"]


def test_it_sees_the_pictures_the_weights_and_the_device(place: Path) -> None:
    (place / "weights.pt").write_bytes(b"weights")
    script = """
import os, sys
given, weights, device, source, odd = sys.argv[1:]
assert sorted(os.listdir(given)) == ["a.png", "b.png"], os.listdir(given)
assert open(weights).read() == "weights" and device == "cpu" and odd == "two words {}"
assert os.getcwd() == os.path.realpath(source) and not os.path.exists(".git")
open("new.png", "w").close()
"""
    template = "python ./test.py {input} {weights} {device} {source} 'two words {}'"
    run(place, script, template, weights=str(place / "weights.pt"))
    assert kept(place) == ["command.json", "new.png"]


FAILURES: Mapping[str, tuple[str, str, type[Exception], str]] = {
    "status": (
        "import sys; print('no CUDA'); sys.exit(3)",
        "python test.py",
        StageError,
        "status 3; the last that it p",
    ),
    "silent": ("raise SystemExit(4)", "python test.py", StageError, "status 4, and printed nothing"),
    "traceback": ("1 / 0", "python test.py", StageError, "printed: ZeroDivisionError: division by zero"),
    "killed": ("import os; os.kill(os.getpid(), 9)", "python test.py", StageError, "perhaps memory did not suffice"),
    "signal": ("import os; os.kill(os.getpid(), 6)", "python test.py", StageError, "ended by signal 6"),
    "nothing": ("", "python test.py {output}", StageError, "left no picture in the folder {output}"),
    "nothing new": ("open('old.txt', 'w').close()", "python test.py", StageError, "left no picture in its own folder"),
    "no program": ("", "pythom test.py", BadInput, "'pythom' cannot be started"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_how_it_fails_is_said(place: Path, case: str) -> None:
    script, template, kind, words = FAILURES[case]
    with pytest.raises(kind) as failed:
        run(place, script, template)
    assert words in str(failed.value)
    assert failed.value.hint


def test_when_it_is_stopped_all_of_it_ends(place: Path) -> None:
    stop = threading.Event()
    script = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(99)
"""
    told = place / "child"

    def stop_when_it_runs() -> None:
        while not told.exists() or not told.read_text():
            time.sleep(0.05)
        stop.set()

    threading.Thread(target=stop_when_it_runs, daemon=True).start()
    with pytest.raises(Interrupted):
        run(place, script, f"{sys.executable} test.py {told}", stop)
    deadline = time.monotonic() + 10
    while _runs(int(told.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(int(told.read_text()))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_files_of_a_clone_are_those_that_decide(place: Path) -> None:
    clone = place / "clone"
    for name in LEFT_OUT:
        (clone / name).mkdir(exist_ok=True)
        (clone / name / "file").write_text("x")
    (clone / "sub").mkdir()
    (clone / "sub" / "compiled.pyc").write_text("x")
    (clone / "sub" / "net.py").write_text("x")
    os.symlink("old.png", clone / "link.png")
    os.symlink("nowhere", clone / "broken")
    os.mkfifo(clone / "pipe")
    (clone / "results").mkdir()
    (clone / "kept" / ".git").mkdir(parents=True)
    (clone / "sub" / ".git").write_text("gitdir: /elsewhere")
    for name in ("dangling", "linked", "module", "piped"):
        (clone / name).mkdir()
    os.symlink("nowhere", clone / "dangling" / "link")
    os.symlink("../sub", clone / "linked" / "sub")
    (clone / "module" / ".git").write_text("gitdir: /elsewhere")
    os.mkfifo(clone / "piped" / "pipe")
    empty_folders = ["dangling/", "kept/", "linked/", "module/", "piped/", "results/"]
    wanted = ["link.png", "old.png", *empty_folders, "sub/compiled.pyc", "sub/net.py"]
    assert list(clone_files(str(clone))) == wanted
    hashes = copy_clone(str(clone), str(place / "copy"))
    assert list(hashes) == wanted
    assert list(clone_files(str(place / "copy"))) == wanted
    assert not (place / "copy" / "link.png").is_symlink()
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [name for name, digest in hashes.items() if digest == empty] == empty_folders


def test_placeholders_are_replaced_within_words() -> None:
    values: dict[str, Any] = {"input": "/a b", "device": "cpu"}
    assert command_words("run --in={input}/x '{device} {}' {other}", values) == [
        "run",
        "--in=/a b/x",
        "cpu {}",
        "{other}",
    ]


def test_braces_can_be_meant_themselves() -> None:
    template = "sh -c 'for f in \"{input}\"/*; do x=${f##*/}; echo ${x} ${input} {{input}} {}; done'"
    (*_shell, script) = command_words(template, {"input": "/a b"})
    assert script == 'for f in "/a b"/*; do x=${f##*/}; echo ${x} ${input} {input} {}; done'


class _GoneReader(io.StringIO):
    """A standard output whose reader goes away as soon as a file is there."""

    def __init__(self, sign: Path) -> None:
        super().__init__()
        self._sign = sign

    def write(self, text: str) -> int:
        for _moment in range(200):
            if self._sign.is_file():
                raise BrokenPipeError("nobody reads this")
            time.sleep(0.05)
        return super().write(text)


def test_a_stage_that_cannot_tell_how_far_it_is_takes_the_program_along(place: Path) -> None:
    sign = place / "pid"
    script = f"import os, time\nopen('{sign}~', 'w').write(str(os.getpid()))\nos.rename('{sign}~', '{sign}')\n"
    (place / "clone" / "test.py").write_text(script + "time.sleep(60)")
    with pytest.raises(BrokenPipeError):
        command(StageContext(_request(place, "python test.py {input} {output}"), _GoneReader(sign)))
    with pytest.raises(ProcessLookupError):
        os.kill(int(sign.read_text()), 0)

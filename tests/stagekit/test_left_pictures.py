"""What an authors' program may leave, in whatever state: pictures are kept, the rest is named, and nothing stays."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stagekit import ExitCode, StageContext, StageError, StageRequest, decode
from stagekit.command import command
from stagekit.messages import Failure, WarningMessage
from stagekit.results.dataset import DatasetFile, DatasetItem
from tests.rights import without_rights

ROOT = Path(__file__).resolve().parents[2]

BEGIN = """
import os, shutil, signal, sys
given, answers = sys.argv[1:3]
path = lambda name: os.path.join(os.fsencode(answers), name)
def good(name=b"a.png"):
    shutil.copyfile(os.path.join(given, "a.png"), path(name))
"""

Course = Callable[[str], io.StringIO]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "dataset").mkdir()
    Image.fromarray(np.full((5, 7, 3), 99, np.uint8)).save(tmp_path / "dataset" / "a.png")
    item = DatasetItem("a", 5, 7, blended="a.png", transmission="a.png")
    DatasetFile("one", "pairs", (item,)).save(tmp_path / "dataset")
    (tmp_path / "clone").mkdir()
    return tmp_path


def _request(place: Path, script: str, template: str) -> StageRequest:
    (place / "clone" / "test.py").write_text(BEGIN + script)
    for folder in ("output", "work", "facts"):
        (place / folder).mkdir(exist_ok=True)
    inputs = {"dataset": str(place / "dataset"), "source": str(place / "clone")}
    folders = [str(place / name) for name in ("output", "work", "facts")]
    return StageRequest("command/theirs/one", "command", {"command": template}, inputs, *folders)


def run(place: Path, script: str, template: str = "python test.py {input} {output}") -> list[str]:
    """Run a program, and return what was warned of."""
    stream = io.StringIO()
    try:
        command(StageContext(_request(place, script, template), stream))
    finally:
        assert not [name for name in ("input", "source", "answers") if os.path.lexists(place / "work" / name)]
    said = [decode(line) for line in stream.getvalue().splitlines()]
    return [message.message for message in said if isinstance(message, WarningMessage)]


def kept(place: Path) -> list[str]:
    found = [str(path.relative_to(place / "output")) for path in (place / "output").rglob("*") if not path.is_dir()]
    return sorted(name for name in found if name != "command.json")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param(rb"a_\xff.png", r"a_\xff.png (its name is no text (it is not UTF-8))", id="no-text"),
        pytest.param(rb"new\nline.png", r"new\nline.png (its name has a control character)", id="control"),
        pytest.param(rb"\x1b[31m.png", r"\x1b[31m.png (its name has a control character)", id="escape"),
    ],
)
def test_a_picture_whose_name_cannot_be_kept_is_passed_over_by_name(place: Path, name: bytes, words: str) -> None:
    assert run(place, f"good(); good(b'{name.decode()}')") == [f"passed over: {words}"]
    assert kept(place) == ["a.png"]


def test_where_no_picture_can_be_kept_the_reasons_are_told(place: Path) -> None:
    with pytest.raises(StageError, match=r"left no picture .*, but a_\\xff.png \(its name is no text"):
        run(place, r"good(b'a_\xff.png')")
    assert kept(place) == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(
            "os.symlink(given + '/a.png', path(b'a.png'))", "a.png (a link, which is not followed)", id="link"
        ),
        pytest.param("os.symlink('nowhere', path(b'a.png'))", "a.png (a link, which is not followed)", id="dangling"),
        pytest.param("os.mkfifo(path(b'a.png'))", "a.png (no plain file)", id="pipe"),
        pytest.param("os.symlink(given, path(b'sub'))", "sub (a link, which is not followed)", id="folder"),
        pytest.param("open(path(b'a.npy'), 'w')", "a.npy (no picture that is read)", id="array"),
        pytest.param(
            "[open(path(b'%d.npy' % n), 'w') for n in range(5)]",
            "0.npy, 1.npy, 2.npy and 2 more (no picture that is read)",
            id="many",
        ),
    ],
)
def test_what_it_left_in_place_of_pictures_is_said(place: Path, script: str, words: str) -> None:
    with pytest.raises(StageError) as failed:
        run(place, script)
    assert (
        str(failed.value)
        == f"the authors' program ended well and left no picture in the folder {{output}}, but {words}"
    )
    assert ".png" in str(failed.value.hint)


def test_links_and_pipes_beside_pictures_are_warned_of(place: Path) -> None:
    script = "good(); os.symlink('a.png', path(b'b.png')); os.mkfifo(path(b'c.png')); open(path(b'log.txt'), 'w')"
    (words,) = run(place, script)
    assert words == "passed over: b.png (a link, which is not followed), c.png (no plain file)"
    assert kept(place) == ["a.png"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(
            "os.rmdir(answers); open(answers, 'w')", "put a file in the place of the folder {output}", id="file"
        ),
        pytest.param(
            "os.rmdir(answers); os.symlink('/nowhere', answers)", "put a link that leads elsewhere", id="dangling"
        ),
        pytest.param("os.rmdir(answers); os.symlink(given, answers)", "put a link that leads elsewhere", id="outside"),
        pytest.param("os.rmdir(answers)", "left no picture in the folder {output}", id="gone"),
    ],
)
def test_something_else_in_place_of_its_folder_is_said_and_not_in_the_way_later(
    place: Path, script: str, words: str
) -> None:
    with pytest.raises(StageError) as failed:
        run(place, script)
    assert words in str(failed.value)
    run(place, "good()")
    assert kept(place) == ["a.png"]


def test_a_link_to_a_folder_of_its_own_is_where_its_pictures_lie(place: Path) -> None:
    run(place, "os.rmdir(answers); os.mkdir('results'); os.symlink(os.path.abspath('results'), answers); good()")
    assert kept(place) == ["a.png"]


def test_a_picture_that_is_another_file_too_is_copied(place: Path) -> None:
    run(place, "good(b'a.png'); os.link(path(b'a.png'), 'mine.png')")
    assert (place / "output" / "a.png").stat().st_nlink == 1


def run_without_rights(place: Path, request: StageRequest) -> subprocess.CompletedProcess[str]:
    """Run a stage as a user whom modes of files bind."""
    request.save(str(place / "stage.json"))
    argv = without_rights([sys.executable, "-m", "stagekit.command", str(place / "stage.json")])
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("good(); os.chmod(answers, 0o500)", id="read-only"),
        pytest.param("good(); os.chmod(answers, 0)", id="shut"),
        pytest.param("good(); os.chmod(path(b'a.png'), 0)", id="picture"),
        pytest.param("good(); os.chmod(os.path.dirname(answers), 0o500)", id="all"),
        pytest.param("good(); os.mkdir(path(b'x')); good(b'x/b.txt'); os.chmod(path(b'x'), 0)", id="inner"),
        pytest.param("good(); os.mkdir('x'); open('x/y', 'w'); os.chmod('x', 0)", id="own"),
    ],
)
def test_rights_that_it_took_away_keep_nothing_from_us(place: Path, script: str) -> None:
    for _again in range(2):
        done = run_without_rights(place, _request(place, script, "python test.py {input} {output}"))
        assert done.returncode == ExitCode.DONE, done.stdout + done.stderr
        assert kept(place) == ["a.png"]
        assert (place / "output" / "a.png").read_bytes() == (place / "dataset" / "a.png").read_bytes()
        assert not [name for name in ("input", "source", "answers") if os.path.lexists(place / "work" / name)]


@pytest.mark.slow
@pytest.mark.parametrize("mode", [0o400, 0o100, 0])
def test_a_folder_that_is_shut_while_the_program_goes_on_is_looked_into_at_its_end(place: Path, mode: int) -> None:
    script = f"import time; good(); os.chmod(answers, {mode}); time.sleep(2.6)"
    done = run_without_rights(place, _request(place, script, "python test.py {input} {output}"))
    assert done.returncode == ExitCode.DONE, done.stdout + done.stderr
    assert kept(place) == ["a.png"]


@pytest.mark.parametrize("shut", ["answers", "os.path.dirname(answers)", "os.getcwd()"])
def test_a_program_that_fails_with_its_folders_shut_can_run_again(place: Path, shut: str) -> None:
    template = "python test.py {input} {output}"
    done = run_without_rights(place, _request(place, f"good(); os.chmod({shut}, 0); sys.exit(3)", template))
    assert not [name for name in ("input", "source", "answers") if os.path.lexists(place / "work" / name)]
    failures = [message for message in map(decode, done.stdout.splitlines()) if isinstance(message, Failure)]
    assert [failure.message for failure in failures] == [
        "the authors' program ended with status 3, and printed nothing"
    ]
    assert run_without_rights(place, _request(place, "good()", template)).returncode == ExitCode.DONE


def test_a_program_that_stops_its_own_stage_is_not_obeyed(place: Path) -> None:
    script = "import time; good(); os.kill(os.getppid(), signal.SIGTERM); time.sleep(0.5)"
    done = run_without_rights(place, _request(place, script, "python test.py {input} {output}"))
    assert done.returncode == ExitCode.DONE, done.stdout + done.stderr
    assert "a signal to stop came from the authors' program itself" in done.stdout
    assert kept(place) == ["a.png"]


def test_a_stop_from_outside_is_heard(place: Path) -> None:
    script = "import time; print('begun', flush=True); time.sleep(60)"
    _request(place, script, "python test.py {input} {output}").save(str(place / "stage.json"))
    argv = [sys.executable, "-m", "stagekit.command", str(place / "stage.json")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as program:
        assert program.stdout is not None
        assert "begun\n" in iter(program.stdout.readline, "")
        program.terminate()
        assert program.wait(30) == ExitCode.INTERRUPTED


def test_of_endless_words_the_log_keeps_the_beginning_and_the_end(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StageError, match=r"status 3; the last that it printed: the end$"):
        run(place, "for _ in range(30): print('x' * 10**6)\nprint('the end'); sys.exit(3)")
    said = capsys.readouterr().out
    assert len(said) < 9 * 2**20
    assert "[it prints more than 8 MiB; of the rest only the end is kept]" in said
    assert said.splitlines()[-1] == "| the end"


@pytest.mark.parametrize(
    ("mode", "content", "words"),
    [
        pytest.param(0o644, "#!/bin/sh\n", "chmod +x", id="no-right-to-run"),
        pytest.param(0o755, "no program\n", "begin it with #!", id="no-program"),
    ],
)
def test_a_script_that_cannot_be_started_is_explained(place: Path, mode: int, content: str, words: str) -> None:
    script = place / "clone" / "run.sh"
    script.write_text(content)
    script.chmod(mode)
    with pytest.raises(StageError, match="cannot be started") as failed:
        run(place, "", "./run.sh {input} {output}")
    assert words in str(failed.value.hint)

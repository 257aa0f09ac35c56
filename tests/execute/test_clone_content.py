"""An authors' folder is held to the content that its key tells, and a stage keeps nothing of it but the answers."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from orchestrator.engine.protocol import Environment
from orchestrator.errors import OutputInvalid, StageFailed
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.run_stages import walk_stages
from orchestrator.execute.sources import source_digest
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.answers import CLONE
from orchestrator.plan.keys import Program
from orchestrator.plan.stage import Source, Stage
from orchestrator.store.store import Store
from stagekit import StageContext, StageError
from stagekit.command import command
from stagekit.results.dataset import DatasetFile, DatasetItem
from tests.engine.fake import FakeEngine

SCRIPT = (
    "import os, shutil, sys\nfor name in os.listdir(sys.argv[1]): shutil.copy(os.path.join(sys.argv[1], name), '.')\n"
)


class Course:
    """One run of an authors' program; `before` is called when the stage begins, `after` when it ends."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clone, self.dataset = folder, folder / "clone", folder / "dataset"
        self.store = Store(folder / "store")
        self.before: Callable[[], Any] = lambda: None
        self.after: Callable[[], Any] = lambda: None
        self.work: Callable[[StageContext], Any] = self._work
        for path in (self.clone, self.dataset):
            path.mkdir()
        (self.clone / "test.py").write_text(SCRIPT, encoding="utf-8")
        Image.fromarray(np.full((5, 7, 3), 99, np.uint8)).save(self.dataset / "a.png")
        DatasetFile("one", "photos", (DatasetItem("a", 5, 7, blended="a.png"),)).save(self.dataset)

    def _work(self, context: StageContext) -> None:
        self.before()
        command(context)
        self.after()

    def run(self) -> Any:
        digest = source_digest(self.store)
        sources = {
            "dataset": Source(self.dataset, digest(self.dataset)),
            "source": Source(self.clone, digest(self.clone, CLONE), CLONE),
        }
        settings = {"command": "python test.py {input}"}
        stage = Stage("command/theirs/one", "command", "any", settings, sources=sources)
        context = ExecutionContext(
            store=self.store,
            engine=FakeEngine({"command": self.work}),
            environments={"any": Environment("local", "any", "0" * 64, "python")},
            modules={"any": "any"},
            programs={"any": Program("code", {"command": 1})},
            listener=lambda _event: None,
            stopper=Stopper(),
            run="run",
            logs=self.folder / "logs",
        )
        return walk_stages({stage.name: stage}, {}, context)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


def test_what_the_program_wrote_is_kept_and_nothing_of_the_copy(course: Course) -> None:
    result = course.run()
    assert not result.failures
    (output,) = course.store.root.glob("artifacts/*/*/output")
    assert sorted(path.name for path in output.iterdir()) == ["a.png", "command.json"]
    assert [path.name for path in course.clone.iterdir()] == ["test.py"]


def test_a_file_that_is_exchanged_while_it_runs_and_put_back_is_found(course: Course) -> None:
    script, kept = course.clone / "test.py", course.folder / "kept.py"

    def exchange() -> None:
        script.rename(kept)
        script.write_text(SCRIPT + "print('another')\n", encoding="utf-8")

    course.before = exchange
    course.after = lambda: os.replace(kept, script)
    error = course.run().failures["command/theirs/one"]
    assert isinstance(error, OutputInvalid)
    assert "was changed while command/theirs/one ran" in error.message
    course.before = course.after = lambda: None
    assert not course.run().failures


def test_an_edit_after_the_copy_was_made_counts_for_the_next_run(course: Course) -> None:
    script = course.clone / "test.py"
    course.after = lambda: script.write_text(SCRIPT + "open('more.png', 'w').close()\n", encoding="utf-8")
    assert not course.run().failures
    course.after = lambda: None
    assert not course.run().failures
    left = sorted(
        sorted(path.name for path in output.iterdir()) for output in course.store.root.glob("artifacts/*/*/output")
    )
    assert left == [["a.png", "command.json"], ["a.png", "command.json", "more.png"]]


def test_empty_folders_are_copied_and_count(course: Course) -> None:
    (course.clone / "results").mkdir()
    (course.clone / "test.py").write_text(SCRIPT.replace("'.'", "'results'"), encoding="utf-8")
    assert not course.run().failures
    course.before = (course.clone / "results").rmdir
    (course.clone / "test.py").write_text(SCRIPT, encoding="utf-8")
    assert "was changed while" in str(course.run().failures["command/theirs/one"].message)


@pytest.mark.parametrize("change", ["new", "gone"])
def test_files_that_appear_or_go_before_it_is_read_are_found(course: Course, change: str) -> None:
    (course.clone / "help.py").write_text("x", encoding="utf-8")
    course.before = (
        (lambda: (course.clone / "new.py").write_text("x", encoding="utf-8"))
        if change == "new"
        else (course.clone / "help.py").unlink
    )
    assert "was changed while" in course.run().failures["command/theirs/one"].message


def test_blank_lines_do_not_push_out_of_sight_what_was_printed(course: Course) -> None:
    def work(context: StageContext) -> None:
        context._stream.write("the reason\n" + " \n" * 99)
        raise StageError("it failed", "read the log")

    course.work = work
    where = str(course.run().failures["command/theirs/one"].where)
    assert where.endswith("command_theirs_one.log\n    the reason")


def test_what_version_control_does_meanwhile_is_no_matter(course: Course) -> None:
    course.before = (course.clone / ".git").mkdir
    assert not course.run().failures


def test_names_that_are_no_text_and_links_inside_are_as_they_are(course: Course) -> None:
    (course.clone / os.fsdecode(b"a%2F \xff.py")).write_bytes(b"x")
    os.symlink("test.py", course.clone / "main.py")
    assert not course.run().failures


def test_a_copy_that_was_left_behind_is_no_matter(course: Course) -> None:
    course.after = lambda: 1 / 0
    assert isinstance(course.run().failures["command/theirs/one"], StageFailed)
    (work,) = course.store.root.glob("staging/*/work")
    (work / "source").mkdir(exist_ok=True)
    (work / "source" / "old.png").write_bytes(b"of a run that was killed")
    course.after = lambda: None
    assert not course.run().failures
    (output,) = course.store.root.glob("artifacts/*/*/output")
    assert not (output / "old.png").exists()
    shutil.rmtree(output.parent)

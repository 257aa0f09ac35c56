"""What a dataset's preparation reads is held to what its key tells, and nothing else in the folder counts."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orchestrator.datasets.description import dataset_description
from orchestrator.datasets.preparation import Preparation, prepare_dataset
from orchestrator.engine.protocol import Environment
from orchestrator.errors import OutputInvalid
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.run_stages import walk_stages
from orchestrator.execute.sources import ReadingWords, source_digest
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Program
from orchestrator.plan.plan import prepare_stage
from orchestrator.spec.dataset import PairsDataset
from orchestrator.store.store import Store
from stagekit.results.dataset import DatasetFile
from stagekit.results.sources import SourcesFile
from tests.engine.fake import FakeEngine

PROGRAMS = {"metrics": Program("code", {"prepare": 1})}


def save(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (16, 20, 3), dtype=np.uint8)).save(path)


class Course:
    """One preparation of a user's pairs; `before` and `after` are called around the reading."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.source = folder, folder / "pairs"
        self.store = Store(folder / "store")
        self.before = self.after = lambda: None
        for part in ("blended", "transmission"):
            for name in (1, 2):
                save(self.source / part / f"{name}.png", name)

    @property
    def stage(self):
        return prepare_stage("mine", PairsDataset(kind="pairs", folder=self.source), source_digest(self.store))

    def _work(self, context):
        self.before()
        description = dataset_description(context.setting("dataset"))
        done = prepare_dataset(
            Preparation("mine", "Mine", description, Path(context.input("source")), Path(context.request.output)),
            lambda *_: None,
            lambda *_: None,
        )
        SourcesFile.of_files({"source": done.read}).save(context.facts(SourcesFile.FILE_NAME))
        self.after()

    def run(self):
        stage = self.stage
        context = ExecutionContext(
            store=self.store,
            engine=FakeEngine({"prepare": self._work}),
            environments={"metrics": Environment("local", "metrics", "0" * 64, "python")},
            modules={"metrics": "metrics"},
            programs=PROGRAMS,
            listener=lambda _event: None,
            stopper=Stopper(),
            run="run",
            logs=self.folder / "logs",
        )
        return walk_stages({stage.name: stage}, {}, context)


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path)


def test_picture_that_is_exchanged_while_it_is_read_and_put_back_is_found(course):
    picture = course.source / "blended" / "1.png"

    def exchange():
        picture.rename(course.folder / "kept.png")
        save(picture, 9)

    course.before = exchange
    course.after = lambda: os.replace(course.folder / "kept.png", picture)
    error = course.run().failures["prepare/mine"]
    assert isinstance(error, OutputInvalid)
    assert "was changed while prepare/mine ran" in error.message
    course.before = course.after = lambda: None
    assert not course.run().failures


def test_picture_that_appears_after_the_key_was_made_is_found(course):
    course.before = lambda: [save(course.source / part / "3.png", 3) for part in ("blended", "transmission")]
    assert "was changed while" in course.run().failures["prepare/mine"].message


@pytest.mark.parametrize("name", ["Thumbs.db", "desktop.ini", ".DS_Store", "blended/Thumbs.db", "notes.txt"])
def test_what_file_managers_leave_changes_no_key(course, name):
    before = course.stage.sources["source"].digest
    (course.source / name).write_bytes(b"")
    assert course.stage.sources["source"].digest == before
    course.before = lambda: (course.source / f"{name}2").write_bytes(b"")
    assert not course.run().failures


def test_names_that_are_no_text_are_held_to_the_key_too(course):
    for part in ("blended", "transmission"):
        save(course.source / part / "3.png", 3)
        (course.source / part / "3.png").rename(course.source / part / os.fsdecode(b"a%2F \xff.png"))
    assert not course.run().failures


def test_pictures_and_their_ids_keep_letters_of_any_script(course):
    for part in ("blended", "transmission"):
        for number, name in enumerate(("Süd", "窗户 2", "Ελλάδα")):
            save(course.source / part / f"{name}.png", number)
    walked = course.run()
    assert not walked.failures
    output = walked.results["prepare/mine"].output
    prepared = DatasetFile.load(output)
    assert [item.id for item in prepared.items] == ["Süd", "Ελλάδα", "窗户-2", "1", "2"]
    assert {path.stem for path in output.rglob("*.png")} == {item.id for item in prepared.items}


def test_only_letters_beyond_ascii_change_how_a_folder_is_told(course):
    names = [path.relative_to(course.source).as_posix() for path in course.source.rglob("*.png")]
    assert course.stage.sources["source"].digest == course.store.digest(course.source, names)
    (course.source / "notes é.txt").write_bytes(b"")
    assert course.stage.sources["source"].digest == course.store.digest(course.source, names)
    for part in ("blended", "transmission"):
        save(course.source / part / "Süd.png", 3)
    names += ["blended/Süd.png", "transmission/Süd.png"]
    assert course.stage.sources["source"].digest != course.store.digest(course.source, names)


def test_every_picture_that_is_read_is_in_the_key(course):
    digests = {course.stage.sources["source"].digest}
    for path in sorted(course.source.rglob("*.png")):
        save(path, 7)
        digests.add(course.stage.sources["source"].digest)
    assert len(digests) == 5


def test_reading_of_large_inputs_is_said_with_the_time_that_is_left():
    said, seconds = [], iter([100.0, 105.0, 112.0, 113.0])
    told = ReadingWords(said.append, lambda: next(seconds))
    gib = 2**30
    told(Path("small"), 1, 2**20)
    for done in (0, 1, 3, 4):
        told(Path("voc"), done * gib, 12 * gib)
    assert said == [
        "reading 12.0 GiB of voc to know its content; what stays unchanged is not read again",
        "read 3.0 of 12.0 GiB of voc; about 36 s are left",
    ]


@pytest.mark.slow
def test_what_is_known_is_not_read_again(tmp_path):
    save(tmp_path / "pictures" / "a.png", 1)
    os.utime(tmp_path / "pictures" / "a.png", (1, 1))
    heard = []
    store = Store(tmp_path / "store", lambda *progress: heard.append(progress))
    first = store.digest(tmp_path / "pictures", ["a.png"])
    size = (tmp_path / "pictures" / "a.png").stat().st_size
    assert heard == [(tmp_path / "pictures", size, size)]
    time.sleep(2.1)  # a file that was changed just now may change again within the clock's tick, and is not remembered
    assert store.digest(tmp_path / "pictures", ["a.png"]) == first
    heard.clear()
    assert store.digest(tmp_path / "pictures", ["a.png"]) == first
    assert heard == []


def linked_out(course):
    """Replace a picture by a link to a file elsewhere, and return where the link lies."""
    picture = course.source / "blended" / "1.png"
    picture.rename(course.folder / "elsewhere.png")
    picture.symlink_to(course.folder / "elsewhere.png")
    return picture


def test_link_that_leads_out_is_refused_where_a_program_could_follow_it(course):
    linked_out(course)
    error = course.run().failures["prepare/mine"]
    assert isinstance(error, OutputInvalid)
    assert "prepare/mine read 'blended/1.png' of" in error.message
    assert "links that lead out of that folder" in error.message


def test_link_that_leads_out_is_no_file_of_the_folder_and_others_stay_what_they_are(course):
    linked = linked_out(course)
    before = course.stage.sources["source"].digest
    (course.folder / "elsewhere.png").write_bytes(b"another")
    assert course.stage.sources["source"].digest == before
    linked.unlink()
    save(linked, 1)
    assert course.stage.sources["source"].digest != before
    inside = course.source / "blended" / "2.png"
    content = course.stage.sources["source"].digest
    inside.rename(course.source / "kept.png")
    inside.symlink_to("../kept.png")
    assert course.stage.sources["source"].digest == content
    assert not course.run().failures

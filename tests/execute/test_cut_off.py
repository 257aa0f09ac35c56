"""What is made again and comes out as it was makes nothing behind it run."""

from pathlib import Path

import pytest

from orchestrator.engine.protocol import Environment
from orchestrator.execute.comparison import look_up
from orchestrator.execute.events import StateChanged
from orchestrator.execute.run_stages import PlannedStages, RunOptions, run_stages
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Program
from orchestrator.plan.stage import Stage
from orchestrator.spec.library import load_image
from orchestrator.store.store import Store
from tests.engine.fake import FakeEngine

STAGES = {
    stage.name: stage
    for stage in (
        Stage("prepare/a", "prepare", "metrics", {}),
        Stage("train/a", "train", "errnet2019", {}, inputs={"synthetic": "prepare/a"}),
        Stage("export/a", "export", "errnet2019", {}, inputs={"weights": "train/a"}),
    )
}
OUTPUTS = {
    "prepare": ("dataset.json",),
    "train": ("curves.json", "train.json"),
    "export": ("network.onnx", "export.json"),
}


class Course:
    """Three stages in a row on an engine without processes; `words` is what each kind's program writes."""

    def __init__(self, folder: Path) -> None:
        self.words = {"prepare": "pictures", "train": "weights", "export": "network"}
        self.folder = folder
        self.store = Store(folder / "store")
        self.behaviours = {"prepare": 1, "train": 1, "export": 1}

    def _work(self, context):
        for name in OUTPUTS[context.request.kind]:
            Path(context.output(name)).write_text(self.words[context.request.kind])

    def run(self):
        """Return the stages that were started, and every change of state."""
        engine = FakeEngine(dict.fromkeys(OUTPUTS, self._work))
        events = []
        images = {name: load_image(name) for name in ("metrics", "errnet2019")}
        programs = dict.fromkeys(images, Program("code", self.behaviours))
        stages = tuple(STAGES.values())
        found = look_up(stages, programs, self.store, reading="inputs")
        planned = PlannedStages("run", self.folder / "logs", stages, images, programs, "cpu", found)
        environments = {name: Environment("local", name, "0" * 64, "python") for name in images}
        result = run_stages(planned, self.store, engine, environments, events.append, Stopper(), RunOptions())
        assert not result.failures
        assert set(result.results) == set(STAGES)
        return engine.started, [event for event in events if isinstance(event, StateChanged)]


@pytest.fixture
def course(tmp_path):
    course = Course(tmp_path)
    assert course.run()[0] == list(STAGES)
    return course


def test_nothing_runs_a_second_time(course):
    started, states = course.run()
    assert started == []
    assert [event.state for event in states] == ["stored"] * 3


def test_stage_that_comes_out_as_it_was_makes_nothing_behind_it_run(course):
    course.behaviours["prepare"] = 2
    assert course.run()[0] == ["prepare/a"]


def test_stage_that_comes_out_otherwise_makes_what_reads_it_run_until_one_comes_out_as_it_was(course):
    course.behaviours["prepare"] = 2
    course.words["prepare"] = "other pictures"
    assert course.run()[0] == ["prepare/a", "train/a"]


def test_what_runs_because_of_one_change_runs_in_order(course):
    course.behaviours["prepare"] = 2
    course.words = {kind: f"other {words}" for kind, words in course.words.items()}
    assert course.run()[0] == list(STAGES)


def test_every_state_tells_the_key(course):
    course.behaviours["train"] = 2
    _, states = course.run()
    told = {(event.stage, event.state): event.facts.get("key") for event in states}
    assert list(told) == [
        ("prepare/a", "stored"),
        ("train/a", "running"),
        ("train/a", "done"),
        ("export/a", "stored"),
    ]
    for (stage, _), key in told.items():
        artifact = course.store.artifact(key)
        assert artifact is not None
        assert artifact.manifest.stage == stage


def test_damaged_result_is_made_again_before_anything_reads_it(course):
    key = {event.stage: event.facts["key"] for event in course.run()[1]}["train/a"]
    damaged = course.store.artifact(key).output / "train.json"
    damaged.chmod(0o644)
    damaged.write_text("weighty")
    course.behaviours["export"] = 2
    assert course.run()[0] == ["train/a", "export/a"]
    assert (course.store.artifact(key).output / "train.json").read_text() == "weights"

"""A damaged result is never read: the run that finds it makes it again, or says what is to be done."""

import json
from pathlib import Path

import pytest

from orchestrator.engine.protocol import Environment
from orchestrator.errors import StoreError
from orchestrator.execute.comparison import look_up
from orchestrator.execute.events import StateChanged
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.run_results import recorded_results
from orchestrator.execute.run_stages import walk_stages
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Program
from orchestrator.plan.stage import Stage
from orchestrator.store.document_files import RUN_FILE
from orchestrator.store.reference import run_reference
from orchestrator.store.store import Store
from tests.engine.fake import FakeEngine
from tests.execute.small_run import keep_run
from tests.hostile_names import OUTSIDE
from tests.store.kept_results import change_bytes

STAGES = {
    stage.name: stage
    for stage in (
        Stage("prepare/a", "prepare", "metrics", {}),
        Stage("adopt/a", "adopt", "network", {}, inputs={"dataset": "prepare/a"}),
        Stage("infer/a/a", "infer", "network", {}, inputs={"network": "adopt/a"}),
    )
}
OUTPUTS = {"prepare": "dataset.json", "adopt": "adopt.json", "infer": "predictions.json"}
PROGRAMS = dict.fromkeys(("metrics", "network"), Program("code", dict.fromkeys(OUTPUTS, 1)))


class Course:
    """Three stages in a row, each of which copies what it reads; `at` is called by a stage's program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "store")
        self.events = []
        self.at = lambda stage: None

    def _work(self, context):
        kind = context.request.kind
        for path in context.request.inputs.values():
            assert "x" not in "".join(file.read_text() for file in Path(path).iterdir())
        self.at(kind)
        Path(context.output(OUTPUTS[kind])).write_text(kind)

    def run(self):
        """Return what came of the stages, and the names of those that ran."""
        self.events = []
        found = look_up(STAGES.values(), PROGRAMS, self.store, reading="inputs")
        context = ExecutionContext(
            store=self.store,
            engine=FakeEngine(dict.fromkeys(OUTPUTS, self._work)),
            environments={name: Environment("local", name, "0" * 64, "python") for name in PROGRAMS},
            modules={name: name for name in PROGRAMS},
            programs=PROGRAMS,
            listener=self.events.append,
            stopper=Stopper(),
            run="run",
            logs=self.folder / "logs",
        )
        missing = {name: stage for name, stage in STAGES.items() if name not in found.artifacts}
        result = walk_stages(missing, found.artifacts, context)
        ran = [event.stage for event in self.events if isinstance(event, StateChanged) and event.state == "running"]
        return found, result, ran


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path)


def test_changed_bytes_of_the_same_size_are_made_again_by_the_same_run(course):
    _, result, ran = course.run()
    assert ran == list(STAGES)
    damaged = result.results["adopt/a"]
    change_bytes(damaged, "adopt.json")
    found, result, ran = course.run()
    assert ran == ["adopt/a"]
    assert "has other content than it had" in found.damaged["adopt/a"]
    assert (result.results["adopt/a"].output / "adopt.json").read_text() == "adopt"
    assert result.stored == {"prepare/a", "infer/a/a"}
    assert course.run()[2] == []


def test_result_that_is_damaged_while_the_run_goes_on_is_not_read_and_said(course):
    def damage(stage):
        if stage == "adopt":
            for artifact in (course.store.artifact(key) for key in course.store.layout.artifact_keys()):
                change_bytes(artifact, "dataset.json")

    course.at = damage
    _, result, _ = course.run()
    error = result.failures["adopt/a"]
    assert "was changed while adopt/a ran" in error.message
    assert result.skipped == {"infer/a/a": "adopt/a"}
    course.at = lambda stage: None
    found, result, ran = course.run()
    assert ran == list(STAGES)
    assert not result.failures
    assert list(found.damaged) == ["prepare/a"]


def test_input_that_is_damaged_before_its_reader_starts_is_set_aside(course):
    _, result, _ = course.run()
    prepared = result.results["prepare/a"]
    change_bytes(prepared, "dataset.json")
    again = {"again": Stage("again", "adopt", "network", {"other": 1}, inputs={"dataset": "prepare/a"})}
    context = ExecutionContext(
        store=course.store,
        engine=FakeEngine(dict.fromkeys(OUTPUTS, course._work)),
        environments={name: Environment("local", name, "0" * 64, "python") for name in PROGRAMS},
        modules={name: name for name in PROGRAMS},
        programs=PROGRAMS,
        listener=course.events.append,
        stopper=Stopper(),
        run="run",
        logs=course.folder / "logs",
    )
    result = walk_stages(again, {"prepare/a": prepared}, context)
    error = result.failures["again"]
    assert isinstance(error, StoreError)
    assert "is damaged" in error.message
    assert "run the same command again" in error.hint
    assert not prepared.folder.exists()


def test_damage_is_found_by_content_where_sizes_tell_nothing(course):
    course.run()
    (key,) = [
        key for key in course.store.layout.artifact_keys() if course.store.artifact(key).manifest.stage == "infer/a/a"
    ]
    change_bytes(course.store.artifact(key), "predictions.json")
    found = look_up(STAGES.values(), PROGRAMS, course.store)
    assert "infer/a/a" in found.artifacts, "sizes alone do not tell"
    found, _, ran = course.run()
    assert list(found.damaged) == ["infer/a/a"]
    assert ran == ["infer/a/a"]


def test_report_of_damaged_results_says_what_to_do(tmp_path):
    store = Store(tmp_path / "store")
    keep_run(store, tmp_path)
    reference = run_reference("first")
    results = recorded_results(reference, store)
    name = next(name for name in results.artifacts if name.startswith("evaluate/errnet2019"))
    change_bytes(results.artifacts[name], "scores.json")
    with pytest.raises(StoreError, match="has other content than it had") as caught:
        recorded_results(reference, store)
    assert "run the experiment of 'first' again" in caught.value.hint
    assert name not in recorded_results(reference, store).artifacts


def told(store: Store, change) -> None:
    """Change the document of the run, as a stranger could who made it."""
    path = store.layout.run("first") / RUN_FILE
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.chmod(0o644)
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize(
    "name", [*OUTSIDE, pytest.param("{private}", id="folder-of-the-user"), pytest.param("f" * 63, id="short")]
)
def test_document_whose_key_is_none_leads_nowhere(tmp_path: Path, name: str) -> None:
    """What has no manifest is set aside as damaged: a key that is a path would move a folder of the user away."""
    store = Store(tmp_path / "store")
    keep_run(store, tmp_path)
    private = tmp_path / "private"
    private.mkdir()
    (private / "letter").write_text("dear")
    told(store, lambda document: document["stages"][0].update(key=name.format(private=private)))
    with pytest.raises(StoreError, match=r"the record of run 'first' is damaged: stages\.0\.key"):
        recorded_results(run_reference("first"), store)
    assert (private / "letter").read_text() == "dear"


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/b", "a\x1b[31m"])
def test_document_whose_source_is_a_path_is_refused(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / "store")
    keep_run(store, tmp_path)

    def change(document) -> None:
        stage = next(stage for stage in document["stages"] if stage["sources"])
        next(iter(stage["sources"].values()))["file"] = name

    told(store, change)
    with pytest.raises(StoreError, match=r"the record of run 'first' is damaged: .*file"):
        recorded_results(run_reference("first"), store)

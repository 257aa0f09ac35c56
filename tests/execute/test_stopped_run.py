"""What a stopped run says, in the end and in its records: nothing is called a fault that is none."""

from pathlib import Path

import pytest

from orchestrator.engine.protocol import Environment
from orchestrator.errors import Cancelled, NotStarted, SirrError, StageFailed
from orchestrator.execute.events import Event, Failed, StateChanged
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.report_content import report_content
from orchestrator.execute.run import RunResult
from orchestrator.execute.run_list import run_state
from orchestrator.execute.run_record import DocumentWriter
from orchestrator.execute.run_results import results_of
from orchestrator.execute.run_stages import walk_stages
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Program
from orchestrator.plan.stage import Stage
from orchestrator.report.content import NotMeasured
from orchestrator.report.views.failures import failures_view
from orchestrator.store.reference import run_reference
from orchestrator.store.runs import run_document
from orchestrator.store.store import Store
from stagekit import StageContext
from tests.engine.fake import FakeEngine, Handler
from tests.execute.small_run import keep_run

TRAIN, EXPORT = "train/errnet2019", "export/errnet2019"


def test_a_stop_is_told_in_one_line_and_is_no_fault():
    result = RunResult(
        None,
        failures={"train/a": Cancelled("the stage was stopped and has saved where it was"), "b": NotStarted("b")},
        skipped={"export/a": "train/a", "infer/a": "train/a"},
    )
    assert result.stop_sentence == (
        "stopped: train/a (the stage was stopped and has saved where it was), 3 stages not started; to go on, run the "
        "same command again"
    )
    assert (result.faults, result.lacking, result.error.exit_code) == ([], {}, 12)


def test_what_failed_before_a_stop_is_a_fault_beside_it():
    failed = StageFailed("it failed")
    result = RunResult(None, failures={"a": failed, "b": NotStarted("b")}, skipped={"c": "a", "d": "b"})
    assert (result.faults, result.lacking) == ([failed], {"c": "a"})
    assert result.stop_sentence == "stopped: 2 stages not started; to go on, run the same command again"
    assert result.error.exit_code == 12


def test_a_run_that_nobody_stopped_says_nothing_of_a_stop():
    failed = StageFailed("it failed")
    result = RunResult(None, failures={"a": failed}, skipped={"c": "a"})
    assert (result.stop_sentence, result.faults, result.lacking) == ("", [failed], {"c": "a"})


def skipped(folder: Path, handler: Handler, stopper: Stopper) -> StateChanged:
    """Run a training whose program is `handler`, and return what is told of the stage that waits for it."""
    stages = {TRAIN: Stage(TRAIN, "train", "net", {}), EXPORT: Stage(EXPORT, "export", "net", {}, inputs={"t": TRAIN})}
    events: list[Event] = []
    context = ExecutionContext(
        store=Store(folder / "store"),
        engine=FakeEngine({"train": handler}),
        environments={"net": Environment("local", "net", "0" * 64, "python")},
        modules={"net": "net"},
        programs={"net": Program("code", {"train": 1, "export": 1})},
        listener=events.append,
        stopper=stopper,
        run="run",
        logs=folder / "logs",
    )
    walk_stages(stages, {}, context)
    (told,) = [event for event in events if isinstance(event, StateChanged) and event.state == "skipped"]
    assert (told.stage, told.facts["because"]) == (EXPORT, TRAIN)
    return told


def test_a_stage_is_skipped_because_of_a_stop_or_of_a_failure_and_that_is_told(tmp_path: Path) -> None:
    stopper = Stopper()

    def stopped(context: StageContext) -> None:
        stopper.request()
        while not context.stop_requested:
            pass
        context.interrupt()

    def fails(_context: StageContext) -> None:
        raise RuntimeError

    assert skipped(tmp_path / "failed", fails, Stopper()).facts["end"] == "failed"
    assert skipped(tmp_path / "stopped", stopped, stopper).facts["end"] == "was stopped"
    assert skipped(tmp_path / "not-started", fails, stopper).facts["end"] == "was not started"


@pytest.mark.parametrize(
    ("error", "end", "why", "state", "run"),
    [
        pytest.param(
            Cancelled("the stage was stopped"), "was stopped", "was stopped", "cancelled", "partial", id="stopped"
        ),
        pytest.param(
            NotStarted(f"{TRAIN} was not started: the run was stopped"),
            "was not started",
            "was not started: the run was stopped",
            "skipped",
            "partial",
            id="not-started",
        ),
        pytest.param(StageFailed("it broke"), "failed", "failed: it broke", "failed", "failed", id="failed"),
    ],
)
def test_a_record_and_a_report_say_which_it_was(
    tmp_path: Path, error: SirrError, end: str, why: str, state: str, run: str
) -> None:
    store = Store(tmp_path / "store")
    keep_run(store, tmp_path, leave="train/")
    writer = DocumentWriter(store, run_document(store, run_reference("first")))
    writer.listen(Failed(TRAIN, error))
    writer.listen(StateChanged(TRAIN, "cancelled" if isinstance(error, Cancelled) else "failed"))
    waiting = [stage.name for stage in writer.document.stages if "/errnet2019" in stage.name and stage.name != TRAIN]
    for name in waiting:
        writer.listen(StateChanged(name, "skipped", {"because": TRAIN, "end": end}))
    writer.save()
    content = report_content(results_of(writer.document, store))
    model = next(model for model in content.models if model.label == "errnet2019")
    assert model.training == NotMeasured(f"{TRAIN} {why}")
    (result,) = [result for result in content.results if result.label == "errnet2019"]
    assert result.predictions == NotMeasured(f"{TRAIN} {end}")
    assert {stage.state for stage in content.stages if stage.name == TRAIN} == {state}
    assert {row.why for row in failures_view(content).waiting if row.name in waiting} == {f"{TRAIN} {end}"}
    assert run_state(writer.document, store) == run

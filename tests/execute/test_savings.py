"""A training that runs out of memory goes on with more saving; what no saving can help is not tried again."""

import pytest

from orchestrator.engine.protocol import Environment
from orchestrator.errors import BudgetTooSmall, OutOfMemory
from orchestrator.execute.events import Noted, Warned
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.stage_execution import execute_stage
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Program, stage_identity
from orchestrator.plan.stage import Stage
from orchestrator.store.store import Store
from stagekit import BudgetTooSmall as StageBudgetTooSmall
from stagekit import OutOfMemory as StageOutOfMemory
from tests.engine.fake import FakeEngine, Faults


class Course:
    """A train stage on an engine without processes; `requests` is what its program was asked each time."""

    def __init__(self, folder, enough, error=StageOutOfMemory):
        self.requests = []
        self.events = []
        self._enough, self._error = enough, error
        self._context = ExecutionContext(
            store=Store(folder / "store"),
            engine=FakeEngine({"train": self._train, "export": self._train}, Faults()),
            environments={"errnet2019": Environment("local", "errnet2019", "0" * 64, "python")},
            modules={"errnet2019": "errnet2019"},
            programs={"errnet2019": Program("code")},
            listener=self.events.append,
            stopper=Stopper(),
            run="run",
            logs=folder / "logs",
            workers=3,
        )

    def _train(self, context):
        self.requests.append(context.request)
        context.note("the largest step needs 7.0 GiB")
        if context.request.memory_saving_level < self._enough:
            raise self._error("memory did not suffice", "raise the memory")
        for name in ("curves.json", "train.json"):
            with open(context.output(name), "w", encoding="utf-8") as stream:
                stream.write("{}")

    def realised(self, kind="train"):
        stage = Stage(
            f"{kind}/errnet2019", kind, "errnet2019", {}, checkpoint_s=90.0, device_memory_bytes=2**30, seed=1
        )
        identity = stage_identity(stage, Program("code"), {})
        return execute_stage(stage, identity, {}, self._context)


@pytest.mark.parametrize("enough", [0, 1, 2])
def test_a_training_saves_more_until_it_fits(tmp_path, enough):
    course = Course(tmp_path, enough)
    course.realised()
    assert [request.memory_saving_level for request in course.requests] == list(range(enough + 1))
    assert len({request.work for request in course.requests}) == 1
    warnings = [event.message for event in course.events if isinstance(event, Warned)]
    assert len(warnings) == enough
    assert all("; trying again, saving memory (" in warning for warning in warnings)


def test_it_gives_up_when_there_is_nothing_left_to_save(tmp_path):
    course = Course(tmp_path, 9)
    with pytest.raises(OutOfMemory):
        course.realised()
    assert len(course.requests) == 3


def test_a_budget_that_cannot_be_met_is_not_tried_again(tmp_path):
    course = Course(tmp_path, 9, StageBudgetTooSmall)
    with pytest.raises(BudgetTooSmall, match="memory did not suffice"):
        course.realised()
    assert len(course.requests) == 1


def test_other_stages_have_nothing_to_save(tmp_path):
    course = Course(tmp_path, 9)
    with pytest.raises(OutOfMemory):
        course.realised("export")
    assert len(course.requests) == 1


def test_the_program_is_told_how_to_feed_and_to_save_and_what_it_says_is_heard(tmp_path):
    course = Course(tmp_path, 0)
    course.realised()
    (request,) = course.requests
    assert (request.workers, request.checkpoint_s, request.device_memory_bytes) == (3, 90.0, 2**30)
    assert Noted("train/errnet2019", "the largest step needs 7.0 GiB") in course.events

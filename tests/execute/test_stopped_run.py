"""What a stopped run says in the end: in one line, without calling anything a fault that is none."""

from orchestrator.errors import Cancelled, NotStarted, StageFailed
from orchestrator.execute.run import RunResult


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

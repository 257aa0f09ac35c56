import pytest

from orchestrator.engine.protocol import Outcome
from orchestrator.errors import (
    Cancelled,
    DeviceUnavailable,
    InfraFailure,
    InputInvalid,
    NoSpace,
    OutOfMemory,
    StageFailed,
    Timeout,
)
from orchestrator.execute.classify import SIGNATURES, classify
from stagekit import Failure


def judged(code, *, oom=False, failure=None, stopped=False, timed_out=False, saved=False, error=None, tail=()):
    outcome = Outcome(code, oom, 0.0, 1.0, error)
    return classify(outcome, failure, stopped_by_us=stopped, timed_out=timed_out, saved=saved, log_tail=tail)


BAD = Failure("BadInput", "the picture is 3 pixels wide", "take a larger one")
MEMORY = Failure("OutOfMemory", "memory did not suffice: CUDA")
FULL = Failure("StageFailed", "no space left on the store's disk: [Errno 28]", "free some space and run again")


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        pytest.param(judged(10, failure=BAD), InputInvalid, id="bad-input"),
        pytest.param(judged(11, failure=MEMORY), OutOfMemory, id="program-says-memory"),
        pytest.param(judged(137, oom=True), OutOfMemory, id="killed-with-flag-is-a-finding"),
        pytest.param(judged(1, oom=True), OutOfMemory, id="child-killed-and-parent-failed"),
        pytest.param(judged(137), StageFailed, id="killed-without-flag-is-a-suspicion"),
        pytest.param(judged(137, stopped=True), Cancelled, id="killed-by-us"),
        pytest.param(judged(137, oom=True, stopped=True), Cancelled, id="flag-while-we-stop"),
        pytest.param(judged(12, stopped=True), Cancelled, id="interrupted-by-us"),
        pytest.param(judged(143, stopped=True), Cancelled, id="stopped-before-it-listened"),
        pytest.param(judged(12), InfraFailure, id="interrupted-by-others-resumes"),
        pytest.param(judged(12, timed_out=True), Timeout, id="too-long-and-saved"),
        pytest.param(judged(137, timed_out=True), Timeout, id="too-long-and-killed"),
        pytest.param(judged(1), StageFailed, id="no-reason-given"),
        pytest.param(judged(139), StageFailed, id="segmentation-fault"),
        pytest.param(judged(1, failure=FULL), NoSpace, id="disk-full"),
        pytest.param(judged(None), InfraFailure, id="lost"),
        pytest.param(judged(None, stopped=True), Cancelled, id="lost-while-we-stop"),
        pytest.param(
            judged(None, error="could not select device driver"), DeviceUnavailable, id="engine-s-own-message"
        ),
    ],
)
def test_classify_names_the_class(verdict, expected):
    assert type(verdict.error) is expected
    assert verdict.warnings == ()


@pytest.mark.parametrize("end", [{"stopped": True}, {"timed_out": True}], ids=str)
@pytest.mark.parametrize("code", [12, 137, 143, None])
def test_a_checkpoint_is_hinted_at_only_where_there_is_one(code, end):
    with_one, without = judged(code, **end, saved=True).error, judged(code, **end).error
    assert "continues from the last checkpoint" in with_one.hint
    assert "checkpoint" not in without.hint
    if end.get("stopped"):
        assert ("has saved where it was" in with_one.message) == (code == 12)
        assert without.message == "the stage was stopped"


@pytest.mark.parametrize("code", [12, None])
@pytest.mark.parametrize("saved", [True, False])
def test_of_a_stage_that_others_ended_only_what_it_said_is_believed(code, saved):
    error = judged(code, saved=saved).error
    assert ("saved where it was" in error.message) == (saved and code == 12)
    assert ("last checkpoint" in error.hint) == saved
    assert error.hint.startswith("run the same command again")


def test_classify_keeps_the_program_s_words():
    error = judged(10, failure=BAD).error
    assert (error.message, error.hint) == ("the picture is 3 pixels wide", "take a larger one")


@pytest.mark.parametrize("ended_by", [{}, {"stopped": True}, {"timed_out": True}])
def test_classify_complete_result_stays_one(ended_by):
    verdict = judged(0, **ended_by)
    assert (verdict.error, verdict.warnings) == (None, ())


def test_classify_result_after_a_child_was_killed_carries_a_warning():
    verdict = judged(0, oom=True)
    assert verdict.error is None
    assert "memory limit" in verdict.warnings[0]


def test_classify_words_a_guess_as_a_guess():
    assert "may have" in judged(137).error.message
    assert "may" not in judged(137, oom=True).error.message


def test_classify_logs_hint_and_never_decide():
    tail = ["RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"]
    error = judged(1, tail=tail).error
    assert type(error) is StageFailed
    assert "probably" in error.hint
    assert judged(10, failure=BAD, tail=tail).error.hint == BAD.hint


SEEN = {
    "cuda out of memory": (
        "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 15.78 GiB total capacity)",
        "GPU's memory probably did not suffice: reduce the crop, batch or tile size",
    ),
    "cuda_error_out_of_memory": (
        "failed to allocate 14.62G (15703080960 bytes) from device: CUDA_ERROR_OUT_OF_MEMORY: out of memory",
        "GPU's memory probably did not suffice",
    ),
    "resourceexhaustederror": (
        "tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor with shape[1,64]",
        "GPU's memory probably did not suffice",
    ),
    "bus error": ("Bus error (core dumped)", "shared memory probably did not suffice"),
    "dataloader worker": (
        "RuntimeError: DataLoader worker (pid 4711) is killed by signal: Killed.",
        "a worker process died",
    ),
    "no kernel image is available": (
        "RuntimeError: CUDA error: no kernel image is available for execution on the device",
        "newer than the image's framework: write device: cpu",
    ),
    "nvml: unknown error": ("Failed to initialize NVML: Unknown Error", "the container lost its GPU"),
    "cannot allocate memory": ("OSError: [Errno 12] Cannot allocate memory", "raise the experiment's memory"),
}
"""For each signature a line as programs write it, and words of the hint that helps there."""


@pytest.mark.parametrize(("line", "words"), SEEN.values(), ids=SEEN)
def test_classify_hints_at_the_cause_of_lines_that_programs_write(line, words):
    assert words in judged(1, tail=["before", line, "after"]).error.hint


def test_each_signature_has_a_line_that_shows_it():
    assert {row.fragment for row in SIGNATURES} == set(SEEN)

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import stagekit
from stagekit import (
    BadInput,
    Checkpoint,
    ExitCode,
    Failure,
    Note,
    Progress,
    StageRequest,
    WarningMessage,
    decode,
    encode,
)

REQUEST = dataclasses.asdict(StageRequest("train/x", "train", {"a": 1}, {"data": "/d"}, "/o", "/w", "/f"))
finite = st.floats(allow_nan=False, allow_infinity=False)
messages = st.one_of(
    st.builds(Progress, finite, finite, st.text(), st.dictionaries(st.text(), finite, max_size=3)),
    st.builds(Checkpoint, st.text(), finite),
    st.builds(WarningMessage, st.text()),
    st.builds(Note, st.text()),
    st.builds(Failure, st.text(), st.text(), st.none() | st.text()),
)


@given(messages)
def test_message_survives_the_way_through_a_line(message):
    line = encode(message)
    assert "\n" not in line
    assert decode(line) == message


def test_scalar_that_is_not_finite_survives():
    message = decode(encode(Progress(1, 2, "steps", {"loss": math.nan})))
    assert isinstance(message, Progress)
    assert math.isnan(message.metrics["loss"])


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("epoch 3 loss 0.2", id="log"),
        pytest.param("", id="empty"),
        pytest.param('{"a": 1}', id="other-json"),
        pytest.param('{"sirr": "progress"', id="cut-short"),
        pytest.param('{"sirr": "unknown"}', id="unknown-kind"),
        pytest.param('{"sirr": "warning", "other": 1}', id="unknown-field"),
        pytest.param('{"sirr": ["warning"]}', id="kind-is-a-list"),
        pytest.param('{"sirr": "warning", "message": 7}', id="text-is-a-number"),
        pytest.param(
            '{"sirr": "progress", "done": "1", "total": 2, "unit": "s", "metrics": {}}', id="number-is-a-text"
        ),
        pytest.param('{"sirr": "progress", "done": 1e999, "total": 2, "unit": "s", "metrics": {}}', id="endless"),
        pytest.param('{"sirr": "progress", "done": 1' + "0" * 400 + ', "total": 2, "unit": ""}', id="large"),
        pytest.param('{"sirr": "progress", "done": 1, "total": 2, "unit": "", "metrics": {"a": "1"}}', id="scalar"),
        pytest.param('{"sirr": ' + "[" * 50_000, id="nested"),
    ],
)
def test_line_that_is_no_message_is_log(line):
    assert decode(line) is None


def test_halves_of_characters_in_a_message_are_replaced():
    assert decode('{"sirr": "note", "message": "a \\ud800 b"}') == Note("a \ufffd b")


def test_request_survives_the_way_through_a_file(tmp_path):
    request = StageRequest("train/x", "train", {"a": [1, 2.5]}, {"data": "/inputs/data"}, "/o", "/w", "/f", seed=7)
    path = str(tmp_path / "stage.json")
    request.save(path)
    assert StageRequest.load(path) == request


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="no-json"),
        pytest.param('{"stage": "x"}', id="missing-fields"),
        pytest.param(
            json.dumps(
                {"stage": "x", "kind": "k", "settings": {}, "inputs": {}, "output": "", "work": "", "schema": 99}
            ),
            id="other-schema",
        ),
        pytest.param("[" * 50_000, id="nested"),
        pytest.param(json.dumps({**REQUEST, "inputs": 7}), id="inputs-are-a-number"),
        pytest.param(json.dumps({**REQUEST, "inputs": {"data": 7}}), id="input-is-a-number"),
        pytest.param(json.dumps({**REQUEST, "settings": []}), id="settings-are-a-list"),
        pytest.param(json.dumps({**REQUEST, "memory_bytes": "4GiB"}), id="memory-is-a-text"),
        pytest.param(json.dumps({**REQUEST, "checkpoint_s": float("inf")}), id="endless"),
        pytest.param(json.dumps({**REQUEST, "seed": True}), id="seed-is-true"),
    ],
)
def test_request_that_cannot_be_read_is_bad_input(tmp_path, text):
    path = tmp_path / "stage.json"
    path.write_text(text)
    with pytest.raises(BadInput):
        StageRequest.load(str(path))


def test_request_of_another_version_says_that_the_image_must_be_rebuilt(tmp_path):
    path = tmp_path / "stage.json"
    path.write_text(json.dumps({"schema": 1, "stage": "x", "lean": 0}))
    with pytest.raises(BadInput, match="has schema 1, this image reads 2") as caught:
        StageRequest.load(str(path))
    assert "rebuild the image" in caught.value.hint


PROGRAM = """
import errno, sys, time
from stagekit import BadInput, run_program

def fails(context): raise ValueError("odd")
def bad(context): raise BadInput("no pictures", "add some")
def memory(context): raise MemoryError()
def space(context): raise OSError(errno.ENOSPC, "No space left on device")
def good(context):
    with open(context.output("result.txt"), "w") as stream: stream.write(str(context.setting("value")))
def waits(context):
    context.progress(0, 1, "steps")
    while not context.stop_requested: time.sleep(0.01)
    context.checkpoint("checkpoint", 0)
    context.interrupt()

sys.exit(run_program({"fails": fails, "bad": bad, "memory": memory, "space": space, "good": good, "waits": waits}))
"""


@pytest.fixture
def started(tmp_path):
    """Start the program above with a stage of the given kind."""

    def start(kind):
        request = StageRequest.below(str(tmp_path), "stage", kind, {"value": 3}, {})
        request.save(str(tmp_path / "stage.json"))
        environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(stagekit.__file__))}
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "stage.json")],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    return start


@pytest.mark.parametrize(
    ("kind", "code", "failure"),
    [
        pytest.param("good", ExitCode.DONE, None, id="done"),
        pytest.param("fails", ExitCode.FAILED, "StageFailed", id="exception"),
        pytest.param("bad", ExitCode.BAD_INPUT, "BadInput", id="bad-input"),
        pytest.param("memory", ExitCode.OUT_OF_MEMORY, "OutOfMemory", id="memory"),
        pytest.param("space", ExitCode.FAILED, "StageFailed", id="no-space"),
        pytest.param("other", ExitCode.BAD_INPUT, "BadInput", id="unknown-kind"),
    ],
)
def test_program_ends_with_the_code_of_its_failure(started, kind, code, failure):
    with started(kind) as process:
        lines = process.stdout.read().splitlines()
    assert process.returncode == code
    said = [decode(line) for line in lines]
    assert [message.failure_class for message in said if isinstance(message, Failure)] == ([failure] if failure else [])


def test_sigterm_ends_a_program_as_interrupted_with_its_checkpoint(started):
    with started("waits") as process:
        assert isinstance(decode(process.stdout.readline()), Progress)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        rest = [decode(line) for line in process.stdout.read().splitlines()]
    assert process.returncode == ExitCode.INTERRUPTED
    assert time.monotonic() - began < 10
    assert isinstance(rest[0], Checkpoint)


def test_killed_writer_leaves_the_file_as_it_was(tmp_path):
    path = str(tmp_path / "file")
    with stagekit.write_atomically(path, "w") as stream:
        stream.write("first")
    with pytest.raises(RuntimeError), stagekit.write_atomically(path, "w") as stream:
        stream.write("second")
        raise RuntimeError
    assert (tmp_path / "file").read_text() == "first"
    assert os.listdir(tmp_path) == ["file"]

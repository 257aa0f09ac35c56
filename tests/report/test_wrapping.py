"""Networks of ONNX files in a report: file, hash, and what was put around them, wherever a network is told."""

import json
from dataclasses import replace
from html import unescape
from pathlib import Path
from re import sub
from typing import Any

import jsonschema
import pytest

from orchestrator.report.content import Export, ReportContent
from orchestrator.report.machine.record import schema
from orchestrator.report.render import render_report
from orchestrator.report.training_content import Wrapped, WrappedRange
from orchestrator.report.views.wrapping import wrapping_steps
from tests.report.hostile_sample import HOSTILE

ONE = WrappedRange((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
WRAPPED = Wrapped(
    file="mine.onnx",
    digests={"mine.onnx": "5a" * 32, "mine.data": "6b" * 32},
    source="a paper",
    parameters=1234,
    opset=9,
    input="x",
    outputs={"transmission": "y"},
    values="float32",
    taken=ONE,
    answered=ONE,
    channels="rgb",
    multiple_of=1,
    residual="",
    free_size=False,
)


def changed(content: ReportContent, wrapped: Wrapped) -> ReportContent:
    first, *others = content.models
    entrant = replace(
        first,
        title="Mine",
        overrides=(),
        training=wrapped,
        validation=None,
        export=Export(9, "its file", 1e-5, 2e-7, 2),
    )
    return replace(content, models=(entrant, *others))


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({}, ("takes any size, without padding", "channels RGB", "takes values from 0 to 1")),
        (
            {"multiple_of": 8, "channels": "bgr", "values": "float16"},
            (
                "height and width are padded to multiples of 8 by repeating the edge, and cropped again",
                "channels BGR",
                "takes values from 0 to 1, as float16",
            ),
        ),
        (
            {"taken": WrappedRange((2.0,) * 3, (-1.0,) * 3), "residual": "subtract"},
            (
                "takes any size, without padding",
                "channels RGB",
                "takes values from -1 to 1",
                "the answer is the picture minus what the network answers",
            ),
        ),
        (
            {"channels": "each", "further_channels": (0.06, 1.0)},
            (
                "takes any size, without padding",
                "takes one channel: red, green and blue go through it one after the other",
                "takes values from 0 to 1",
                "its further channels hold 0.06, 1 everywhere",
            ),
        ),
        (
            {"taken": WrappedRange((4.0, 4.0, 5.0), (-2.0, -2.0, -2.5)), "free_size": True},
            (
                "takes any size, without padding",
                "channels RGB",
                "takes values less a mean of 0.5, 0.5, 0.5, divided by 0.25, 0.25, 0.2",
                "answers values from 0 to 1",
                "the file is fixed to one size; the experiment says that its layers take any",
            ),
        ),
    ],
)
def test_what_was_put_around_a_network_is_told_step_by_step(changes: Any, steps: tuple[str, ...]) -> None:
    assert wrapping_steps(replace(WRAPPED, **changes)) == steps


def test_pages_and_files_tell_the_file_its_hash_and_its_wrapping(plausible: ReportContent, tmp_path: Path) -> None:
    wrapped = replace(WRAPPED, multiple_of=8, channels="bgr")
    index = render_report(changed(plausible, wrapped), tmp_path)

    def text(page: str) -> str:
        return " ".join(unescape(sub("<[^>]+>", " ", (index.parent / page).read_text(encoding="utf-8"))).split())

    row = f"Mine {plausible.models[0].label} "
    assert row in text("index.html")
    assert (
        "1,234 an ONNX file, mine.onnx (5a5a5a5a5a5a): height and width are padded to multiples of 8 by repeating the "
        "edge, and cropped again; channels BGR; takes values from 0 to 1 — — 2e-7" in text("index.html")
    )
    assert f"file mine.data, SHA-256 {'6b' * 32}" in text("provenance.html")
    assert "an ONNX file, not trained here: mine.onnx" in text("training.html")
    record = json.loads((index.parent / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(record, schema())
    weights = record["models"][0]["weights"]
    assert (weights["kind"], weights["file"], weights["multiple_of"]) == ("onnx", "mine.onnx", 8)
    assert weights["taken"] == {"scale": [1, 1, 1], "shift": [0, 0, 0]}


def test_names_out_of_files_are_text(plausible: ReportContent, tmp_path: Path) -> None:
    hostile = replace(
        WRAPPED, file=HOSTILE, digests={HOSTILE: "5a" * 32}, input=HOSTILE, outputs={"transmission": HOSTILE}
    )
    index = render_report(changed(plausible, replace(hostile, source=HOSTILE)), tmp_path)
    for page in index.parent.glob("*.html"):
        assert HOSTILE not in page.read_text(encoding="utf-8")

"""Pictures that are trained on and tested on stand on top of the report, with why that was accepted."""

import json
from dataclasses import replace

import pytest

from orchestrator.errors import OutputInvalid
from orchestrator.report.artifacts import read_overlap
from orchestrator.report.content import NotMeasured
from orchestrator.report.overlap_content import Overlap, OverlapPair
from orchestrator.report.render import render_report
from orchestrator.report.views.header import alerts
from orchestrator.report.views.overlap import overlap_words
from tests.report.report_sample import comparison

PAIR = OverlapPair("real-train 77", "real-test 58", "same pixels", "blended = blended")
REASON = "the published split has this pair on both sides"

FOUND = {
    "train_dataset": "real-train",
    "train_scene": "77",
    "test_dataset": "real-test",
    "test_scene": "58",
    "kind": "near-duplicate",
    "layers": ["blended = blended", "transmission = transmission"],
    "correlation": 0.873,
}
FILE = {
    "action": "accept",
    "train": {"real": {"name": "real-train", "pictures": 178}},
    "test": [{"name": "real-test", "pictures": 40}, {"name": "photos", "pictures": 3}],
    "overlaps": [FOUND],
    "dropped": {"real": []},
}


@pytest.fixture
def sample(tmp_path):
    return comparison(tmp_path / "sample", height=24, width=32)


def test_file_is_read_with_what_was_compared(tmp_path):
    (tmp_path / "overlap.json").write_text(json.dumps(FILE))
    overlap = read_overlap(tmp_path, reason=REASON)
    assert (overlap.trained, overlap.tested, overlap.reason) == (178, 43, REASON)
    assert overlap.pairs == (
        OverlapPair(
            "real-train 77",
            "real-test 58",
            "near-duplicate, correlation 0.87",
            "blended = blended, transmission = transmission",
        ),
    )


def test_file_that_is_not_as_declared_is_refused(tmp_path):
    (tmp_path / "overlap.json").write_text(json.dumps({**FILE, "overlaps": [{**FOUND, "kind": "perhaps"}]}))
    with pytest.raises(OutputInvalid, match="kind"):
        read_overlap(tmp_path)


@pytest.mark.slow
def test_accepted_overlap_and_its_reason_stand_on_every_page(sample, tmp_path):
    render_report(replace(sample, overlap=Overlap("accept", REASON, 178, 40, (PAIR,))), tmp_path / "out")
    for page in (tmp_path / "out").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "1 training picture also tested on" in text
        assert REASON in text
    provenance = (tmp_path / "out" / "provenance.html").read_text(encoding="utf-8")
    assert "real-train 77" in provenance
    assert "real-test 58" in provenance


def test_dropped_pictures_stand_on_top(sample):
    found = alerts(replace(sample, overlap=Overlap("drop", "", 178, 40, (PAIR,))))
    assert any(alert.text == "1 training picture left out of the training" for alert in found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overlap", "said"),
    [
        (Overlap("stop", "", 178, 1, ()), "178 pictures trained on and 1 picture tested on were compared"),
        (NotMeasured("overlap failed"), "were not compared: overlap failed"),
        (None, "Nothing was trained here"),
    ],
)
def test_comparison_without_pairs_says_what_was_done_and_raises_no_alarm(sample, overlap, said):
    assert said in overlap_words(overlap)
    assert not [alert for alert in alerts(replace(sample, overlap=overlap)) if "tested on" in alert.text]


@pytest.mark.slow
def test_variant_of_a_published_set_stands_in_the_provenance(sample, tmp_path):
    first, *others = sample.datasets
    variant = "55 scenes, 400 x 540: with ground truth (IBCLN#1)"
    render_report(replace(sample, datasets=(replace(first, variant=variant), *others)), tmp_path / "out")
    assert variant in (tmp_path / "out" / "provenance.html").read_text(encoding="utf-8")

"""Scores of single pictures, and costs, as scripts get them: every value as it is, every gap with its reason."""

import math
from dataclasses import replace

import pytest

from orchestrator.report.content import NotMeasured, Predictions, ReportContent, Result
from orchestrator.report.views.cost import cost_view, peak_gibibytes, seconds_per_megapixel
from orchestrator.report.views.measures import measures, plain_values, scored_entrants
from orchestrator.spec.protocol import ProtocolMetric


def of(content: ReportContent, label: str) -> Predictions:
    found = next(one.predictions for one in content.results if (one.label, one.dataset) == (label, "skimage-test"))
    assert isinstance(found, Predictions)
    return found


def without(content: ReportContent, label: str, why: str) -> ReportContent:
    gone = NotMeasured(why)
    results = tuple(
        Result(one.label, one.dataset, gone, dict.fromkeys(one.scores, gone)) if one.label == label else one
        for one in content.results
    )
    return replace(content, results=results)


def test_values_are_by_entrant_and_picture_and_infinity_is_a_word(plausible: ReportContent) -> None:
    dataset = plausible.datasets[0]
    psnr = measures(plausible, dataset)[0]
    values = plain_values(plausible, dataset, psnr)
    assert [len(one) for one in values] == [4] * 5
    assert values[0][0] == pytest.approx(26 - 14 * 0.55)
    assert values[3][0] == pytest.approx(26 - 14 * 0.45)
    assert values[4] == ["inf"] * 4


def test_other_protocols_stand_beside_and_faulty_ones_do_not(plausible: ReportContent) -> None:
    dataset = plausible.datasets[0]
    found = {measure.key: measure for measure in measures(plausible, dataset)}
    assert list(found)[:3] == ["psnr", "ssim", "lpips"]
    assert {"errnet2019-psnr", "errnet2019-ncc"} < set(found)
    assert not any("course2024" in key for key in found)
    assert found["errnet2019-psnr"].label == "PSNR, errnet2019 (dB)"
    assert plain_values(plausible, dataset, found["errnet2019-ncc"])[0][0] == pytest.approx(1 - 0.55 / 10)


def test_missing_values_carry_their_reason(plausible: ReportContent) -> None:
    two = (ProtocolMetric("psnr", "as measured"), ProtocolMetric("ncc", "never measured"))
    protocols = (replace(plausible.protocols[0], metrics=two),)
    content = replace(without(plausible, "errnet2019", "it failed"), protocols=protocols)
    dataset = content.datasets[0]
    psnr, ncc = measures(content, dataset)
    assert plain_values(content, dataset, psnr)[1] == [["not measured: it failed"]] * 4
    assert plain_values(content, dataset, ncc)[0] == [["not measured: the evaluation has no such metric"]] * 4
    more = replace(dataset, items=(*dataset.items, replace(dataset.items[0], id="new")))
    assert plain_values(content, more, psnr)[0][-1] == ["not measured: the picture was not scored"]
    assert [one.label for one in scored_entrants(content, dataset)] == ["zhang2018", "ibcln2020", "input", "truth"]


def test_photographs_have_no_measures(plausible: ReportContent) -> None:
    assert measures(plausible, plausible.datasets[1]) == ()


def test_seconds_are_over_all_pixels_and_memory_is_the_most(plausible: ReportContent) -> None:
    found = of(plausible, "ibcln2020")
    sizes = [(100, 200), (300, 400), (10, 30), (7, 11)]
    items = tuple(
        replace(item, height=height, width=width, seconds=index + 1.0, peak_bytes=2**30 * index or None)
        for index, (item, (height, width)) in enumerate(zip(found.items, sizes, strict=True))
    )
    given = replace(found, items=items)
    assert seconds_per_megapixel(given) == pytest.approx(10 / (math.fsum(a * b for a, b in sizes) / 1e6))
    assert peak_gibibytes(given) == 3
    assert peak_gibibytes(replace(found, items=tuple(replace(item, peak_bytes=None) for item in items))) is None
    assert seconds_per_megapixel(replace(found, items=())) is None


def test_cost_leaves_out_what_was_not_measured(plausible: ReportContent) -> None:
    view = cost_view(without(plausible, "errnet2019", "it failed"), "plotly.js")
    assert view is not None
    assert [choice.text for choice in view.datasets] == ["Held-out scenes"]
    assert [choice.key for choice in view.costs] == ["seconds", "memory"]
    shown = view.figures["datasets"][0]
    assert shown["costs"]["seconds"][1] is None
    assert shown["metrics"][0]["means"][1] is None
    assert shown["metrics"][0]["means"][0] == pytest.approx(26 - 14 * 0.595)
    assert shown["metrics"][0]["unchanged"] == pytest.approx(26 - 14 * 0.495)


def test_report_without_any_answer_has_no_cost(plausible: ReportContent) -> None:
    content = plausible
    for label in ("zhang2018", "errnet2019", "ibcln2020"):
        content = without(content, label, "it failed")
    assert cost_view(content, "plotly.js") is None

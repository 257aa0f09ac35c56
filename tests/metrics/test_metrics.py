"""What metrics say of identical, opposite, small and flat pictures, and how scores are written."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.metrics import course2024, errnet2019, standard
from orchestrator.metrics.perceptual import feature_shapes
from orchestrator.metrics.protocol import asked_protocol, chosen_metrics, function_of
from orchestrator.metrics.score import defined_score
from stagekit import BadInput
from stagekit.measures import PROTOCOLS, Metric, metric_named
from stagekit.results.scores import NotMeasured
from tests.metrics.conftest import picture

FUNCTIONS = [
    pytest.param(metric, id=f"{protocol.name}-{metric.name}")
    for protocol in PROTOCOLS.values()
    for metric in protocol.metrics
    if not metric.features
]


@pytest.mark.parametrize("metric", FUNCTIONS)
def test_identical_pictures_score_as_the_table_says(metric: Metric) -> None:
    truth = picture("truth", 165, 170)
    assert function_of(metric)(truth.copy(), truth) == pytest.approx(metric.scale.identical, abs=1e-12)


def test_psnr_of_black_against_white_is_zero() -> None:
    black, white = np.zeros((4, 5, 3), np.uint8), np.full((4, 5, 3), 255, np.uint8)
    assert standard.psnr(black, white) == 0
    assert standard.psnr(white, black) == 0


@given(st.integers(1, 255))
def test_psnr_counts_differences_beyond_eight_bits(levels: int) -> None:
    black = np.zeros((3, 4, 3), np.uint8)
    expected = 20 * math.log10(255 / levels)
    assert standard.psnr(black + np.uint8(levels), black) == pytest.approx(expected, abs=1e-9)


def test_psnr_is_of_the_mean_over_all_channels() -> None:
    truth = np.zeros((4, 5, 3), np.uint8)
    prediction = truth.copy()
    prediction[..., 1] = 30
    assert standard.psnr(prediction, truth) == pytest.approx(10 * math.log10(255**2 / 300))
    assert errnet2019.psnr(prediction, truth) == math.inf


def test_course2024_takes_a_difference_of_sixteen_levels_for_none() -> None:
    truth, prediction = np.full((12, 12, 3), 100, np.uint8), np.full((12, 12, 3), 116, np.uint8)
    assert course2024.psnr(prediction, truth) == math.inf
    assert course2024.psnr_without_wraparound(prediction, truth) == pytest.approx(20 * math.log10(255 / 16))


@pytest.mark.parametrize(
    ("metric", "side"), [(standard.ssim, 11), (errnet2019.ssim, 7), (course2024.ssim, 11), (errnet2019.lmse, 20)]
)
def test_pictures_smaller_than_the_window_are_not_measured(metric: Any, side: int) -> None:
    assert isinstance(metric(picture("a", side, side), picture("b", side, side)), float)
    for height, width in ((side - 1, 40), (40, side - 1)):
        score = metric(picture("a", height, width), picture("b", height, width))
        assert isinstance(score, NotMeasured)
        assert f"{height} x {width} pixels are less than" in score.not_measured
        assert f"({side} x {side})" in score.not_measured


def test_flat_pictures_have_no_correlation_and_black_truth_no_lmse() -> None:
    flat = np.zeros((24, 24, 3), np.uint8)
    assert isinstance(errnet2019.ncc(flat, picture("a", 24, 24)), NotMeasured)
    assert isinstance(errnet2019.lmse(picture("a", 24, 24), flat), NotMeasured)
    assert errnet2019.lmse(flat, picture("a", 24, 24)) == 1


@pytest.mark.parametrize(
    ("score", "plain"),
    [
        pytest.param(21.5, 21.5, id="number"),
        pytest.param(np.float64(21.5), 21.5, id="numpy-number"),
        pytest.param(math.inf, math.inf, id="infinite"),
        pytest.param(math.nan, NotMeasured("undefined for this picture"), id="undefined"),
        pytest.param(NotMeasured("too small"), NotMeasured("too small"), id="not-measured"),
    ],
)
def test_scores_as_files_hold_them(score: Any, plain: Any) -> None:
    assert defined_score(score) == plain
    assert type(defined_score(score)) is type(plain)


@pytest.mark.parametrize("metric", [metric for protocol in PROTOCOLS.values() for metric in protocol.metrics])
def test_every_metric_of_the_table_has_its_function_and_the_scale_of_its_name(metric: Metric) -> None:
    assert callable(function_of(metric))
    scale = metric_named(metric.name).scale
    assert replace(metric.scale, identical=scale.identical) == scale


def test_metrics_come_in_the_given_order() -> None:
    assert [metric.name for metric in chosen_metrics(PROTOCOLS["standard"], ["lpips", "ssim"])] == ["lpips", "ssim"]


@pytest.mark.parametrize(
    ("protocol", "names", "message"),
    [
        ("errnet", ["psnr"], "no protocol 'errnet'; there are standard, errnet2019, windowseat2025"),
        ("course2024", ["psnr", "lmse"], "'course2024' has no metric lmse; it has psnr, psnr_grey"),
        ("errnet2019", ["lpips"], "'errnet2019' has no metric lpips"),
    ],
)
def test_unknown_protocols_and_metrics_are_refused(protocol: str, names: list[str], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        chosen_metrics(asked_protocol(protocol, 1, {}), names)
    assert message in caught.value.message


def test_another_version_of_a_protocol_is_refused() -> None:
    with pytest.raises(BadInput, match="'standard' is asked for in version 2; here it is in version 1"):
        asked_protocol("standard", 2, {})


COMPOSED = {"border": 3, "floats": True, "entries": {"ssim": "errnet2019.ssim", "psnr": "standard.psnr"}}


def test_a_protocol_of_a_plugin_is_made_of_the_metrics_that_settings_name() -> None:
    found = asked_protocol("own2026", 4, COMPOSED)
    assert (found.name, found.version, found.border, found.floats) == ("own2026", 4, 3, True)
    assert found.metrics == (PROTOCOLS["errnet2019"].metric("ssim"), PROTOCOLS["standard"].metric("psnr"))
    with pytest.raises(BadInput, match=r"names the metric 'standard\.beauty', which is not here"):
        asked_protocol("own2026", 4, {**COMPOSED, "entries": {"beauty": "standard.beauty"}})


def test_feature_shapes_are_those_of_alexnet() -> None:
    shapes = feature_shapes()
    assert len(shapes) == 10
    assert sum(math.prod(shape) for shape in shapes.values()) == 2_469_696

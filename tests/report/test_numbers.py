"""Numbers as text: golden values, and promises of the rounding."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.report import numbers

PSNR, SSIM, LPIPS = (numbers.metric_format(name) for name in ("psnr", "ssim", "lpips"))


@pytest.mark.parametrize(
    ("value", "metric", "among", "text"),
    [
        pytest.param(22.574, PSNR, [], "22.57", id="psnr-hundredths"),
        pytest.param(math.inf, PSNR, [], "∞ (identical)", id="psnr-identical"),
        pytest.param(0.87654, SSIM, [], "0.8765", id="ssim-four-decimals"),
        pytest.param(1.0, SSIM, [], "1.0000", id="ssim-perfect"),
        pytest.param(0.99996, SSIM, [], ">0.9999", id="ssim-nearly-perfect"),
        pytest.param(0.00004, LPIPS, [], "<0.0001", id="lpips-nearly-perfect"),
        pytest.param(0.0, LPIPS, [], "0.0000", id="lpips-perfect"),
        pytest.param(-0.00001, SSIM, [], "0.0000", id="no-negative-zero"),
        pytest.param(22.571, PSNR, [22.572, 22.571], "22.571", id="no-false-tie"),
        pytest.param(0.99996, SSIM, [0.99998], "0.99996", id="no-false-tie-near-perfection"),
        pytest.param(0.5, SSIM, [0.5], "0.5000", id="true-tie"),
        pytest.param(0.5, SSIM, [0.5 + 1e-14], "0.5000", id="noise-is-a-tie"),
    ],
)
def test_score_text(value: float, metric: numbers.MetricFormat, among: list[float], text: str) -> None:
    assert numbers.score(value, metric, among) == text


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from([SSIM, LPIPS, PSNR]))
def test_different_scores_never_print_alike(first: float, second: float, metric: numbers.MetricFormat) -> None:
    alike = numbers.score(first, metric, [first, second]) == numbers.score(second, metric, [first, second])
    assert alike == numbers.same(first, second)


@given(st.floats(0, 1))
def test_only_a_perfect_score_prints_as_perfect(value: float) -> None:
    assert (numbers.score(value, SSIM) == "1.0000") == numbers.same(value, 1.0)
    assert (numbers.score(value, LPIPS) == "0.0000") == numbers.same(value, 0.0)


def test_mean_is_of_the_finite_scores_and_says_where_there_are_none() -> None:
    assert numbers.mean(21.0, 1, PSNR) == "21.00"
    assert numbers.mean(None, 2, PSNR) == "∞ (identical)"
    assert numbers.mean(None, 0, PSNR) == "not measured: no picture was scored"


@given(st.floats(0, 50), st.floats(0, 50))
def test_interval_is_rounded_outwards(first: float, second: float) -> None:
    low, high = sorted((first, second))
    high += 0.001
    said = [float(text) for text in numbers.interval(low, high, PSNR).split(" to ")]
    assert low - 0.0100001 <= said[0] <= low + 1e-8
    assert high - 1e-8 <= said[1] <= high + 0.0100001
    assert numbers.interval(None, None, PSNR) == numbers.interval(low, low, PSNR) == ""


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "<0.0001"), (0.00012, "0.00012"), (0.049, "0.049"), (0.123, "0.12"), (1.0, "1.00")]
)
def test_p_value_is_never_zero(p: float, text: str) -> None:
    assert numbers.p_value(p) == text


def test_difference_has_a_sign_and_the_digits_of_what_was_printed() -> None:
    assert numbers.difference(0.256, PSNR) == "+0.26"
    assert numbers.difference(-0.0042, SSIM, "0.803") == "-0.004"
    assert numbers.difference(-0.0001, SSIM, "0.803") == "0.000"
    assert numbers.difference(0.0001, SSIM, "0.803") == "0.000"


def test_long_lists_are_cut_and_counted() -> None:
    assert numbers.some_of(["a", "b", "c"]) == "a, b, c"
    assert numbers.some_of(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.004, "<0.1 s"),
        (0.42, "0.4 s"),
        (9.96, "10 s"),
        (59.7, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.9, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_duration_text(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


def test_other_texts() -> None:
    assert numbers.count(1, "picture") == "1 picture"
    assert numbers.count(1234567, "parameter") == "1,234,567 parameters"
    assert numbers.moment(0) == "1970-01-01 00:00:00 UTC"
    assert numbers.significant(0.00005) == "5e-5"
    assert numbers.significant(2.2389) == "2.24"
    assert numbers.size(480, 640) == "640 \u00d7 480"
    assert numbers.not_measured("no truth") == "not measured: no truth"


def test_metric_without_a_known_direction_is_refused() -> None:
    with pytest.raises(KeyError, match="beauty"):
        numbers.metric_format("beauty")


def test_lpips_of_random_features_says_so_and_is_not_ranked():
    made = numbers.metric_format("lpips", "random")
    assert (made.title, made.ranked) == ("LPIPS, random features", False)
    assert numbers.metric_format("psnr", "random") == PSNR
    assert numbers.metric_format("lpips", "pretrained") == LPIPS

"""SSIM at the speed of reading is scikit-image's, to 1e-12; scores of floats are those of floats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from orchestrator.metrics import errnet2019, standard
from orchestrator.metrics.similarity import gaussian_ssim
from tests.metrics.conftest import picture

GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "win_size": 11}


def reference(prediction: np.ndarray, truth: np.ndarray) -> float:
    return float(structural_similarity(truth, prediction, channel_axis=2, data_range=255, **GAUSSIAN))


@pytest.mark.parametrize(("height", "width"), [(11, 11), (12, 75), (43, 42), (53, 32), (74, 101), (130, 11)])
def test_gaussian_ssim_is_that_of_scikit_image(height: int, width: int) -> None:
    truth, other = picture("truth", height, width), picture("other", height, width)
    near = np.clip(truth.astype(int) + (other.astype(int) - 128) // 9, 0, 255).astype(np.uint8)
    for prediction in (other, near, truth, 255 - truth):
        assert standard.ssim(prediction, truth) == pytest.approx(reference(prediction, truth), abs=1e-12)


@given(arrays(np.uint8, st.tuples(st.integers(11, 45), st.integers(11, 45), st.just(3))), st.integers(0, 255))
@settings(max_examples=40, deadline=None)
def test_gaussian_ssim_is_that_of_scikit_image_for_any_pixels(truth: np.ndarray, level: int) -> None:
    """Where a window is flat its variance is the difference of two squares of up to 65025, which leaves 1e-11 of it."""
    prediction = truth ^ np.uint8(level)
    assert standard.ssim(prediction, truth) == pytest.approx(reference(prediction, truth), abs=1e-11)


def test_gaussian_ssim_does_not_depend_on_where_strips_end() -> None:
    truth, prediction = picture("truth", 90, 77), picture("other", 90, 77)
    turned = gaussian_ssim(prediction[::-1, ::-1], truth[::-1, ::-1], 11, 1.5)
    across = gaussian_ssim(prediction.swapaxes(0, 1), truth.swapaxes(0, 1), 11, 1.5)
    expected = pytest.approx(gaussian_ssim(prediction, truth, 11, 1.5), abs=1e-12)
    assert turned == expected
    assert across == expected


@pytest.mark.parametrize(("height", "width"), [(40, 50), (129, 31), (257, 3)])
def test_psnr_is_that_of_scikit_image(height: int, width: int) -> None:
    truth, prediction = picture("truth", height, width), picture("other", height, width)
    expected = peak_signal_noise_ratio(truth.astype(float), prediction.astype(float), data_range=255)
    assert standard.psnr(prediction, truth) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["psnr", "ssim", "lmse", "ncc"])
def test_errnet2019_tells_floats_from_rounded_pictures(name: str) -> None:
    truth = picture("truth", 48, 61)
    floats = np.clip(truth + 0.4 * np.sin(np.arange(truth.size)).reshape(truth.shape), 0, 255)
    metric = getattr(errnet2019, name)
    assert metric(np.round(floats).astype(np.uint8), truth) == metric(truth, truth)
    assert metric(floats, truth) != metric(truth, truth)


def test_errnet2019_of_floats_is_taken_in_double_precision() -> None:
    truth, prediction = picture("truth", 48, 61), picture("other", 48, 61)
    assert errnet2019.ssim(prediction.astype(np.float32), truth) == errnet2019.ssim(prediction, truth)

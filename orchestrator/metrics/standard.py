"""The protocol `standard`: PSNR and SSIM of whole 8-bit RGB pictures; LPIPS, its third, is in `perceptual`."""

import numpy as np

from orchestrator.metrics.score import Score
from orchestrator.metrics.similarity import colour_ssim

PEAK = 255.0
"""Largest value of an 8-bit picture."""

SSIM_WINDOW = 11
"""Side of SSIM's window, in pixels."""

_SIGMA = 1.5


def psnr(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio over all values of all channels, in dB; inf for identical pictures.

    prediction, truth: uint8, (H, W, 3) or (H, W). The difference is taken in float64.
    """
    difference = prediction.astype(np.float64) - truth.astype(np.float64)
    return decibels(float(np.mean(difference**2)))


def decibels(mean_square: float) -> float:
    """Return the PSNR of a mean squared difference of 8-bit values; inf where it is 0."""
    return float("inf") if mean_square == 0 else float(10 * np.log10(PEAK**2 / mean_square))


def ssim(prediction: np.ndarray, truth: np.ndarray) -> Score:
    """Return the structural similarity, the mean over the channels; 1 for identical pictures.

    prediction, truth: uint8, (H, W, 3); not measured where a side is shorter than the window.

    Source: Wang et al. 2004: Gaussian window of 11 x 11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03.
    """
    return colour_ssim(prediction, truth, SSIM_WINDOW, _SIGMA)

"""The protocol `standard`: PSNR and SSIM of whole 8-bit RGB pictures; LPIPS, its third, is in `perceptual`."""

import math

import numpy as np

from orchestrator.metrics.similarity import PEAK, gaussian_ssim
from stagekit.results.scores import Score

SSIM_WINDOW = 11
"""Side of SSIM's window, in pixels."""

SSIM_SIGMA = 1.5
"""Of the weights in it, in pixels."""

_ROWS = 128


def psnr(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio over all values of all channels, in dB; inf for identical pictures.

    Args:
        prediction: (H, W, 3) or (H, W), 0 to 255. The difference is taken in float64.
        truth: (H, W, 3) or (H, W), 0 to 255. The difference is taken in float64.
    """
    return decibels(mean_square(prediction, truth))


def mean_square(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean squared difference over all values of all channels; see `psnr`."""
    squares = 0.0
    for top in range(0, len(truth), _ROWS):
        place = np.s_[top : top + _ROWS]
        difference = np.subtract(prediction[place], truth[place], dtype=np.float64).ravel()
        squares += float(difference @ difference)
    return squares / truth.size


def decibels(mean_square: float) -> float:
    """Return the PSNR of a mean squared difference of 8-bit values; inf where it is 0."""
    return math.inf if mean_square == 0 else 10 * math.log10(PEAK**2 / mean_square)


def ssim(prediction: np.ndarray, truth: np.ndarray) -> Score:
    """Return the structural similarity, the mean over the channels; 1 for identical pictures.

    Source: Wang et al. 2004: Gaussian window of 11 x 11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03.

    Args:
        prediction: uint8, (H, W, 3); not measured where a side is shorter than the window.
        truth: See `prediction`.
    """
    return gaussian_ssim(prediction, truth, SSIM_WINDOW, SSIM_SIGMA)

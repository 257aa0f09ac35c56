"""The protocol `ntire2026`: the scores as the program of the NTIRE 2026 challenge takes them, by pyiqa.

Source: evaluate.py of caijie0620/OpenRR-5k, which leaves out four pixels along each border; the package pyiqa. Pictures
here: uint8, (H, W, 3), RGB, without those borders.
"""

import math

import numpy as np

from orchestrator.metrics import standard
from orchestrator.metrics.similarity import PEAK, gaussian_ssim
from stagekit.results.scores import Score

EPSILON = 1e-8
"""What is added to the mean squared error of values from 0 to 1; so identical pictures score 80 dB."""


def psnr(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio over all values of all channels, in dB; 80 for identical pictures."""
    return -10 * math.log10(standard.mean_square(prediction, truth) / PEAK**2 + EPSILON)


def ssim(prediction: np.ndarray, truth: np.ndarray) -> Score:
    """Return the mean over the channels of SSIM in a Gaussian window, where no window counts as less than 0."""
    return gaussian_ssim(prediction, truth, standard.SSIM_WINDOW, standard.SSIM_SIGMA, nonnegative=True)

"""The protocol `course2024`: the grey-level formulas of the course project, kept to explain its numbers.

Never used to rank: its PSNR is wrong wherever a difference exceeds 15 levels (see `psnr`). Beside each of its formulas
stands the one that was meant, so that the fault can be read off.
"""

import numpy as np

from orchestrator.metrics.score import smaller_than
from orchestrator.metrics.similarity import PEAK
from orchestrator.metrics.standard import decibels
from stagekit.results.scores import Score

SSIM_WINDOW = 11
"""Side of SSIM's window, in pixels."""

LARGEST_TRUE = 15
"""The largest difference of grey levels whose square fits in 8 bits."""

_GREY_WEIGHTS = np.array([9798, 19235, 3735])
_GREY_SHIFT = 15
_K1 = 0.01
_COURSE = {"sigma": 0.5, "k2": 0.04}
_MEANT = {"sigma": 1.5, "k2": 0.03}


def grey(picture: np.ndarray) -> np.ndarray:
    """Return the grey levels of an RGB picture: uint8, (H, W), as OpenCV rounds 0.299 R + 0.587 G + 0.114 B."""
    total = picture.astype(np.int64) @ _GREY_WEIGHTS
    return np.asarray((total + (1 << (_GREY_SHIFT - 1))) >> _GREY_SHIFT, np.uint8)


def psnr(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the PSNR of the grey levels as the course project computed it, in dB.

    The difference and its square are taken in 8 bits, where 16 squared is 0: the result never falls below 24.2 dB.
    """
    difference = grey(truth) - grey(prediction)
    return decibels(float(np.mean(difference * difference)))


def psnr_without_wraparound(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the PSNR that the course project meant, of the grey levels, in dB."""
    difference = grey(truth).astype(np.float64) - grey(prediction)
    return decibels(float(np.mean(difference**2)))


def wrapped(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of pixels, 0 to 1, whose squared difference of grey levels did not fit into 8 bits."""
    difference = grey(truth).astype(np.int16) - grey(prediction)
    return float(np.mean(np.abs(difference) > LARGEST_TRUE))


def ssim(prediction: np.ndarray, truth: np.ndarray) -> Score:
    """Return the SSIM of the grey levels, with the course project's constants: sigma 0.5 and K2 = 0.04.

    Averaged where the window of 11 x 11 pixels lies inside the picture.
    """
    return grey_ssim(prediction, truth, **_COURSE)


def ssim_with_usual_constants(prediction: np.ndarray, truth: np.ndarray) -> Score:
    """Return the SSIM of the grey levels that the course project meant: sigma 1.5 and K2 = 0.03."""
    return grey_ssim(prediction, truth, **_MEANT)


def grey_ssim(prediction: np.ndarray, truth: np.ndarray, *, sigma: float, k2: float) -> Score:
    """Return the SSIM of the grey levels in Gaussian windows of 11 x 11 pixels.

    Args:
        sigma: In pixels.
    """
    too_small = smaller_than(truth, SSIM_WINDOW, "SSIM's window")
    if too_small is not None:
        return too_small
    x, y = grey(truth).astype(np.float64), grey(prediction).astype(np.float64)
    ux, uy = _windowed(x, sigma), _windowed(y, sigma)
    vx, vy = _windowed(x * x, sigma) - ux**2, _windowed(y * y, sigma) - uy**2
    vxy = _windowed(x * y, sigma) - ux * uy
    c1, c2 = (_K1 * PEAK) ** 2, (k2 * PEAK) ** 2
    similarity = ((2 * ux * uy + c1) * (2 * vxy + c2)) / ((ux**2 + uy**2 + c1) * (vx + vy + c2))
    return float(similarity.mean())


def _windowed(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Return the Gaussian means of all windows inside the picture."""
    offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    taps = np.exp(-(offsets**2) / (2 * sigma**2))
    taps /= taps.sum()
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(picture, SSIM_WINDOW, axis=axis)
        picture = windows @ taps
    return picture

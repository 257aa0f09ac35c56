"""MS-SSIM: structural similarity at five scales, as piq computes it, which WindowSeat's program calls."""

import numpy as np

from orchestrator.metrics.score import smaller_than
from orchestrator.metrics.similarity import C1, C2
from stagekit.results.scores import Score

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, from the pictures' own size to a sixteenth. Source: Wang et al. 2003."""

WINDOW = 11
"""Side of the Gaussian window at every scale, in pixels."""

SMALLEST = (WINDOW - 1) * 2 ** (len(WEIGHTS) - 1) + 1
"""Shorter sides leave less than a window at the last scale."""

_SIGMA = 1.5
_ROWS = 128


def ms_ssim(prediction: np.ndarray, truth: np.ndarray) -> Score:
    """Return the multi-scale structural similarity, the mean over the channels; 1 for identical pictures.

    The contrasts of the four larger scales and the similarity of the last, each a mean over its windows and at least 0,
    to the power of their weights. Between scales the mean of 2 x 2 pixels is taken; where a side is odd, a row and a
    column are repeated above and left of the picture first.

    Source: Wang, Simoncelli, Bovik 2003, with K1 = 0.01 and K2 = 0.03; the package piq, 0.8.

    Args:
        prediction: (H, W, 3), 0 to 255; not measured where a side is shorter than 161 pixels.
        truth: See `prediction`.
    """
    too_small = smaller_than(truth, SMALLEST, "MS-SSIM")
    if too_small is not None:
        return too_small
    x, y = truth.astype(np.float64), prediction.astype(np.float64)
    product = np.ones(3)
    for scale, weight in enumerate(WEIGHTS):
        if scale:
            x, y = _halved(x), _halved(y)
        contrast, similarity = _means(x, y)
        factor = similarity if scale == len(WEIGHTS) - 1 else contrast
        product *= np.maximum(factor, 0) ** weight
    return float(product.mean())


def _halved(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        picture = np.pad(picture, ((1, 0), (1, 0), (0, 0)), mode="edge")
        height, width = height + 1, width + 1
    even = picture[: height // 2 * 2, : width // 2 * 2]
    return np.asarray(even.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3)))


def _means(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean contrast and the mean similarity of each channel over all windows inside the pictures."""
    rows, columns = x.shape[0] - WINDOW + 1, x.shape[1] - WINDOW + 1
    contrast, similarity = np.zeros(3), np.zeros(3)
    for top in range(0, rows, _ROWS):
        part = np.s_[top : top + min(_ROWS, rows - top) + WINDOW - 1]
        ux, uy = _weighted(x[part]), _weighted(y[part])
        product, power = ux * uy, ux**2 + uy**2
        covariance = _weighted(x[part] * y[part]) - product
        variances = _weighted(x[part] ** 2 + y[part] ** 2) - power
        contrasts = (2 * covariance + C2) / (variances + C2)
        contrast += contrasts.sum(axis=(0, 1))
        similarity += (contrasts * (2 * product + C1) / (power + C1)).sum(axis=(0, 1))
    return contrast / (rows * columns), similarity / (rows * columns)


def _weighted(values: np.ndarray) -> np.ndarray:
    """Return the Gaussian mean of every window that lies inside."""
    from scipy.ndimage import correlate1d  # noqa: PLC0415 - slow to import, and only pictures need it

    reach = WINDOW // 2
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * _SIGMA**2))
    taps /= taps.sum()
    return np.asarray(correlate1d(correlate1d(values, taps, axis=0)[reach:-reach], taps, axis=1)[:, reach:-reach])

"""Structural similarity of colour pictures, by scikit-image."""

from typing import Any

import numpy as np

from orchestrator.metrics.score import Score, smaller_than


def colour_ssim(prediction: np.ndarray, truth: np.ndarray, window: int, sigma: float | None) -> Score:
    """Return the mean over the channels of their SSIM; 1 for identical pictures.

    prediction, truth: uint8, (H, W, 3); not measured where a side is shorter than the window.
    window: its side in pixels; sigma: of its Gaussian weights, in pixels, where 3.5 sigma reach its border; None for
        equal weights, with the sample covariance.

    Source: Wang et al. 2004, with K1 = 0.01 and K2 = 0.03.
    """
    too_small = smaller_than(truth, window, "SSIM's window")
    if too_small is not None:
        return too_small
    import skimage.metrics  # noqa: PLC0415 - slow to import, and only pictures need it

    structural_similarity: Any = skimage.metrics.structural_similarity
    weights = {} if sigma is None else {"gaussian_weights": True, "sigma": sigma, "use_sample_covariance": False}
    similarity = structural_similarity(truth, prediction, win_size=window, channel_axis=2, data_range=255, **weights)
    return float(similarity)

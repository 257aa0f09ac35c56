"""The protocol `errnet2019`: the scores as ERRNet's program takes them, to compare with its paper.

Source: Wei et al. 2019, program. It scores the network's output as floats, clipped to the range of a picture and not
rounded; YTMT, DSRNet, RDNet and XReflection copied it. Pictures here: (H, W, 3), RGB, 0 to 255, uint8 or floats.
"""

import numpy as np

from orchestrator.metrics import standard
from orchestrator.metrics.score import smaller_than
from orchestrator.metrics.similarity import uniform_ssim
from stagekit.results.scores import NotMeasured, Score

SSIM_WINDOW = 7
"""Side of SSIM's window, in pixels; all weights in it are equal."""

LMSE_WINDOW = 20
"""Side of the local windows, in pixels; each begins half a window after the one before."""

_DARK = 1e-5


def psnr(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean of the three channels' PSNR, in dB; inf where one channel is identical."""
    return float(np.mean([standard.psnr(prediction[..., channel], truth[..., channel]) for channel in range(3)]))


def ssim(prediction: np.ndarray, truth: np.ndarray) -> Score:
    """Return the mean of the three channels' SSIM with uniform weights and the sample covariance."""
    return uniform_ssim(prediction, truth, SSIM_WINDOW)


def lmse(prediction: np.ndarray, truth: np.ndarray) -> Score:
    """Return the local mean squared error, each window of the prediction scaled to fit the truth best; 0 is perfect.

    The squared errors of all windows and channels, over the squares of the truth in them; not measured where the
    truth is black.

    Source: Grosse et al. 2009, equation 9, with windows of 20 pixels.
    """
    too_small = smaller_than(truth, LMSE_WINDOW, "LMSE's window")
    if too_small is not None:
        return too_small
    height, width = truth.shape[:2]
    step = LMSE_WINDOW // 2
    error = total = 0.0
    for top in range(0, height - LMSE_WINDOW + 1, step):
        for left in range(0, width - LMSE_WINDOW + 1, step):
            place = np.s_[top : top + LMSE_WINDOW, left : left + LMSE_WINDOW]
            x, y = prediction[place].astype(np.float64), truth[place].astype(np.float64)
            energy = np.sum(x**2, axis=(0, 1))
            product = np.sum(x * y, axis=(0, 1))
            alpha = np.divide(product, energy, out=np.zeros(3), where=energy > _DARK)
            error += float(np.sum((y - alpha * x) ** 2))
            total += float(np.sum(y**2))
    return error / total if total else NotMeasured("the truth is black")


def ncc(prediction: np.ndarray, truth: np.ndarray) -> Score:
    """Return the normalised cross-correlation of all values of all channels; 1 is perfect.

    Not measured where a picture has one value throughout.
    """
    x, y = prediction.astype(np.float64), truth.astype(np.float64)
    spread = float(np.std(x) * np.std(y))
    if spread == 0:
        return NotMeasured("a picture has one value throughout")
    return float(np.mean((x - x.mean()) * (y - y.mean())) / spread)

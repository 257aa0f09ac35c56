"""Structural similarity of colour pictures: by scikit-image, and with Gaussian weights at the speed of reading."""

import threading
from functools import cache
from typing import Any

import numpy as np

from orchestrator.metrics.score import smaller_than
from stagekit.results.scores import Score

PEAK = 255.0
"""Largest value of an 8-bit picture."""

C1, C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
"""The constants of SSIM with K1 = 0.01 and K2 = 0.03. Source: Wang et al. 2004."""

_STRIP = 24
"""Rows and columns that are computed at once: a matrix of that size multiplies fastest, and memory stays small."""


def uniform_ssim(prediction: np.ndarray, truth: np.ndarray, window: int) -> Score:
    """Return the mean over the channels of their SSIM with equal weights; 1 for identical pictures.

    Source: Wang et al. 2004, with K1 = 0.01 and K2 = 0.03, as scikit-image computes it.

    Args:
        prediction: (H, W, 3), 0 to 255, of any type; not measured where a side is shorter than the window.
        truth: See `prediction`.
        window: Its side in pixels; variances are those of a sample.
    """
    too_small = smaller_than(truth, window, "SSIM's window")
    if too_small is not None:
        return too_small
    import skimage.metrics  # noqa: PLC0415 - slow to import, and only pictures need it

    structural_similarity: Any = skimage.metrics.structural_similarity
    # float64 throughout: scikit-image computes float32 pictures in float32.
    x, y = truth.astype(np.float64), prediction.astype(np.float64)
    return float(structural_similarity(x, y, win_size=window, channel_axis=2, data_range=PEAK))


def gaussian_ssim(
    prediction: np.ndarray, truth: np.ndarray, window: int, sigma: float, *, nonnegative: bool = False
) -> Score:
    """Return the mean over the channels of their SSIM with Gaussian weights; 1 for identical pictures.

    Source: Wang et al. 2004, equation 13, with K1 = 0.01 and K2 = 0.03. The same number as scikit-image's with
    `gaussian_weights`, to 1e-12; scikit-image takes three to four times as long as the pictures take to read.

    Args:
        prediction: (H, W, 3), 0 to 255; not measured where a side is shorter than the window. Averaged where the window
            lies inside the picture.
        truth: See `prediction`.
        window: Its side in pixels, odd.
        sigma: Of its weights, in pixels.
        nonnegative: A window whose contrasts are opposite counts as 0, and not as less.
    """
    too_small = smaller_than(truth, window, "SSIM's window")
    if too_small is not None:
        return too_small
    height, width = truth.shape[:2]
    rows, columns = height - window + 1, width - window + 1
    strip = _strip(_gaussian(window, sigma), min(_STRIP, rows), width)
    tops = range(0, rows, _STRIP)
    total = sum(strip.similarity(prediction, truth, top, min(_STRIP, rows - top), nonnegative) for top in tops)
    return float(total / (rows * columns * 3))


class _Strips(threading.local):
    """The strip of the last picture, for each thread: most pictures of a set are of one width."""

    key: tuple[tuple[float, ...], int, int] | None = None
    strip: "_Strip"


_last = _Strips()


def _strip(taps: tuple[float, ...], rows: int, width: int) -> "_Strip":
    key = (taps, rows, width)
    if _last.key != key:
        _last.key, _last.strip = key, _Strip(*key)
    return _last.strip


class _Strip:
    """Computes some rows of SSIM at a time, in the same memory again and again: fresh memory costs a third more."""

    def __init__(self, taps: tuple[float, ...], rows: int, width: int) -> None:
        self._taps = taps
        self._maps = np.empty((rows + len(taps) - 1, 4, 3, width))
        self._down = np.empty((rows, 4 * 3 * width))
        self._means = np.empty((rows, 4, 3 * (width - len(taps) + 1)))
        self._rest = np.empty((2, rows, self._means.shape[2]))

    def similarity(self, prediction: np.ndarray, truth: np.ndarray, top: int, rows: int, nonnegative: bool) -> float:
        """Return the sum of SSIM over the windows that begin in some rows, and over the channels."""
        reach = len(self._taps) - 1
        maps, down = self._maps[: rows + reach], self._down[:rows]
        x, y, squares, products = (maps[:, index] for index in range(4))
        x[...] = truth[top : top + rows + reach].transpose(0, 2, 1)
        y[...] = prediction[top : top + rows + reach].transpose(0, 2, 1)
        np.multiply(y, y, out=squares)
        np.multiply(x, x, out=products)
        squares += products
        np.multiply(x, y, out=products)
        np.matmul(_filter_matrix(self._taps, rows).T, maps.reshape(rows + reach, -1), out=down)
        means = self._means[:rows]
        _along_rows(down.reshape(rows * 12, -1), self._taps, means.reshape(rows * 12, -1))
        ux, uy, uxx_uyy, uxy = (means[:, index] for index in range(4))
        product, power = self._rest[:, :rows]
        np.multiply(ux, uy, out=product)
        np.square(ux, out=power)
        np.square(uy, out=ux)
        power += ux
        # uxy becomes the numerator (2 ux uy + C1) (2 sxy + C2), uxx_uyy the denominator beside it.
        uxy -= product
        uxy *= 2
        uxy += C2
        if nonnegative:
            np.maximum(uxy, 0, out=uxy)
        product *= 2
        product += C1
        uxy *= product
        uxx_uyy -= power
        uxx_uyy += C2
        power += C1
        uxx_uyy *= power
        uxy /= uxx_uyy
        return float(uxy.sum())


def _along_rows(values: np.ndarray, taps: tuple[float, ...], sums: np.ndarray) -> None:
    """Write the weighted sums of all windows inside each row.

    Args:
        values: (N, width).
        sums: (N, columns).
    """
    reach = len(taps) - 1
    columns = sums.shape[1]
    for left in range(0, columns, _STRIP):
        count = min(_STRIP, columns - left)
        window = values[:, left : left + count + reach]
        np.matmul(window, _filter_matrix(taps, count), out=sums[:, left : left + count])


@cache
def _gaussian(window: int, sigma: float) -> tuple[float, ...]:
    offsets = np.arange(window) - window // 2
    taps = np.exp(-(offsets**2) / (2 * sigma**2))
    return tuple((taps / taps.sum()).tolist())


@cache
def _filter_matrix(taps: tuple[float, ...], count: int) -> np.ndarray:
    """Return the matrix whose product with count + len(taps) - 1 values is their `count` weighted sums."""
    matrix = np.zeros((count + len(taps) - 1, count))
    for offset, tap in enumerate(taps):
        matrix[np.arange(count) + offset, np.arange(count)] = tap
    return matrix

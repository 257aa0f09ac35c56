"""The method: gradients below a threshold are taken out of a picture, by two cosine transforms a channel."""

import numpy as np
from scipy import fft

REGULARISATION = 1e-8
"""The paper's epsilon, with the value of the authors' program: how strongly the result is held to the picture."""


def suppressed(picture: np.ndarray, threshold: float) -> np.ndarray:
    """Return a picture without its faint edges, which are taken for those of the reflection.

    The paper's equation (3) asks for the T that minimises, for each channel, ||L(T) - div(d_h(grad Y))||^2 / 2 +
    e ||T - Y||^2 / 2, where d_h sets gradients shorter than h to zero and L is the Laplacian with reflecting borders.
    Its closed form, equation (7), is (k D + e Y) / (k^2 + e) in the space of cosine transforms, with
    k = 2 (cos(pi m / M) + cos(pi n / N) - 2). Here it is computed as Y - k E / (k^2 + e), where E is the divergence of
    the gradients that are set to zero: the same by algebra, one transform less, and exact enough in single precision.

    The mean of every channel stays, for k is 0 there. The authors' program leaves the values as they are, and so does
    this one; nothing is stretched to a range.

    Args:
        picture: float32, (H, W, C), 0 to 1.
        threshold: The h, a length of gradients; 0 changes nothing.

    Returns:
        float32, (H, W, C); values may lie a little outside of 0 to 1.
    """
    answer = np.empty_like(picture)
    for channel in range(picture.shape[2]):
        answer[..., channel] = _suppressed_channel(np.ascontiguousarray(picture[..., channel]), threshold)
    return answer


def _suppressed_channel(values: np.ndarray, threshold: float) -> np.ndarray:
    removed = fft.dctn(_faint_divergence(values, threshold), norm="ortho", overwrite_x=True)
    rows, columns = (2 * (np.cos(np.pi * np.arange(size) / size) - 1) for size in values.shape)
    for index, row in enumerate(rows):
        laplacian = row + columns
        removed[index] *= (laplacian / (laplacian * laplacian + REGULARISATION)).astype(np.float32)
    correction = fft.idctn(removed, norm="ortho", overwrite_x=True)
    return np.subtract(values, correction, out=correction)


def _faint_divergence(values: np.ndarray, threshold: float) -> np.ndarray:
    """Return the divergence of the gradients that are shorter than the threshold.

    Forward differences, zero across the last row and column; the divergence is by backward differences.
    """
    right, down = np.zeros_like(values), np.zeros_like(values)
    np.subtract(values[:, 1:], values[:, :-1], out=right[:, :-1])
    np.subtract(values[1:], values[:-1], out=down[:-1])
    kept = np.hypot(right, down) >= threshold
    right[kept] = 0
    down[kept] = 0
    divergence = right + down
    divergence[:, 1:] -= right[:, :-1]
    divergence[1:] -= down[:-1]
    return divergence

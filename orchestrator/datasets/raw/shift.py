"""How far two pictures of a pair are moved against each other."""

import numpy as np

_FEWEST = 32
_PEAK = 0.15
_DISTINCT = 12.0
"""What a peak needs to be believed: its height (1 where the pictures are equal but for the shift), and how many times
the spread of all values it rises above them. In CEILNet table 2 the pairs have at least 0.71 and 160, pictures of
different scenes at most 0.06 and 14."""


def shift_estimate(first: np.ndarray, second: np.ndarray) -> tuple[int, int] | None:
    """Return by how many rows and columns the second picture's content lies below and right of the first's.

    The peak of the phase correlation (Kuglin and Hines 1975) of the pictures' gradients, under a Hann window. None
    where the pictures are smaller than 32 pixels, or no peak is distinct: they share too little detail.

    Args:
        first: uint8 or float, (H, W) or (H, W, C), of one size.
        second: uint8 or float, (H, W) or (H, W, C), of one size.
    """
    height, width = first.shape[:2]
    if min(height, width) < _FEWEST:
        return None
    window = np.hanning(height)[:, None] * np.hanning(width)
    spectra = [np.fft.fft2(_gradient(picture) * window) for picture in (second, first)]
    product = spectra[0] * np.conj(spectra[1])
    correlation = np.real(np.fft.ifft2(product / np.maximum(np.abs(product), 1e-9)))
    row, column = np.unravel_index(int(correlation.argmax()), correlation.shape)
    if correlation.max() < max(_PEAK, _DISTINCT * correlation.std()):
        return None
    return _signed(int(row), height), _signed(int(column), width)


def _gradient(picture: np.ndarray) -> np.ndarray:
    """Return the two derivatives of the grey picture as one complex number: edges count, whatever their brightness."""
    grey = np.asarray(picture, np.float64)
    grey = grey.mean(axis=2) if grey.ndim == 3 else grey
    down, across = np.gradient(grey)
    return np.asarray(across + 1j * down)


def _signed(place: int, length: int) -> int:
    return place - length if place > length // 2 else place

"""Template matching: whether a window of one picture shows what another shows, by the correlation of fine detail."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from orchestrator.datasets.windows import WHOLE, Rectangle

_SHORT_EDGE = 64
_MARGIN = 0.14
"""How far the window may lie beside the place that was guessed, as a part of its side."""
_RIM = 0.1
"""Part of each side of the sought picture that is left out, so that it fits into a window that the border cuts."""
_SCALES = (0.92, 0.96, 1.0, 1.04, 1.08)
_FINE_SCALES = (-0.015, -0.0075, 0.0075, 0.015)
_HOPELESS = 0.3
"""Below this correlation at every coarse scale no finer one is tried."""
_BLUR = 7


@dataclass(frozen=True)
class TemplateMatch:
    """How much of one picture's detail is found in another.

    Attributes:
        correlation: -1 to 1 at the best place and scale.
        detail: Mean squared change, in grey levels from one of 64 pixels to the next, in the direction in which the
            sought picture changes least; a sky has none, and neither has a straight edge, which is like every other.
    """

    correlation: float
    detail: float


def template_match(picture: Image.Image, sought: Image.Image, window: Rectangle) -> TemplateMatch:
    """Return how well a picture is found again at about a window of another. Both are grey (mode L).

    In a window it is looked for in its own proportions, as crops have them; in the whole, squeezed as it may be.
    """
    region, part = _region(picture, window)
    target = _resized(sought, _SHORT_EDGE / min(sought.size))
    down, across = (round(side * _RIM) for side in target.shape)
    template = _detail(target)[down : target.shape[0] - down, across : target.shape[1] - across]
    down_scale = target.shape[0] / (window.height * picture.height)
    across_scale = target.shape[1] / (window.width * picture.width)
    if window != WHOLE:
        down_scale = across_scale = (down_scale * across_scale) ** 0.5
    rows, columns = part.height * picture.height * down_scale, part.width * picture.width * across_scale
    best = max((_at_scale(region, template, rows, columns, scale), scale) for scale in _SCALES)
    if best[0] > _HOPELESS:
        scales = [best[1] + step for step in _FINE_SCALES]
        best = max(best, *((_at_scale(region, template, rows, columns, scale), scale) for scale in scales))
    return TemplateMatch(best[0], _least_change(template))


def _region(picture: Image.Image, window: Rectangle) -> tuple[Image.Image, Rectangle]:
    """Return the window with a margin, and where that lies."""
    top, bottom = _clipped(window.top, window.height)
    left, right = _clipped(window.left, window.width)
    box = (
        round(left * picture.width),
        round(top * picture.height),
        max(round(right * picture.width), round(left * picture.width) + 1),
        max(round(bottom * picture.height), round(top * picture.height) + 1),
    )
    return picture.crop(box), Rectangle(top, left, bottom - top, right - left)


def _clipped(start: float, side: float) -> tuple[float, float]:
    return max(0.0, start - _MARGIN * side), min(1.0, start + side * (1 + _MARGIN))


def _at_scale(region: Image.Image, template: np.ndarray, rows: float, columns: float, scale: float) -> float:
    height, width = max(8, round(rows * scale)), max(8, round(columns * scale))
    if height < template.shape[0] or width < template.shape[1]:
        return -1.0
    return _best_correlation(_detail(_sized(region, height, width)), template)


def _resized(picture: Image.Image, scale: float) -> np.ndarray:
    return _sized(picture, max(8, round(picture.height * scale)), max(8, round(picture.width * scale)))


def _sized(picture: Image.Image, height: int, width: int) -> np.ndarray:
    resample = Image.Resampling.BOX if width < picture.width else Image.Resampling.BILINEAR
    return np.asarray(picture.resize((width, height), resample), np.float64)


def _detail(grey: np.ndarray) -> np.ndarray:
    """Return a picture less its local mean over 7 x 7 pixels."""
    padded = np.pad(grey, _BLUR // 2, mode="edge")
    return np.asarray(grey - _box_sums(padded, _BLUR, _BLUR) / _BLUR**2)


def _least_change(detail: np.ndarray) -> float:
    """Return the smaller eigenvalue of the mean structure tensor."""
    down, across = np.gradient(detail)
    mixed = (down * across).mean()
    tensor = [[(down**2).mean(), mixed], [mixed, (across**2).mean()]]
    return float(np.linalg.eigvalsh(tensor)[0])


def _best_correlation(region: np.ndarray, template: np.ndarray) -> float:
    """Return the largest normalised cross-correlation of the template over all its places inside the region."""
    height, width = template.shape
    down, across = region.shape[0] - height + 1, region.shape[1] - width + 1
    centred = template - template.mean()
    size = tuple(_fast_length(side) for side in region.shape)
    product = np.fft.rfft2(region, size) * np.conj(np.fft.rfft2(centred, size))
    covariance = np.fft.irfft2(product, size)[:down, :across]
    sums, squares = _box_sums(region, height, width), _box_sums(region**2, height, width)
    variance = np.maximum(squares - sums**2 / template.size, 1e-6)
    return float((covariance / np.sqrt(variance * max((centred**2).sum(), 1e-6))).max())


def _box_sums(values: np.ndarray, height: int, width: int) -> np.ndarray:
    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    return np.asarray(sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width])


def _fast_length(length: int) -> int:
    """Return the least length from this on that has no prime factor above 3."""
    return min(_products(2 * length), key=lambda product: (product < length, product))


def _products(limit: int) -> Iterator[int]:
    threes = 1
    while threes <= limit:
        twos = threes
        while twos <= limit:
            yield twos
            twos *= 2
        threes *= 3

"""The three published ways of blending a transmission and a reflection, as pure functions of explicit draws.

Pictures are float32 RGB in [0, 1], (H, W, 3).
"""

import dataclasses
import functools
from typing import Callable, Mapping, Optional, Tuple

import numpy as np
from scipy.ndimage import correlate1d
from scipy.special import ndtr

GAMMA = 2.2
"""Exponent from display values to linear light."""

MASK_SIDE = 560
"""Side of the vignetting mask in pixels; it grows with pictures that leave no room to move in it."""

_MASK_MARGIN = 10
_BLUR_COUNT = 80


@dataclasses.dataclass(frozen=True)
class LinearDraws:
    """What a blending in linear light draws.

    Attributes:
        sigma: Of the reflection's blur, pixels.
        attenuation: Of what exceeds white.
        mask_top: Place of the picture in the vignetting mask, pixels.
        mask_left: Place of the picture in the vignetting mask, pixels.
        transmission_scale: In linear light.
    """

    sigma: float
    attenuation: float
    mask_top: int
    mask_left: int
    transmission_scale: float


@dataclasses.dataclass(frozen=True)
class ClippedDraws:
    """What ERRNet's blending draws.

    Attributes:
        sigma: Of the reflection's blur, pixels.
        gamma: Attenuation beyond white.
    """

    sigma: float
    gamma: float = 1.3


@dataclasses.dataclass(frozen=True)
class Blend:
    """A blended picture and its layers, float32 RGB in [0, 1].

    Attributes:
        scale: Of the transmission, in linear light.
    """

    blended: np.ndarray
    transmission: np.ndarray
    reflection: np.ndarray
    scale: float


def draw_zhang(rng: np.random.RandomState, height: int, width: int) -> LinearDraws:
    """Return the draws of Zhang et al. 2018 for a picture of this size."""
    return _draw_linear(rng, height, width, first_sigma=1.0)


def draw_ibcln(rng: np.random.RandomState, height: int, width: int, batch: int = 2) -> LinearDraws:
    """Return the draws of Li et al. 2020; their program starts the blur's sigma at the batch size."""
    return _draw_linear(rng, height, width, first_sigma=float(batch))


def draw_errnet(rng: np.random.RandomState) -> ClippedDraws:
    """Return the draws of Wei et al. 2019."""
    return ClippedDraws(sigma=float(rng.uniform(2, 5)))


def _draw_linear(rng: np.random.RandomState, height: int, width: int, first_sigma: float) -> LinearDraws:
    sigma = np.linspace(first_sigma, 5, _BLUR_COUNT)[rng.randint(_BLUR_COUNT)]
    attenuation = 1.08 + rng.random_sample() / 10
    side = _mask_side(height, width)
    left = rng.randint(0, side - width - _MASK_MARGIN)
    top = rng.randint(0, side - height - _MASK_MARGIN)
    scale = 1 - rng.random_sample() / 5
    return LinearDraws(float(sigma), float(attenuation), int(top), int(left), float(scale))


def blend_linear(transmission: np.ndarray, reflection: np.ndarray, draws: LinearDraws) -> Blend:
    """Return the blend in linear light: blurred, attenuated, vignetted reflection plus scaled transmission.

    The blur mirrors the picture at its border without repeating the border's pixels. The reflection is returned as
    it is in the blend, the transmission unscaled.

    Source: Zhang et al. 2018, section 4 and program; Li et al. 2020 blend alike.
    """
    height, width = transmission.shape[:2]
    T = transmission.astype(np.float64) ** GAMMA
    size = 2 * int(np.ceil(2 * draws.sigma)) + 1
    R = _blurred(reflection.astype(np.float64) ** GAMMA, draws.sigma, size, "mirror")
    total = R + T
    for channel in range(3):
        values = total[..., channel]
        over = values[values > 1]
        mean = max(1.0, over.sum() / (over.size + 1e-6))
        R[..., channel] -= (mean - 1) * draws.attenuation
    mask = vignette(_mask_side(height, width))
    top, left = draws.mask_top, draws.mask_left
    R = np.clip(R, 0, 1) * mask[top : top + height, left : left + width, None]
    blended = np.clip(R + draws.transmission_scale * T, 0, 1)
    return Blend(
        (blended ** (1 / GAMMA)).astype(np.float32),
        transmission.astype(np.float32),
        (R ** (1 / GAMMA)).astype(np.float32),
        draws.transmission_scale,
    )


def blend_clipped(transmission: np.ndarray, reflection: np.ndarray, draws: ClippedDraws) -> Blend:
    """Return the blend in display values: blurred reflection, less what exceeds white, plus transmission.

    The blur sees zeros beyond the picture's border.

    Source: Wei et al. 2019, program; the same blending as in Fan et al. 2017 (CEILNet).
    """
    T = transmission.astype(np.float64)
    R = _blurred(reflection.astype(np.float64), draws.sigma, 11, "constant")
    total = T + R
    over = total[total > 1]
    if over.size:
        R = np.clip(R - draws.gamma * (over.mean() - 1), 0, 1)
        total = np.clip(T + R, 0, 1)
    return Blend(total.astype(np.float32), transmission.astype(np.float32), R.astype(np.float32), 1.0)


def blend(synthesis: str, transmission: np.ndarray, reflection: np.ndarray, rng: np.random.RandomState) -> Blend:
    """Return the blend of two pictures of one size in one of the ways of `SYNTHESES`, with draws from `rng`.

    Raises:
        KeyError: For another name.
    """
    return SYNTHESES[synthesis](transmission, reflection, rng)


def reflection_too_dark(transmission: np.ndarray, reflection: np.ndarray) -> bool:
    """Whether the training of Zhang 2018 and IBCLN skips these pictures, before they are blended."""
    return bool(transmission.mean() / 2 > reflection.mean())


def degenerate(blended: np.ndarray, transmission: np.ndarray, reflection: Optional[np.ndarray] = None) -> bool:
    """Whether a blended picture or one of its layers is too dark to learn from (Zhang 2018, IBCLN).

    Args:
        reflection: None where a real pair has none.
    """
    layers = [transmission] if reflection is None else [transmission, reflection]
    return bool(blended.max() < 0.1 or any(layer.max() < 0.15 for layer in layers))


@functools.lru_cache(maxsize=4)
def vignette(side: int) -> np.ndarray:
    """Return the square vignetting mask, float64, (side, side), 1 at its centre: a Gaussian over 3 sigma.

    Every weight is the square root of a product of two areas under the normal curve.
    """
    deviations = 3.0
    half_step = (2 * deviations + 1) / side / 2
    edges = np.linspace(-deviations - half_step, deviations + half_step, side + 1)
    profile = np.sqrt(np.diff(ndtr(edges)))
    mask = np.outer(profile, profile)
    mask /= mask.max()
    mask.flags.writeable = False
    return mask


def _mask_side(height: int, width: int) -> int:
    return max(MASK_SIDE, max(height, width) + _MASK_MARGIN + 1)


def _blurred(picture: np.ndarray, sigma: float, size: int, border: str) -> np.ndarray:
    """Return the picture convolved with a Gaussian, cut at `size` taps and normalised, along both axes."""
    offsets = np.arange(size) - (size - 1) / 2
    taps = np.exp(-(offsets**2) / (2 * sigma**2))
    taps /= taps.sum()
    for axis in (0, 1):
        picture = correlate1d(picture, taps, axis, mode=border)
    return picture


def _zhang(transmission: np.ndarray, reflection: np.ndarray, rng: np.random.RandomState) -> Blend:
    return blend_linear(transmission, reflection, draw_zhang(rng, *_size(transmission)))


def _ibcln(transmission: np.ndarray, reflection: np.ndarray, rng: np.random.RandomState) -> Blend:
    return blend_linear(transmission, reflection, draw_ibcln(rng, *_size(transmission)))


def _errnet(transmission: np.ndarray, reflection: np.ndarray, rng: np.random.RandomState) -> Blend:
    return blend_clipped(transmission, reflection, draw_errnet(rng))


def _size(picture: np.ndarray) -> Tuple[int, int]:
    return picture.shape[0], picture.shape[1]


SYNTHESES: Mapping[str, Callable[[np.ndarray, np.ndarray, np.random.RandomState], Blend]] = {
    "zhang": _zhang,
    "errnet": _errnet,
    "ibcln": _ibcln,
}
"""The three ways by name."""

"""Whether the truth of a pair is its own: not another pair's, mirrored, turned, or with its colours exchanged."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from PIL import Image

from orchestrator.datasets.turns import TURNS

_SIDES = ((128, 0.3), (64, 0.5))
"""Sides of the small pictures that are compared, and the height of a peak from which on two show the same.

Of CEILNet table 2 at 128 pixels, pairs have 0.62 to 1, pictures of other scenes at most 0.17, and a truth that is
mirrored or turned at most 0.20; at 64 pixels these are 0.42, 0.30 and 0.32."""
_BETTER = 0.15
"""By how much another way of taking a truth must be better than the one at hand."""
_COLOURS, _COLOURS_BETTER = 0.3, 0.1
"""The same for orders of the channels, by the correlation of their differences' gradients. In CEILNet table 2 no other
order is better in any pair than the right one, which is better by more than 0.16 in 95 of 100."""
_MOST_SEARCHED = 400
"""Pairs among which truths that belong to others are looked for."""

_SHOWN = 5

_CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True)
class TruthTrace:
    """What one pair tells.

    Attributes:
        belongs: Whether its truth shows what the blended picture shows, in the same way.
        fault: In words, how the truth differs from one that would fit, such as 'is mirrored'; empty where it does not.
        spectra: Of the blended picture and the truth, where neither could be told, to be compared with other pairs.
    """

    belongs: bool
    fault: str = ""
    spectra: tuple[np.ndarray, np.ndarray] | None = None


def truth_trace(blended: np.ndarray, truth: np.ndarray) -> TruthTrace | None:
    """Return what a pair tells of its truth; None where the pictures are smaller than 64 pixels.

    Args:
        blended: uint8, (H, W, 3), RGB.
        truth: Of the same size.
    """
    side, enough = next(((side, peak) for side, peak in _SIDES if min(blended.shape[:2]) >= side), (0, 0.0))
    if not side:
        return None
    pictures = [Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX) for pixels in (blended, truth)]
    seen, given = (_spectrum(picture) for picture in pictures)
    straight = agreement(seen, given)
    if straight >= enough:
        order = _order(*pictures)
        return TruthTrace(belongs=not order, fault=order)
    turned = {turn: agreement(seen, _spectrum(turn.picture(pictures[1]))) for turn in TURNS[1:]}
    best = max(turned, key=lambda turn: turned[turn])
    if turned[best] >= max(enough, straight + _BETTER):
        return TruthTrace(belongs=False, fault=f"is {best.words} {best.direction}".rstrip())
    return TruthTrace(belongs=False, spectra=(seen, given))


def exchanged_truths(traces: Mapping[str, TruthTrace]) -> dict[str, str]:
    """Return the scenes whose truth shows another scene, each with that scene's name."""
    untold = {name: trace.spectra for name, trace in traces.items() if trace.spectra is not None}
    searched = dict(list(untold.items())[:_MOST_SEARCHED])
    found: dict[str, str] = {}
    for name, (_, truth) in searched.items():
        fits = {other: agreement(seen, truth) for other, (seen, _) in searched.items() if seen.shape == truth.shape}
        best = max(fits, key=lambda other: fits[other])
        enough = next(peak for side, peak in _SIDES if side == len(truth))
        if best != name and fits[best] >= max(enough, fits[name] + _BETTER):
            found[name] = best
    return found


def truth_faults(traces: Mapping[str, TruthTrace]) -> dict[str, str]:
    """Return the scenes whose truth is not their own, each with how, as a sentence without its end."""
    foreign = {name: f"that of {name} is the truth of {other}" for name, other in exchanged_truths(traces).items()}
    odd = {name: f"that of {name} {trace.fault}" for name, trace in traces.items() if trace.fault}
    return foreign | odd


def faults_in_words(faults: Mapping[str, str], scenes: int) -> str:
    """Return in one sentence which of so many scenes have faults; the first of them are named."""
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    named = "; ".join(list(faults.values())[:_SHOWN]) + more
    return f"{len(faults)} of {scenes} transmissions do not belong to their blended pictures: {named}"


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return the height of the phase correlation's peak, 1 where pictures are equal but for a shift."""
    return float(np.real(np.fft.ifft2(first * np.conj(second))).max())


def _spectrum(picture: Image.Image) -> np.ndarray:
    """Return the phases of a small picture's gradients under a Hann window: complex64, (side, side)."""
    grey = np.asarray(picture, np.float64).mean(axis=2)  # whatever the order of the channels
    window = np.hanning(len(grey))
    down, across = np.gradient(grey)
    spectrum = np.fft.fft2((across + 1j * down) * window[:, None] * window)
    return np.asarray(spectrum / np.maximum(np.abs(spectrum), 1e-9), np.complex64)


def _order(blended: Image.Image, truth: Image.Image) -> str:
    """Return in words how the truth's channels are exchanged; empty where they are not, or nothing can be told."""
    edges = _colour_edges(np.asarray(blended, np.float64))
    layer = np.asarray(truth, np.float64)
    orders = {order: _correlation(edges, _colour_edges(layer[..., order])) for order in permutations(range(3))}
    best = max(orders, key=lambda order: orders[order])
    if best == (0, 1, 2) or orders[best] < max(_COLOURS, orders[0, 1, 2] + _COLOURS_BETTER):
        return ""
    moved = [_CHANNELS[place] for place, channel in enumerate(best) if place != channel]
    return f"has {' and '.join(moved)} exchanged" if len(moved) == 2 else "has its colours in another order"


def _colour_edges(pixels: np.ndarray) -> np.ndarray:
    """Return the gradients of what is not grey: edges of colours, whose order a reflection changes little."""
    return np.stack(np.gradient(pixels - pixels.mean(axis=2, keepdims=True), axis=(0, 1)))


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float((first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum() + 1e-9))

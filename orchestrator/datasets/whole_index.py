"""An index of whole pictures by their descriptions: which of them a window shows, whichever way they lie.

The description of a flipped picture differs in signs alone: cosines of odd frequencies change theirs along an axis that
is turned round. So the values fall into four parts (even or odd down, even or odd across), and the agreement with each
of the four flips of a picture is a sum of the same four products with changing signs. It is at most the first, the
sizes of the second and the third, and the lengths of what the fourth multiplies: three small products, in place of four
large ones, rule out nearly all pairs. Those that are left are compared in full, so that nothing is lost.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.datasets.turns import TURNS, Turn

_FREQUENCIES = 8

_ROUNDING = 1e-4
"""By how much a sum of parts may be below one sum."""

_ROWS = 128
_COLUMNS = 512
"""Products are made in blocks of so many windows and pictures, which stay in a processor's own memory."""


@dataclass(frozen=True)
class Agreement:
    """A window that shows a picture.

    Attributes:
        window: Its number among those that were asked for.
        picture: Its number in the index.
        turn: Of the picture.
        value: How much the descriptions agree: their product, 1 where they are equal.
    """

    window: int
    picture: int
    turn: Turn
    value: float


@dataclass(frozen=True)
class _Group:
    """Pictures that are shown by windows of one shape.

    Attributes:
        numbers: Of the pictures, in the index.
        turns: The four ways in which such pictures may lie.
        turned: Their descriptions for each of these, (4, pictures, 63).
        parts: Those of the first by parts, (3, 16, pictures).
    """

    numbers: np.ndarray
    turns: tuple[Turn, ...]
    turned: np.ndarray
    parts: np.ndarray

    def agreements(self, windows: np.ndarray, places: np.ndarray, least: float) -> Iterator[Agreement]:
        """Yield those of some of the pictures that are shown, for every turn with the window that agrees best."""
        if not len(places):
            return
        products = windows @ self.turned[:, places].reshape(-1, windows.shape[1]).T
        best = products.max(axis=0)
        for column in np.flatnonzero(best >= least).tolist():
            turn, place = divmod(column, len(places))
            window = int(products[:, column].argmax())
            yield Agreement(window, int(self.numbers[places[place]]), self.turns[turn], float(best[column]))


class WholeIndex:
    """Descriptions of whole pictures, to be found by those of windows."""

    def __init__(self, descriptions: np.ndarray, shapes: Sequence[int]) -> None:
        """Index pictures.

        Args:
            descriptions: (pictures, 63), float32, as `windows.whole_description` returns them.
            shapes: Of the pictures, as `windows.shape_of` returns them.
        """
        self._everything = _groups(np.arange(len(shapes)), descriptions)
        self._by_shape: defaultdict[int, list[_Group]] = defaultdict(list)
        for shape in sorted(set(shapes)):
            for group in _groups(np.flatnonzero(np.array(shapes) == shape), descriptions):
                self._by_shape[group.turns[0].shape(shape)].append(group)

    @property
    def shapes(self) -> tuple[int, ...]:
        """Of the windows that may show a picture of the index."""
        return tuple(self._by_shape)

    def shown(self, windows: np.ndarray, shape: int, least: float) -> Iterator[Agreement]:
        """Yield the pictures that windows of a shape show, for every turn with the window that agrees best.

        Args:
            windows: (windows, 63), float32.
            shape: Of all of them.
            least: How much has to agree.
        """
        parts = _by_parts(windows)
        for group in self._by_shape[shape]:
            yield from group.agreements(windows, _reached(parts, group.parts, least), least)

    def alike(self, whole: np.ndarray, least: float) -> Iterator[Agreement]:
        """Yield the pictures of the index that a whole picture, (63,), agrees with, whatever their shape."""
        parts = _by_parts(whole[None])
        for group in self._everything:
            yield from group.agreements(whole[None], _reached(parts, group.parts, least), least)


def _groups(numbers: np.ndarray, descriptions: np.ndarray) -> list[_Group]:
    """Return the two groups of pictures: with their rows as they are, and made columns."""
    found = []
    for transposed in (False, True):
        turns = tuple(turn for turn in TURNS if turn.transposed == transposed)
        turned = np.stack([turn.descriptions(descriptions[numbers]) for turn in turns])
        parts = np.ascontiguousarray(_by_parts(turned[0]).transpose(0, 2, 1))
        found.append(_Group(numbers, turns, turned, parts))
    return found


def _by_parts(values: np.ndarray) -> np.ndarray:
    """Return descriptions, (n, 63), by parts, (3, n, 16): even, odd across, odd down.

    The first has the length of the part that is odd both ways in the place of the mean, which descriptions do not have.
    """
    grid = np.empty((len(values), _FREQUENCIES, _FREQUENCIES), np.float32)
    grid.reshape(len(values), -1)[:, 1:] = values
    both = grid[:, 1::2, 1::2]
    grid[:, 0, 0] = np.sqrt(np.einsum("nij,nij->n", both, both))
    parts = np.empty((3, len(values), _FREQUENCIES // 2, _FREQUENCIES // 2), np.float32)
    parts[0], parts[1], parts[2] = grid[:, ::2, ::2], grid[:, ::2, 1::2], grid[:, 1::2, ::2]
    return parts.reshape(3, len(values), -1)


def _reached(ours: np.ndarray, theirs: np.ndarray, least: float) -> np.ndarray:
    """Return which of theirs, by parts (3, 16, m), may agree so much with any of ours, (3, n, 16), flipped or not."""
    most = np.full(theirs.shape[2], -1.0, np.float32)
    for start in range(0, len(most), _COLUMNS):
        block = most[start : start + _COLUMNS]
        for row in range(0, ours.shape[1], _ROWS):
            bound = _bound(ours[:, row : row + _ROWS], theirs[:, :, start : start + _COLUMNS])
            np.maximum(block, bound.max(axis=0), out=block)
    return np.flatnonzero(most >= least - _ROUNDING)


def _bound(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return what descriptions by parts agree in at most, whichever way they are flipped: (n, m)."""
    even, across, down = (np.dot(a, b) for a, b in zip(ours, theirs, strict=True))
    even += np.abs(across, out=across)
    even += np.abs(down, out=down)
    return np.asarray(even)

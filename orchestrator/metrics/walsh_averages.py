"""Means of every two of some numbers, of which there may be millions: counted and picked by rank, not held."""

from functools import cached_property

import numpy as np

_MOST_HELD = 256
"""Of so few numbers all averages are held: 33 thousand, which are sorted in no time."""

_SIGN = np.int64(-(2**63))


class WalshAverages:
    """The averages (d_i + d_j) / 2 for i <= j; that of two infinite ones of different signs is 0.

    A sum has the sign that it has without rounding, so that what is counted below 0 is exact. Rounding keeps an order,
    so that the averages of one number with growing ones grow: they are counted by halving, and never all computed.

    Source: Tukey's and Walsh's averages, as in Hollander, Wolfe and Chicken 2014, section 3.2.
    """

    def __init__(self, differences: np.ndarray) -> None:
        """Take the numbers.

        Args:
            differences: float64, (n,), without NaN; infinite ones are allowed.
        """
        finite = np.isfinite(differences)
        self._finite = np.sort(differences[finite])
        self._above, self._below = int(np.sum(differences == np.inf)), int(np.sum(differences == -np.inf))
        self.count = len(differences) * (len(differences) + 1) // 2
        """How many averages there are."""

    @property
    def _infinite(self) -> tuple[int, int, int]:
        """How many averages are -inf, 0 of two that cancel, and inf."""
        low, high, n = self._below, self._above, len(self._finite)
        return low * (low + 1) // 2 + low * n, low * high, high * (high + 1) // 2 + high * n

    def at_most(self, value: float) -> int:
        """Return how many averages are not above a value."""
        least, cancelled, most = self._infinite
        found = least * (value >= -np.inf) + cancelled * (value >= 0) + most * (value == np.inf)
        return int(found) + self._counted(value, strictly=False)

    def below(self, value: float) -> int:
        """Return how many averages are below a value."""
        least, cancelled, _most = self._infinite
        return int(least * (value > -np.inf) + cancelled * (value > 0)) + self._counted(value, strictly=True)

    def smallest(self, number: int) -> float:
        """Return the average of a rank, counted from 1: no more than that are below it.

        Raises:
            ValueError: Where there are fewer.
        """
        if not 1 <= number <= self.count:
            raise ValueError(f"there are {self.count} averages, and none of rank {number}")
        if self._held is not None:
            return float(self._held[number - 1])
        low, high = _ordinal(-np.inf), _ordinal(np.inf)
        while low < high:
            middle = (low + high) // 2
            if self.at_most(_number(middle)) >= number:
                high = middle
            else:
                low = middle + 1
        return _number(low)

    @cached_property
    def _held(self) -> np.ndarray | None:
        """All averages in order, of few numbers."""
        n = len(self._finite)
        if n + self._below + self._above > _MOST_HELD:
            return None
        first, second = np.triu_indices(n)
        averages = _averages(self._finite[first], self._finite[second])
        least, cancelled, most = self._infinite
        parts = (np.full(least, -np.inf), np.sort(np.concatenate((averages, np.zeros(cancelled)))))
        return np.concatenate((*parts, np.full(most, np.inf)))

    def _counted(self, value: float, *, strictly: bool) -> int:
        """Return how many averages of two finite numbers are not above a value, or strictly below it."""
        n, first = len(self._finite), np.arange(len(self._finite))
        low, high = first.copy(), np.full(n, n)
        while (open_rows := low < high).any():
            middle = np.where(open_rows, (low + high) // 2, 0)
            averages = _averages(self._finite, self._finite[middle])
            counts = averages < value if strictly else averages <= value
            low = np.where(open_rows & counts, middle + 1, low)
            high = np.where(open_rows & ~counts, middle, high)
        return int(np.sum(low - first))


def _averages(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.asarray((first + second) / 2)


def _ordinal(value: float) -> int:
    """Return a whole number that grows with a float by 1 from each to the next."""
    bits = int(np.float64(value).view(np.int64))
    return bits if bits >= 0 else int(_SIGN) - bits


def _number(ordinal: int) -> float:
    """Return the float of an ordinal."""
    bits = ordinal if ordinal >= 0 else int(_SIGN) - ordinal
    return float(np.int64(bits).view(np.float64)) + 0.0

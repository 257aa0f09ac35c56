"""Every number, unit and 'not measured' that a report shows, with its rounding.

Rounding never claims what is not so: a value that is not perfect does not print as 1.0000 or 0.0000, and two different
values of a column do not print alike. Values that agree to `_NOISE_DECIMALS` are one value: what lies below is the
noise of floating-point sums.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from orchestrator.spec.plain_words import count as count  # noqa: PLC0414 - what views count with
from stagekit.measures import Direction, Scale, metric_named

INFINITE, IDENTICAL = "∞", "∞ (identical)"
"""The score of identical pictures where it has no end: in short, and with what that means."""

_NOISE_DECIMALS = 9
_LEVEL = 0.05


@dataclass(frozen=True)
class MetricFormat:
    """How a metric is shown.

    Attributes:
        decimals: Digits after the point where that is enough to tell the values of a column apart.
        perfect: The value of identical pictures.
        ranked: Whether its best value is marked.
        features: Whether it compares features of a network.
    """

    name: str
    title: str
    unit: str
    decimals: int
    better: Direction
    perfect: float
    ranked: bool = True
    features: bool = False

    @property
    def arrow(self) -> str:
        """The direction in which the metric gets better."""
        return "↑" if self.better == "higher" else "↓"


def metric_format(
    name: str,
    features: Literal["pretrained", "random"] = "pretrained",
    *,
    ranked: bool = True,
    scale: Scale | None = None,
) -> MetricFormat:
    """Return how a metric is shown; one that measures with random features says so and ranks nothing.

    Args:
        ranked: Whether its protocol ranks.
        scale: Of a metric of a plug-in; None: this project's table has it.

    Raises:
        KeyError: For a metric whose direction the report does not know; it must not guess what is best.
    """
    if scale is not None:
        return MetricFormat(name, scale.title, scale.unit, scale.decimals, scale.better, scale.identical, ranked)
    metric = metric_named(name)
    scale, seen = metric.scale, bool(metric.features)
    found = MetricFormat(name, scale.title, scale.unit, scale.decimals, scale.better, scale.identical, ranked, seen)
    if features == "random" and seen:
        return replace(found, title=f"{found.title}, random features", ranked=False)
    return found


def same(first: float, second: float) -> bool:
    """Return whether two scores are one and the same value, but for the noise of floating-point sums."""
    return first == second or round(first, _NOISE_DECIMALS) == round(second, _NOISE_DECIMALS)


def score(value: float, metric: MetricFormat, among: Iterable[float] = ()) -> str:
    """Return a score as text, with as many digits as tell it apart from every other score of `among`.

    inf reads '∞ (identical)'. A value that is not perfect, and would round to perfect, reads '>0.9999' or '<0.0001'.
    """
    if math.isinf(value):
        return IDENTICAL if value > 0 else "-∞"
    others = [other for other in among if not math.isinf(other) and not same(other, value)]
    decimals = metric.decimals
    text = _rounded(value, metric, decimals)
    while decimals < _NOISE_DECIMALS and any(_rounded(other, metric, decimals) == text for other in others):
        decimals += 1
        text = _rounded(value, metric, decimals)
    return text


def _rounded(value: float, metric: MetricFormat, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    if float(text) == metric.perfect and not same(value, metric.perfect):
        step = 10.0**-decimals
        below = value < metric.perfect
        return f">{metric.perfect - step:.{decimals}f}" if below else f"<{metric.perfect + step:.{decimals}f}"
    return text.replace("-0." + "0" * decimals, "0." + "0" * decimals) if float(text) == 0 else text


def mean(value: float | None, infinite: int, metric: MetricFormat, among: Iterable[float] = ()) -> str:
    """Return the mean over finite scores as text; where all are infinite, '∞ (identical)'.

    Args:
        infinite: How many are.
    """
    if value is not None:
        return score(value, metric, among)
    return score(math.inf, metric) if infinite else not_measured("no picture was scored")


def interval_bounds(low: float | None, high: float | None, metric: MetricFormat) -> tuple[str, str] | None:
    """Return both ends of a 95 % interval as text, rounded outwards, so that it never claims more.

    None where there is none, and where it has no width, as for the truth.
    """
    if low is None or high is None or same(low, high):
        return None
    unit = 10.0**-metric.decimals
    down, up = math.floor(low / unit + 1e-6) * unit, math.ceil(high / unit - 1e-6) * unit
    return f"{down:.{metric.decimals}f}", f"{up:.{metric.decimals}f}"


def interval(low: float | None, high: float | None, metric: MetricFormat) -> str:
    """Return a 95 % interval as text, empty where `interval_bounds` has none."""
    bounds = interval_bounds(low, high, metric)
    return "" if bounds is None else " to ".join(bounds)


def difference_bounds(low: float | None, high: float | None, metric: MetricFormat) -> str | None:
    """Return an interval of differences as text, rounded outwards, with digits enough that no end but 0 reads as 0.

    None where there is none, and where it has no width.
    """
    if low is None or high is None or low == high:
        return None
    for decimals in range(metric.decimals, _NOISE_DECIMALS + 2):
        ends = (_outwards(low, decimals, -1), _outwards(high, decimals, 1))
        if all(float(text) or not value for text, value in zip(ends, (low, high), strict=True)):
            break
    return " to ".join(end.replace("inf", "∞") for end in ends)


def _outwards(value: float, decimals: int, direction: Literal[-1, 1]) -> str:
    """Return a number rounded down or up; what is so by the noise of floating-point alone stays where it is."""
    if math.isinf(value):
        return str(value)
    unit = 10.0**-decimals
    end = direction * math.ceil(direction * value / unit - 1e-6) * unit
    return f"{end + 0.0:.{decimals}f}" if round(end, decimals) else f"{0:.{decimals}f}"


def confidence(level: float) -> str:
    """Return how sure an interval is: '95 %', '98.3 %', '99.95 %'; never more than it is, and never 100 %."""
    for decimals in range(7):
        unit = 10.0**-decimals
        shown = math.floor(100 * level / unit + 1e-6) * unit
        if shown < 100 and (100 - shown) < 1.05 * 100 * (1 - level):
            break
    return f"{shown:.{decimals}f} %"


def probability(share: float) -> str:
    """Return a probability that was drawn, in whole per cent; never none and never certain."""
    if share > 0.995:
        return ">99 %"
    return f"{100 * share:.0f} %" if share >= 0.005 else "<1 %"


def p_value(p: float) -> str:
    """Return a p-value with two significant digits, and more where it would read as the level that decides.

    What is tiny reads as below 0.0001, never as 0.
    """
    if p < 0.0001:
        return "<0.0001"
    if p >= 0.1:
        return f"{p:.2f}"
    return next(text for digits in range(2, 18) if float(text := f"{p:.{digits}g}") != _LEVEL or p == _LEVEL)


def difference(value: float, metric: MetricFormat, other: str = "") -> str:
    """Return a difference with its sign.

    Args:
        other: A printed number whose digits decide; a metric's own otherwise.
    """
    decimals = len(other.partition(".")[2]) if other else metric.decimals
    text = f"{value:+.{decimals}f}"
    return text if float(text) else f"{0:.{decimals}f}"


def signed(value: float, metric: MetricFormat) -> str:
    """Return a difference with its sign, and with digits enough that only 0 reads as 0."""
    for decimals in range(metric.decimals, _NOISE_DECIMALS + 2):
        text = f"{value:+.{decimals}f}"
        if float(text):
            return text
    return f"{0:.{metric.decimals}f}"


def some_of(names: Sequence[str], shown: int = 3) -> str:
    """Return a list of names in words: the first of them, and how many more there are."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")


def not_measured(why: str) -> str:
    """Return what stands where a number is missing."""
    return f"not measured: {why}"


def duration(seconds: float | None) -> str:
    """Return a duration: '0.4 s', '42 s', '3 min 20 s', '2 h 05 min'. What took any time at all never reads as 0."""
    if seconds is None:
        return "time not recorded"
    if seconds < 0.05:
        return "<0.1 s" if seconds > 0 else "0 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def memory(held_bytes: float) -> str:
    """Return an amount of memory: '312 MiB', '4.0 GiB'; what is any at all never reads as 0."""
    if held_bytes >= 2**30:
        return f"{held_bytes / 2**30:.1f} GiB"
    if held_bytes >= 2**20:
        return f"{held_bytes / 2**20:.0f} MiB"
    return "<1 MiB" if held_bytes > 0 else "0 MiB"


def moment(seconds: float) -> str:
    """Return a time, given in seconds since the epoch, in UTC: the same report reads the same everywhere."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day(seconds: float) -> str:
    """Return the day of a time, given in seconds since the epoch, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def significant(value: float) -> str:
    """Return a loss, a rate or an error with three significant digits; never 0 unless it is 0."""
    text = f"{value:.3g}"
    digits, exponential, exponent = text.partition("e")
    return f"{digits}e{int(exponent)}" if exponential else text


def size(height: int, width: int) -> str:
    """Return a picture's size, width first, as people say it."""
    return f"{width} \u00d7 {height}"

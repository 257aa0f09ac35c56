"""What a comparison of two came to, in words and as a mark: every page says it in these, and they read one test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.report import numbers
from orchestrator.report.numbers import MetricFormat
from stagekit.paired_test import PairedTest

NOTHING = "the unchanged input"


@dataclass(frozen=True)
class Mark:
    """How a network stands to another, beside its number.

    Attributes:
        kind: 'ahead' and 'behind' do not count yet: there are too few pictures.
        text: The same, in words.
    """

    kind: Literal["better", "worse", "alike", "ahead", "behind", "few"]
    symbol: str
    text: str


_SYMBOLS = {"better": "▲", "worse": "▼", "alike": "≈", "ahead": "△", "behind": "▽", "few": "?"}


def mark(test: PairedTest, name: str, other: str) -> Mark:
    """Return the mark of a network beside another one.

    Args:
        other: What the other is called.
    """
    if test.outcome == "few":
        where = standing(test, name)
        words = {"ahead": f"ahead of {other} so far, ", "behind": f"behind {other} so far, ", None: ""}[where]
        return Mark(where or "few", _SYMBOLS[where or "few"], words + too_few(test))
    if test.better is None:
        return Mark("alike", _SYMBOLS["alike"], f"not told apart from {other}{_but(test)}")
    kind: Literal["better", "worse"] = "better" if test.better == name else "worse"
    return Mark(kind, _SYMBOLS[kind], f"{kind} than {other}")


def verdict(test: PairedTest, titles: Mapping[str, str]) -> str:
    """Return what a comparison came to, for a table."""
    if test.outcome == "few":
        so_far = f"; so far {titles[test.ahead]} is ahead" if test.ahead is not None else ""
        return too_few(test) + so_far
    return f"not told apart{_but(test)}" if test.better is None else f"{titles[test.better]} is better"


def too_few(test: PairedTest) -> str:
    """Return that there are too few pictures, and how many it takes at least."""
    return f"too few pictures (needs at least {test.needs})"


def _but(test: PairedTest) -> str:
    """Return why p alone does not tell two apart."""
    if test.outcome != "mixed":
        return ""
    return ", for their runs overlap" if test.among_runs else ", for means and single pictures disagree"


def standing(test: PairedTest, name: str) -> Literal["ahead", "behind"] | None:
    """Return how a network's mean stands to the other's, whether or not that counts."""
    return None if test.ahead is None else "ahead" if test.ahead == name else "behind"


def won(test: PairedTest, name: str) -> int:
    """Return on how many pictures a network is better than the other."""
    return test.won if test.first == name else test.lost


def size(test: PairedTest, metric: MetricFormat) -> str:
    """Return how far two means lie apart: '2.50 dB', 'less than 0.01 dB'; empty where no picture is finite for both."""
    if test.difference is None:
        return ""
    decimals, least = metric.decimals, 10.0**-metric.decimals
    shown = max(abs(test.difference), least)
    return f"{'less than ' * (abs(test.difference) < least / 2)}{shown:.{decimals}f}{_unit(metric)}"


def spread(test: PairedTest, name: str, metric: MetricFormat) -> str:
    """Return the interval of how far a network is ahead or behind, and on how many pictures it is so."""
    other = test.second if test.first == name else test.first
    behind = standing(test, name) == "behind"
    return _favour(test, other, metric, "worse") if behind else _favour(test, name, metric, "better")


def favour(test: PairedTest, name: str, metric: MetricFormat) -> str:
    """Return the same of a network that single pictures are in favour of, wherever its mean stands."""
    return _favour(test, name, metric, "better")


def _favour(test: PairedTest, name: str, metric: MetricFormat, word: str) -> str:
    share = f"{word} on {won(test, name)} of {numbers.count(test.n, 'picture')}"
    bounds = numbers.difference_bounds(*lead(test, name, metric), metric)
    if bounds is None:
        return share
    interval = f"{bounds}{_unit(metric)}"
    if test.outcome != "few":
        interval = f"typically {interval}{' where they differ' if test.won + test.lost < test.n else ''}"
    return f"{interval}, {share}"


def lead(test: PairedTest, name: str, metric: MetricFormat) -> tuple[float | None, float | None]:
    """Return the ends of the interval as leads of a network: positive where it is better, whatever the metric."""
    if test.low is None or test.high is None:
        return None, None
    turned = (test.first == name) != (metric.better == "higher")
    return (-test.high, -test.low) if turned else (test.low, test.high)


def listed(names: Sequence[str]) -> str:
    """Return names as one list: 'A, B and C'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _unit(metric: MetricFormat) -> str:
    return f" {metric.unit}" if metric.unit else ""

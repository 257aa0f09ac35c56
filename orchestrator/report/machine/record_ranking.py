"""What report.json tells of how networks compare."""

from typing import Literal

from pydantic import FiniteFloat

from orchestrator.report.machine.record_entry import Bound, Entry


class PairEntry(Entry):
    """Two networks over the pictures that both were measured on, and what every page says of them.

    The interval is the test turned round, at the level at which Holm's procedure tested this pair: it excludes 0 where
    the outcome is 'better' or 'mixed', and holds 0 where it is 'alike'.
    """

    first: str
    second: str
    n: int
    won: int
    """Pictures on which the first is better."""
    lost: int
    p: FiniteFloat
    """Wilcoxon's signed-rank test, two-sided, with shared ranks and without zeros, corrected by Holm."""
    method: Literal["exact", "permutation"]
    """Whether it counts all assignments of signs, or, of more than 2,000 pictures that differ, 99,999 seeded ones."""
    outcome: Literal["better", "alike", "few", "mixed"]
    """'few': with so few pictures the test could not have told anything. 'mixed': p is small, and yet the means do not
    point where the pictures do, or runs of the one lie among those of the other."""
    better: str | None
    """Which is better beyond the noise, where the outcome is 'better'."""
    ahead: str | None
    """Which has the better mean, whether or not it counts; None where they are equal."""
    among_runs: bool
    """Whether the outcome is 'mixed' because of the runs."""
    needs: int | None
    """How many pictures the test needs at least, where the outcome is 'few'."""
    difference: FiniteFloat | None
    """Mean of the first's score less the second's; None where no picture is finite for both."""
    typical: Bound | None
    """The typical difference where the two differ: the median of the means of any two (Hodges and Lehmann)."""
    low: Bound | None
    """Lower end of the interval of the typical difference; where the outcome is 'few', the least difference."""
    high: Bound | None
    confidence: FiniteFloat | None
    """Of the interval, 0.95 or more; None where there is none, and where the outcome is 'few'."""


class RankingEntry(Entry):
    """What the scores of one metric on one dataset allow to say; a faulty protocol's allow nothing."""

    dataset: str
    protocol: str
    metric: str
    pairs: tuple[PairEntry, ...]
    beside_input: tuple[PairEntry, ...]
    """Every network against the unchanged input."""
    best: tuple[str, ...]
    """Those to be marked: measured on every picture, and none of them is better than they are."""
    chances: dict[str, FiniteFloat]
    """How probable it is that a network has the best mean, were pictures and runs drawn again; who ties shares. Of
    those measured on every picture in all of their runs; empty where a picture is infinite for some of them alone."""

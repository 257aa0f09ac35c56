"""What the scores of a dataset allow to say in one metric: facts that were computed before, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FIRST, OTHER = "first", "other"
"""What a test of the scores of one network in two runs calls the two."""


@dataclass(frozen=True)
class MeanScore:
    """The mean of a network's scores over the pictures whose score is finite.

    Attributes:
        value: None where no score is finite.
        low: Its 95 % interval, None where there are too few pictures.
        high: Its 95 % interval, None where there are too few pictures.
        runs: The mean of every run of it, where it was trained with several seeds.
        absent: Of these, how many failed.
        finite: How many pictures it is a mean of.
        total: How many the dataset has.
        infinite: Ids of the pictures identical to the truth.
        missing: Ids without a score, by the reason.
    """

    value: float | None
    low: float | None
    high: float | None
    runs: tuple[float | None, ...]
    absent: int
    finite: int
    total: int
    infinite: tuple[str, ...]
    missing: Mapping[str, tuple[str, ...]]


Outcome = Literal["better", "alike", "few", "mixed"]
"""What a comparison came to; see `PairedTest`."""


@dataclass(frozen=True)
class PairedTest:
    """Two networks over the pictures that both were measured on: what every mark, sentence and table reads.

    The interval is the test turned round, at the level at which it was tested: it excludes 0 where the outcome is
    'better' or 'mixed', on the side of the means where it is 'better', and holds 0 where it is 'alike'.

    Attributes:
        won: Pictures on which the first is better.
        lost: Pictures on which the first is worse.
        p: Corrected for the number of pairs.
        method: Whether p counts all assignments of signs, or so many that were drawn.
        outcome: 'better': the difference counts. 'alike': nothing tells the two apart. 'few': with so few pictures the
            test could not have told anything. 'mixed': the pictures tell them apart, means or runs do not.
        better: The one that is, where the outcome is 'better'.
        ahead: The one with the better mean, whether or not it counts; None where there is none.
        among_runs: Whether that is mixed because runs of the one lie among those of the other.
        needs: How many pictures the test needs at least, where they are too few.
        difference: Mean of the first's score less the second's where both are finite.
        typical: The typical difference where the two differ: the Hodges-Lehmann estimate.
        low: Lower end of the interval of the typical difference; of too few pictures, the least difference.
        high: Upper end of the interval of the typical difference; of too few pictures, the largest difference.
        confidence: Of the interval, at least 0.95; None where there is none, and of too few pictures.
    """

    first: str
    second: str
    n: int
    won: int
    lost: int
    p: float
    method: Literal["exact", "permutation"]
    outcome: Outcome
    better: str | None
    ahead: str | None
    among_runs: bool
    needs: int | None
    difference: float | None
    typical: float | None
    low: float | None
    high: float | None
    confidence: float | None


@dataclass(frozen=True)
class MetricRanking:
    """One metric of one protocol on one dataset.

    Attributes:
        means: By network or control.
        beside: Each network against the unchanged input.
        best: Those to be marked; faulty protocols, and metrics of random features, have means alone.
        chances: How probable it is that a network has the best mean, were pictures and runs drawn again; of those that
            were measured on every picture in all of their runs. Empty where there are fewer than two, and where a
            picture is infinite for some of them alone.
    """

    dataset: str
    protocol: str
    metric: str
    means: Mapping[str, MeanScore]
    pairs: tuple[PairedTest, ...]
    beside: Mapping[str, PairedTest]
    best: frozenset[str]
    chances: Mapping[str, float]

    def between(self, name: str, other: str) -> PairedTest:
        """Return the test of two networks, in whichever order it was made.

        Raises:
            StopIteration: Where there is none.
        """
        return next(test for test in self.pairs if {test.first, test.second} == {name, other})

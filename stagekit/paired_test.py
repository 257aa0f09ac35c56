"""What a comparison of two networks over the same pictures came to: what every mark, sentence and table reads."""

from dataclasses import dataclass
from typing import Literal, Optional

Outcome = Literal["better", "alike", "few", "mixed"]
"""What a comparison came to; see `PairedTest`."""

TestMethod = Literal["exact", "permutation"]
"""Whether p counts all assignments of signs, or so many that were drawn."""


@dataclass(frozen=True)
class PairedTest:
    """Two networks over the pictures that both were measured on.

    The interval is the test turned round, at the level at which Holm's procedure tested this pair: it excludes 0 where
    the outcome is 'better' or 'mixed', on the side of the means where it is 'better', and holds 0 where it is 'alike'.

    Attributes:
        won: On how many pictures the first is better.
        lost: On how many pictures the first is worse.
        p: Corrected for the number of pairs.
        method: How it was found.
        outcome: 'better': the difference counts. 'alike': nothing tells the two apart. 'few': even if one had been
            better on every picture, the test could not have told. 'mixed': the pictures tell them apart, but the means
            do not point there, or runs of the one lie among those of the other.
        better: That of the two that is, where the outcome is 'better'.
        ahead: That of the two with the better mean, whether or not it counts; None where there is none.
        among_runs: Whether that is mixed because runs lie among one another.
        needs: How many pictures the test needs at least, where they are too few.
        difference: Mean of the first's score less the second's where both are finite; None where there is none.
        typical: The typical difference where the two differ: the Hodges-Lehmann estimate, the median of all means of
            two differences that are not 0.
        low: Lower end of the interval of the typical difference; of too few pictures, the least difference. None where
            too few pictures differ for one.
        high: Upper end of the interval of the typical difference; of too few pictures, the largest difference.
        confidence: Of the interval, at least 0.95; None where there is none, and of too few pictures.
    """

    first: str
    second: str
    n: int
    won: int
    lost: int
    p: float
    method: TestMethod
    outcome: Outcome
    better: Optional[str]
    ahead: Optional[str]
    among_runs: bool
    needs: Optional[int]
    difference: Optional[float]
    typical: Optional[float]
    low: Optional[float]
    high: Optional[float]
    confidence: Optional[float]

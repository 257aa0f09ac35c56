"""What the scores of a dataset allow to say in one metric: facts that were computed before, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


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


@dataclass(frozen=True)
class PairedTest:
    """Two networks over the pictures that both were measured on.

    Attributes:
        won: Pictures on which the first is better or worse.
        lost: Pictures on which the first is better or worse.
        p: Corrected for the number of pairs.
        method: Whether p counts all assignments of signs, or so many that were drawn.
        better: The one that is better beyond the noise, None where they cannot be told apart.
        difference: Mean of the first's score less the second's.
        low: Its 95 % interval; None where nobody asked.
        high: Its 95 % interval; None where nobody asked.
    """

    first: str
    second: str
    n: int
    won: int
    lost: int
    p: float
    method: Literal["exact", "permutation"]
    better: str | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class MetricRanking:
    """One metric of one protocol on one dataset.

    Attributes:
        means: By network or control.
        beside: Each network against the unchanged input.
        best: Those to be marked; faulty protocols, and metrics of random features, have means alone.
    """

    dataset: str
    protocol: str
    metric: str
    means: Mapping[str, MeanScore]
    pairs: tuple[PairedTest, ...]
    beside: Mapping[str, PairedTest]
    best: frozenset[str]

"""What the scores of a dataset allow to say in one metric: facts that were computed before, as frozen values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stagekit.paired_test import PairedTest

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


def between(tests: Iterable[PairedTest], name: str, other: str) -> PairedTest:
    """Return the test of two networks, in whichever order it was made.

    Raises:
        StopIteration: Where there is none.
    """
    return next(test for test in tests if {test.first, test.second} == {name, other})

"""What the scores of all datasets together allow to say in one metric: facts that were computed before."""

from collections.abc import Mapping
from dataclasses import dataclass

from stagekit.paired_test import PairedTest


@dataclass(frozen=True)
class OverallRanking:
    """One metric of one protocol over the pictures of all test datasets.

    Attributes:
        datasets: How many have such scores.
        pictures: How many they have together.
        ranked: Over how many of them ranks are: those that every network was measured on.
        ranks: Mean rank of each network, 1 for the best; empty where there are fewer than two.
        groups: The largest groups of networks no two of which the test tells apart, the best ranked first.
        pairs: Every two networks.
        beside: Each network against the unchanged input.
    """

    protocol: str
    metric: str
    datasets: int
    pictures: int
    ranked: int
    ranks: Mapping[str, float]
    groups: tuple[frozenset[str], ...]
    pairs: tuple[PairedTest, ...]
    beside: Mapping[str, PairedTest]

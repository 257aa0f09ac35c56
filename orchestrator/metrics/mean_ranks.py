"""Mean ranks over pictures, and which networks stand together because the test tells no two of them apart.

Source: Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7, 2006. Pictures stand in place of
data sets, and the groups come from the signed-rank test that makes every other mark, not from a critical distance.
"""

from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np

from orchestrator.metrics.ranking import picture_scores
from stagekit.measures import Direction
from stagekit.paired_test import PairedTest

_NOISE_DECIMALS = 9


def mean_ranks(networks: Mapping[str, np.ndarray], better: Direction) -> tuple[Mapping[str, float], int]:
    """Return each network's mean rank, 1 for the best, and over how many pictures: those that all were measured on.

    Scores that agree share the mean of their ranks. Without such a picture there are no ranks.

    Args:
        networks: Name to scores, float64, (runs, pictures): NaN where a picture was not measured, inf is allowed.
    """
    if len(networks) < 2:
        return {}, 0
    scores = np.array([picture_scores(runs) for runs in networks.values()])
    whole = scores[:, ~np.isnan(scores).any(axis=0)]
    if not whole.shape[1]:
        return {}, 0
    from scipy.stats import rankdata  # noqa: PLC0415 - slow to import, and only reports need it

    rounded = np.round(whole, _NOISE_DECIMALS)
    ranks = rankdata(-rounded if better == "higher" else rounded, axis=0).mean(axis=1)
    return dict(zip(networks, ranks.tolist(), strict=True)), whole.shape[1]


def not_told_apart(ranks: Mapping[str, float], pairs: Sequence[PairedTest]) -> tuple[frozenset[str], ...]:
    """Return the largest groups of two or more no two of which the test tells apart, the best ranked first.

    Args:
        ranks: Of every network; they order the groups, and join nobody and part nobody.
        pairs: Every two networks.
    """
    apart = {frozenset((pair.first, pair.second)) for pair in pairs if pair.better is not None}
    alike = {name: {other for other in ranks if other != name and {name, other} not in apart} for name in ranks}
    groups = [group for group in _cliques(frozenset(), set(ranks), set(), alike) if len(group) > 1]
    return tuple(sorted(groups, key=lambda group: sorted(ranks[name] for name in group)))


def _cliques(
    group: frozenset[str], able: Set[str], passed: Set[str], alike: Mapping[str, Set[str]]
) -> Iterator[frozenset[str]]:
    """Yield every largest group that holds this one (Bron and Kerbosch)."""
    if not able and not passed:
        yield group
    able, passed = set(able), set(passed)
    pivot = max(able | passed, key=lambda name: len(alike[name] & able), default=None)
    for name in sorted(able - (alike[pivot] if pivot is not None else set())):
        yield from _cliques(group | {name}, able & alike[name], passed & alike[name], alike)
        able.remove(name)
        passed.add(name)

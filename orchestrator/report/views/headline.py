"""What a comparison came to, in one sentence: who is ahead over all pictures, and whether that beats doing nothing."""

from collections.abc import Mapping, Sequence

from orchestrator.report import numbers
from orchestrator.report.content import ReportContent
from orchestrator.report.lookup import features_seen, metric_format, networks, overall_ranking, primary_protocol, tested
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.overall import OverallRanking
from orchestrator.report.rankings import between
from orchestrator.report.views.judgement_text import NOTHING, listed, size, standing
from stagekit.measures import INPUT
from stagekit.paired_test import PairedTest

_MOST_NAMED = 3


def headline(content: ReportContent) -> str:
    """Return what a comparison came to, in one sentence that no other mark of the report contradicts."""
    protocol = primary_protocol(content)
    titles = {network.name: network.title for network in networks(content)}
    shown = metric_format(content, protocol.metrics[0].name, ranked=protocol.ranked)
    found = overall_ranking(content, protocol.name, shown.name)
    if found is None or not found.beside:
        return _unjudged(content, len(titles))
    said = _Sentence(found, shown, titles).text
    trial = content.features == "random" and all(model.sees_features for model in content.models)
    return f"Trial run, not to be quoted: {said[0].lower()}{said[1:]}" if trial and features_seen(content) else said


def overall_order(found: OverallRanking) -> list[str]:
    """Return the measured networks: those that the fewest are better than first, of these the best mean rank first."""
    beaten = {
        name: sum(name in {test.first, test.second} and test.better not in {name, None} for test in found.pairs)
        for name in found.beside
    }
    return sorted(beaten, key=lambda name: (beaten[name], found.ranks.get(name, 0.0)))


def _unjudged(content: ReportContent, count: int) -> str:
    pictures = sum(len(dataset.items) for dataset in tested(content))
    scored = any(dataset.role == "pairs" for dataset in tested(content))
    why = "nothing was measured that could be judged" if scored else "without truth, to be compared by eye"
    return f"{numbers.count(count, 'network')} on {numbers.count(pictures, 'picture')}: {why}."


class _Sentence:
    """The sentence of networks that were measured."""

    def __init__(self, found: OverallRanking, metric: MetricFormat, titles: Mapping[str, str]) -> None:
        self._found = found
        self._metric = metric
        self._titles = titles
        self._leader, *self._others = overall_order(found)

    @property
    def text(self) -> str:
        """On what, who is ahead of whom by how much, and how that stands to doing nothing."""
        tests = {name: between(self._found.pairs, self._leader, name) for name in self._others}
        pictures = numbers.count(self._found.pictures, "picture")
        where = pictures if self._found.datasets == 1 else f"{pictures} of {self._found.datasets} datasets"
        few = [test for test in tests.values() if test.outcome == "few"]
        if few and not any(test.better == self._leader for test in tests.values()):
            names = self._named([name for name, test in tests.items() if test.outcome == "few"])
            needs = f"too few (needs at least {few[0].needs})"
            head = f"{where} {'is' if self._found.pictures == 1 else 'are'} {needs} to tell"
            return f"{head} {self._titles[self._leader]} from {names}{self._so_far()}."
        return f"On {where}, {self._titles[self._leader]} {listed([*self._ahead(tests), self._beside()])}."

    def _ahead(self, tests: Mapping[str, PairedTest]) -> list[str]:
        """Return how the leader stands to the others, one part of the sentence each."""
        by = {name: test for name, test in tests.items() if test.better == self._leader}
        rest = [name for name in tests if name not in by]
        if by and not rest:
            return [f"is ahead of {self._all(by)}"]
        parts = [f"is ahead of {self._named(list(by))}"] if by else []
        return [*parts, f"cannot be told apart from {self._named(rest)}"] if rest else parts

    def _all(self, tests: Mapping[str, PairedTest]) -> str:
        least = min(tests.values(), key=lambda test: abs(test.difference or 0.0))
        by = size(least, self._metric)
        if len(tests) == 1:
            return self._named(list(tests)) + (f" by {by}" if by else "")
        return f"all {len(tests)} others" + (f" by {by} or more" if by else "")

    def _named(self, names: Sequence[str]) -> str:
        if len(names) > _MOST_NAMED:
            return f"{len(names)} others"
        return listed([self._titles[name] for name in names])

    def _so_far(self) -> str:
        test = self._found.beside[self._leader]
        if test.outcome != "few":
            return f"; it {self._beside()}"
        where = {"ahead": "ahead of", "behind": "behind", None: "level with"}[standing(test, self._leader)]
        return f"; so far it is {where} {NOTHING}"

    def _beside(self) -> str:
        """Return how the leader stands to doing nothing, and whether any of the others does better there."""
        test = self._found.beside[self._leader]
        by = f" by {size(test, self._metric)}" if size(test, self._metric) else ""
        if test.better == self._leader:
            return f"is better than {NOTHING}{by}"
        if test.better == INPUT:
            every = all(one.better == INPUT for one in self._found.beside.values()) and self._others
            return f"is worse than {NOTHING}{by}" + (", as all others are" if every else "")
        if test.outcome == "few":
            return f"has too few pictures (needs at least {test.needs}) to be told from {NOTHING}"
        return f"cannot be told apart from {NOTHING}"

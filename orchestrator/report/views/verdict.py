"""What the scores say, in words: who is ahead where, by how much, and where that cannot be told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.address import dataset_page, href
from orchestrator.report.content import Dataset, ReportContent
from orchestrator.report.lookup import metric_format, metric_ranking, networks, primary_protocol, tested
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.rankings import MetricRanking, between
from orchestrator.report.views.judgement_text import NOTHING, favour, listed, size, spread, standing, too_few, won
from stagekit.measures import INPUT
from stagekit.paired_test import Outcome, PairedTest


@dataclass(frozen=True)
class DatasetVerdict:
    """What one dataset's scores say.

    Attributes:
        sentences: The most important first.
        chances: How probable it is that each has the best mean; empty where there are not two of them.
    """

    title: str
    href: str
    pictures: str
    sentences: tuple[str, ...]
    chances: str


@dataclass(frozen=True)
class VerdictView:
    """What all datasets say in the metric that the comparison is judged by.

    Attributes:
        overall: Over several datasets, or empty.
    """

    metric: str
    protocol: str
    overall: str
    datasets: tuple[DatasetVerdict, ...]


def verdict_view(content: ReportContent) -> VerdictView | None:
    """Return the verdict of a comparison; None where there is nothing to judge, or nothing to judge by."""
    protocol = primary_protocol(content)
    metric = metric_format(content, protocol.metrics[0].name, ranked=protocol.ranked)
    if not metric.ranked:
        return None
    titles = {network.name: network.title for network in networks(content)}
    found: list[DatasetVerdict] = []
    leaders: list[str | None] = []
    for dataset in tested(content):
        ranking = metric_ranking(content, dataset.name, protocol.name, metric.name)
        if dataset.role == "pairs" and ranking.means:
            judge = _Judge(ranking, metric, titles)
            found.append(_verdict(dataset, judge))
            leaders.append(judge.alone)
    if not found:
        return None
    return VerdictView(metric.title, protocol.label, _overall(leaders, titles), tuple(found))


def _verdict(dataset: Dataset, judge: "_Judge") -> DatasetVerdict:
    pictures = numbers.count(len(dataset.items), "picture")
    return DatasetVerdict(
        dataset.title, href(dataset_page(dataset.name)), pictures, tuple(judge.sentences()), judge.chances
    )


def _overall(leaders: Sequence[str | None], titles: Mapping[str, str]) -> str:
    """Return on how many of several datasets each network is ahead of all others."""
    if len(leaders) < 2 or len(titles) < 2:
        return ""
    counts = {name: leaders.count(name) for name in titles if name in leaders}
    if not counts:
        return f"On none of the {len(leaders)} datasets is one network ahead of all others."
    parts = [f"{titles[name]} on {count}" for name, count in sorted(counts.items(), key=lambda entry: -entry[1])]
    return f"Ahead of all others, of {len(leaders)} datasets: {listed(parts)}."


@dataclass(frozen=True)
class _Judge:
    """The networks of one dataset in one metric."""

    ranking: MetricRanking
    metric: MetricFormat
    titles: Mapping[str, str]

    def sentences(self) -> Iterator[str]:
        """Yield who leads, then how each stands to doing nothing, then who was not measured."""
        order = self._order
        if len(order) > 1:
            yield from self._leading(order[0], order[1:])
        yield from self._beside()
        yield from self._identical()
        absent = [title for name, title in self.titles.items() if name not in order and not self._infinite(name)]
        if absent:
            yield f"{listed(absent)} {'was' if len(absent) == 1 else 'were'} not measured, or not on any picture."

    def _identical(self) -> Iterator[str]:
        """Yield whose pictures are the truth itself, so that there is no mean to compare."""
        for name, title in self.titles.items():
            infinite = self._infinite(name)
            if infinite and name not in self._order:
                missing = self.ranking.means[name].total - infinite
                rest = f" and was not measured on {numbers.count(missing, 'other')}" if missing else ""
                yield f"{title} is identical to the truth on {numbers.count(infinite, 'picture')}{rest}."

    def _infinite(self, name: str) -> int:
        """On how many pictures an entrant is identical to the truth."""
        mean = self.ranking.means.get(name)
        return 0 if mean is None else len(mean.infinite)

    @property
    def alone(self) -> str | None:
        """The network that is better than all others beyond the noise."""
        order = self._order
        if len(order) < 2 or any(self._test(order[0], name).better != order[0] for name in order[1:]):
            return None
        return order[0]

    @property
    def _order(self) -> list[str]:
        """Networks with a mean: those that the fewest are better than first, of these the best mean first."""
        means, sign = self.ranking.means, -1 if self.metric.better == "higher" else 1
        values = {
            name: sign * mean for name in self.titles if name in means and (mean := means[name].value) is not None
        }
        beaten = {
            name: sum(
                name in {test.first, test.second} and test.better not in {name, None} for test in self.ranking.pairs
            )
            for name in values
        }
        return sorted(values, key=lambda name: (beaten[name], values[name]))

    @property
    def chances(self) -> str:
        """How probable it is that each network has the best mean, the most probable first."""
        chances = sorted(self.ranking.chances.items(), key=lambda entry: -entry[1])
        told = ", ".join(f"{self.titles[name]} {numbers.probability(share)}" for name, share in chances)
        sure = any(test.outcome == "few" for test in self.ranking.pairs)
        return f"{told} (too sure, of so few pictures)" if told and sure else told

    def _leading(self, leader: str, others: Sequence[str]) -> Iterator[str]:
        tests = {name: self._test(leader, name) for name in others}
        title = self.titles[leader]
        beaten = [self._by(leader, name) for name, test in tests.items() if test.better == leader]
        if beaten:
            yield f"{title} is ahead of {listed(beaten)}."
        yield from (
            f"{self.titles[name]} is ahead of {self._by(name, leader)}."
            for name in self._with(tests, "better")
            if tests[name].better == name
        )
        alike = self._with(tests, "alike")
        if len(alike) == 1:
            test = tests[alike[0]]
            yield f"{title} and {self.titles[alike[0]]} cannot be told apart: {self._alike(test, leader)}."
        elif alike:
            counts = [tests[name].n for name in alike]
            least, most = min(counts), max(counts)
            shared = (
                numbers.count(most, "picture") if least == most else f"the {least} to {most} pictures that two share"
            )
            yield f"{title} cannot be told apart from {listed([self.titles[name] for name in alike])} on {shared}."
        yield from (self._mixed(leader, name) for name in self._with(tests, "mixed"))
        yield from self._few(leader, {name: tests[name] for name in self._with(tests, "few")})

    @staticmethod
    def _with(tests: Mapping[str, PairedTest], outcome: Outcome) -> list[str]:
        return [name for name, test in tests.items() if test.outcome == outcome]

    def _few(self, leader: str, tests: Mapping[str, PairedTest]) -> Iterator[str]:
        """Yield from whom too few pictures tell the leader, and how it stands on those that there are."""
        for those in _by_pictures(tests):
            names = listed([self._title(name) for name in those])
            stand = f"it is {listed([self._stands(leader, name) for name in those])}"
            yield self._too_few(self.titles[leader], names, tests[those[0]], stand)

    def _too_few(self, one: str, others: str, test: PairedTest, stand: str) -> str:
        head = f"{too_few(test).capitalize()} to tell {one} from {others}"
        if not test.n:
            return f"{head}: there is none that both were measured on."
        return f"{head}. On the {numbers.count(test.n, 'picture')} at hand {stand}."

    def _stands(self, name: str, other: str, called: str = "") -> str:
        """Return how a network stands to another where that does not count."""
        where = {"ahead": "ahead of", "behind": "behind", None: "level with"}[standing(self._test(name, other), name)]
        return f"{where} {self._by(name, other, called)}"

    def _mixed(self, name: str, other: str) -> str:
        test = self._test(name, other)
        head = f"{self.titles[name]} and {self._title(other)} cannot be told apart"
        if test.among_runs:
            return f"{head}: single runs of the two lie among one another ({self._size(test, name)})."
        more = name if won(test, name) >= won(test, other) else other
        return (
            f"{head}: most pictures are in favour of {self._title(more)} ({favour(test, more, self.metric)}), "
            "the mean is not."
        )

    def _alike(self, test: PairedTest, name: str) -> str:
        if not test.won and not test.lost:
            return f"the same scores on {numbers.count(test.n, 'picture')}"
        return (
            f"a difference of {self._size(test, name)}"
            if test.difference is not None
            else spread(test, name, self.metric)
        )

    def _beside(self) -> Iterator[str]:
        """Yield who is worse than the unchanged input, who cannot be told apart from it, and who is better."""
        tests = {name: self.ranking.beside[name] for name in self._order if name in self.ranking.beside}
        for name in (name for name, test in tests.items() if test.better == INPUT):
            yield f"{self.titles[name]} is worse than {self._by(name, INPUT)}."
        for those in _by_pictures({name: tests[name] for name in self._with(tests, "few")}):
            names = listed([self.titles[name] for name in those])
            stand = listed([f"{self.titles[name]} is {self._stands(name, INPUT, 'it')}" for name in those])
            yield self._too_few(names, NOTHING, tests[those[0]], stand)
        alike = self._with(tests, "alike")
        if alike:
            yield f"{listed([self.titles[name] for name in alike])} cannot be told apart from {NOTHING}."
        yield from (self._mixed(name, INPUT) for name in self._with(tests, "mixed"))
        better = [name for name, test in tests.items() if test.better == name]
        if better:
            verb = "is" if len(better) == 1 else "are"
            yield f"{listed([self.titles[name] for name in better])} {verb} better than {NOTHING}."

    def _by(self, name: str, other: str, called: str = "") -> str:
        """Return the other one, as it is called, and by how much they differ."""
        test = self._test(name, other)
        by = f" by {self._size(test, name)}" if test.difference is not None else f" ({spread(test, name, self.metric)})"
        return (called or self._title(other)) + by

    def _size(self, test: PairedTest, name: str) -> str:
        """Return how large a difference is, with its interval and the share of pictures."""
        return f"{size(test, self.metric)} ({spread(test, name, self.metric)})"

    def _title(self, name: str) -> str:
        return NOTHING if name == INPUT else self.titles[name]

    def _test(self, name: str, other: str) -> PairedTest:
        return self.ranking.beside[name] if other == INPUT else between(self.ranking.pairs, name, other)


def _by_pictures(tests: Mapping[str, PairedTest]) -> list[list[str]]:
    """Return names together that have as many pictures and need as many."""
    found: dict[tuple[int, int | None], list[str]] = {}
    for name, test in tests.items():
        found.setdefault((test.n, test.needs), []).append(name)
    return list(found.values())

"""What the scores say, in words: who is ahead where, by how much, and where that cannot be told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.address import dataset_page, href
from orchestrator.report.content import Dataset, ReportContent
from orchestrator.report.lookup import metric_format, metric_ranking, networks, primary_protocol, tested
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.rankings import MetricRanking, PairedTest
from stagekit.measures import INPUT

_NOTHING = "the unchanged input"


@dataclass(frozen=True)
class DatasetVerdict:
    """What one dataset's scores say.

    Attributes:
        sentences: The most important first.
    """

    title: str
    href: str
    pictures: str
    sentences: tuple[str, ...]


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
    return DatasetVerdict(dataset.title, href(dataset_page(dataset.name)), pictures, tuple(judge.sentences()))


def _overall(leaders: Sequence[str | None], titles: Mapping[str, str]) -> str:
    """Return on how many of several datasets each network is ahead of all others."""
    if len(leaders) < 2 or len(titles) < 2:
        return ""
    counts = {name: leaders.count(name) for name in titles if name in leaders}
    if not counts:
        return f"On none of the {len(leaders)} datasets is one network ahead of all others."
    parts = [f"{titles[name]} on {count}" for name, count in sorted(counts.items(), key=lambda entry: -entry[1])]
    return f"Ahead of all others, of {len(leaders)} datasets: {_listed(parts)}."


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
            yield f"{_listed(absent)} {'was' if len(absent) == 1 else 'were'} not measured, or not on any picture."

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

    def _leading(self, leader: str, others: Sequence[str]) -> Iterator[str]:
        beaten = [name for name in others if self._test(leader, name).better == leader]
        alike = [name for name in others if name not in beaten]
        title = self.titles[leader]
        if beaten:
            yield f"{title} is ahead of {_listed([self._by(leader, name) for name in beaten])}."
        if len(alike) == 1:
            test = self._test(leader, alike[0])
            yield (
                f"{title} and {self.titles[alike[0]]} cannot be told apart{self._interval(test, ': a difference of ')}."
            )
        elif alike:
            counts = [self._test(leader, name).n for name in alike]
            least, most = min(counts), max(counts)
            shared = (
                numbers.count(most, "picture") if least == most else f"the {least} to {most} pictures that two share"
            )
            names = [title, *(self.titles[name] for name in alike)]
            yield f"{_listed(names)} cannot be told apart on {shared}."

    def _beside(self) -> Iterator[str]:
        """Yield who is worse than the unchanged input, who cannot be told apart from it, and who is better."""
        tests = {name: self.ranking.beside[name] for name in self._order if name in self.ranking.beside}
        worse = [name for name, test in tests.items() if test.better == INPUT]
        alike = [name for name, test in tests.items() if test.better is None]
        better = [name for name, test in tests.items() if test.better == name]
        for name in worse:
            yield f"{self.titles[name]} is worse than {self._by(name, INPUT)}."
        if alike:
            yield f"{_listed([self.titles[name] for name in alike])} cannot be told apart from {_NOTHING}."
        if better:
            verb = "is" if len(better) == 1 else "are"
            yield f"{_listed([self.titles[name] for name in better])} {verb} better than {_NOTHING}."

    def _by(self, name: str, other: str) -> str:
        """Return the other one and by how much they differ."""
        title = _NOTHING if other == INPUT else self.titles[other]
        return title + self._interval(self._test(name, other), " by ")

    def _interval(self, test: PairedTest, before: str) -> str:
        """Return how large a difference is, with its interval where there is one."""
        if test.difference is None:
            return ""
        sign = -1 if test.difference < 0 else 1
        unit = f" {self.metric.unit}" if self.metric.unit else ""
        decimals, least = self.metric.decimals, 10.0**-self.metric.decimals
        shown = max(abs(test.difference), least)
        size = f"{before}{'less than ' * (abs(test.difference) < least / 2)}{shown:.{decimals}f}{unit}"
        if test.low is None or test.high is None:
            return f"{size} on {numbers.count(test.n, 'picture')}, too few for an interval"
        low, high = sorted((sign * test.low, sign * test.high))
        bounds = numbers.interval(low, high, self.metric)
        return f"{size} ({f'95 % interval {bounds}, ' if bounds else ''}n = {test.n})"

    def _test(self, name: str, other: str) -> PairedTest:
        if other == INPUT:
            return self.ranking.beside[name]
        return next(test for test in self.ranking.pairs if {test.first, test.second} == {name, other})


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

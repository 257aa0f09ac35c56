"""Whatever the scores: interval, test, marks, sentences and files of a comparison say one and the same."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.report.content import NotMeasured, ReportContent
from orchestrator.report.machine.report_record import report_record
from orchestrator.report.machine.table_text import write_table
from orchestrator.report.rankings import MetricRanking
from orchestrator.report.views.comparison import comparison_view
from orchestrator.report.views.matrix import matrix_tables
from orchestrator.report.views.summary import summary_view
from orchestrator.report.views.tables import csv_table
from orchestrator.report.views.verdict import verdict_view
from stagekit.paired_test import PairedTest
from tests.report.test_summary import psnr, with_psnr

Value = float | NotMeasured
LOST = NotMeasured("lost")
LEVEL = 0.05


@dataclass(frozen=True)
class Drawn:
    """Scores by label, and which labels are runs of one network."""

    values: Mapping[str, Sequence[Value]]
    runs: int


@st.composite
def drawn_scores(draw: st.DrawFn) -> Drawn:
    """Draw up to five entrants on up to thirty pictures: ties, clear leads, identical pictures, missing ones."""
    n = draw(st.integers(1, 30))
    runs = draw(st.sampled_from([1, 1, 2]))
    count = draw(st.integers(1, 5))
    labels = [f"n0-seed{run}" for run in range(runs)] if runs > 1 else ["n0"]
    labels += [f"n{number}" for number in range(1, count)]
    base = draw(st.lists(st.integers(15, 30), min_size=n, max_size=n))
    values: dict[str, list[Value]] = {}
    for label in (*labels, "input"):
        lead = draw(st.sampled_from([0.0, 0.0, 0.5, 1.0, 8.0]))
        steps = draw(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.0, 0.25, 1.0, 40.0]), min_size=n, max_size=n))
        scores: list[Value] = [picture + lead + step for picture, step in zip(base, steps, strict=True)]
        odd = st.tuples(st.integers(0, n - 1), st.sampled_from([math.inf, LOST]))
        rare = draw(st.one_of(st.just([]), st.just([]), st.lists(odd, max_size=3)))
        for place, value in rare:
            scores[place] = value
        values[label] = scores
    return Drawn(values, runs)


def content_of(base: ReportContent, drawn: Drawn) -> ReportContent:
    models = []
    for label in drawn.values:
        if label == "input":
            continue
        name, _, seed = label.partition("-seed")
        group = name if seed else ""
        models.append(replace(base.models[0], label=label, title=name.upper(), group=group, seed=int(seed or 1)))
    return with_psnr(replace(base, models=tuple(models)), drawn.values)


def excludes_zero(test: PairedTest) -> bool:
    return test.low is not None and test.high is not None and (test.low > 0 or test.high < 0)


def check_test(test: PairedTest) -> None:
    """Check what one judgement says against itself."""
    assert (test.better is not None) == (test.outcome == "better")
    assert (test.needs is not None) == (test.outcome == "few")
    if test.outcome == "better":
        assert test.p < LEVEL
        assert test.ahead == test.better
        assert excludes_zero(test)
        assert test.low is not None
        assert (test.low > 0) == (test.better == test.first)
        assert test.difference is None or (test.difference > 0) == (test.better == test.first)
        assert test.confidence is not None
        assert test.confidence >= 0.95
    elif test.outcome == "mixed":
        assert test.p < LEVEL
        assert excludes_zero(test)
    elif test.outcome == "alike":
        assert test.p >= LEVEL
        assert not excludes_zero(test)
    else:
        assert test.p >= LEVEL
        assert test.needs is not None
        assert test.needs > test.n
        assert test.confidence is None


def check_few(tests: Sequence[PairedTest]) -> None:
    """Check how many pictures it takes, where all of a family have as many."""
    if not tests or len({test.n for test in tests}) > 1:
        return
    family, n = len(tests), tests[0].n
    told = [test.outcome == "few" for test in tests]
    assert all(told) == any(told) == (family * min(1.0, 2.0 ** (1 - n)) >= LEVEL)
    for test in tests:
        if test.needs is not None:
            assert family * 2.0 ** (1 - test.needs) < LEVEL <= family * min(1.0, 2.0 ** (2 - test.needs))


def check_best(ranking: MetricRanking, names: set[str]) -> None:
    whole = {name for name in names if name in ranking.means and not ranking.means[name].missing}
    beaten = {
        test.second if test.better == test.first else test.first
        for test in ranking.pairs
        if test.better is not None and {test.first, test.second} <= whole
    }
    assert ranking.best == (whole - beaten if beaten else set())
    assert set(ranking.chances) in (set(), whole)
    assert not ranking.chances or sum(ranking.chances.values()) == pytest.approx(1)


def check_sentences(content: ReportContent, ranking: MetricRanking) -> None:
    found = verdict_view(content)
    assert found is not None
    said = " ".join(found.datasets[0].sentences)
    tests = [*ranking.pairs, *ranking.beside.values()]
    assert ("cannot be told apart" in said) <= any(test.outcome in {"alike", "mixed"} for test in tests)
    assert ("Too few pictures" in said) <= any(test.outcome == "few" for test in tests)
    ahead = {test.better for test in ranking.pairs}
    assert all(name.upper() in said for name in ahead if name)
    for winner in re.findall(r"(N\d) is ahead of N", said):
        assert winner.lower() in ahead
    for name, test in ranking.beside.items():
        if ranking.means[name].value is None:
            continue
        better = re.search(rf"\b{name.upper()}\b[^.]* (is|are) better than the unchanged input", said)
        worse = f"{name.upper()} is worse than the unchanged input" in said
        assert bool(better) == (test.better == name), said
        assert worse == (test.better == "input"), said
        if test.outcome == "few":
            assert f"Too few pictures (needs at least {test.needs}) to tell" in said


def check_pages(content: ReportContent, ranking: MetricRanking) -> None:
    """Check marks and rows of the tables against the judgements."""
    view = summary_view(content)
    kinds = {"few": {"ahead", "behind", "few"}, "alike": {"alike"}, "mixed": {"alike"}}
    for name, cell in psnr(view).items():
        assert cell.best == (name in ranking.best)
        test = ranking.beside.get(name)
        if test is None or cell.kind != "score" or ranking.means[name].missing:
            assert cell.beside_input is None
        else:
            wanted = kinds.get(test.outcome, {"better" if test.better == name else "worse"})
            assert cell.beside_input is not None
            assert cell.beside_input.kind in wanted
    check_matrix(content, ranking)
    section = comparison_view(content, content.datasets[0]).metrics[0]
    for row, test in zip(section.duels, (*ranking.pairs, *ranking.beside.values()), strict=True):
        assert row.apart == (test.better is not None) == row.verdict.endswith(" is better")
        assert ("too few pictures (needs at least" in row.verdict) == (test.outcome == "few")
        if row.interval and excludes_zero(test):
            ends = [float(end.replace("∞", "inf")) for end in row.interval.split(" (")[0].split(" to ")]
            assert min(ends) > 0 or max(ends) < 0, row
        assert test.outcome == "few" or (float(row.p.lstrip("<")) < LEVEL) == (test.p < LEVEL)


def check_matrix(content: ReportContent, ranking: MetricRanking) -> None:
    """Check bars and marks of the first page; of one dataset the pictures of both are the same."""
    rows = {row.label: row for row in matrix_tables(content)[0].rows}
    assert {name for name, row in rows.items() if row.cells[0].best} == ranking.best
    for test in ranking.pairs:
        if rows[test.first].rank and rows[test.second].rank:
            joined = any(map(all, zip(rows[test.first].bars, rows[test.second].bars, strict=True)))
            assert joined == (test.better is None)


def check_files(content: ReportContent, ranking: MetricRanking) -> None:
    """Check what programs and papers get."""
    (entry,) = report_record(content).rankings
    assert set(entry.best) == ranking.best
    assert [pair.outcome for pair in entry.pairs] == [test.outcome for test in ranking.pairs]
    assert [pair.better for pair in entry.beside_input] == [test.better for test in ranking.beside.values()]
    rows = {row["network"]: row for row in csv.DictReader(io.StringIO(csv_table(content)))}
    marked = {name for name, row in rows.items() if row["best"] == "yes"}
    assert marked == ranking.best & set(rows)
    for name, test in ranking.beside.items():
        if name in rows:
            assert rows[name]["against_input"] == ("worse" if test.better == "input" else test.outcome)
    latex = write_table(content, "latex")
    assert latex.count("\\textbf{") == len(marked)


@pytest.mark.slow
@given(drawn=drawn_scores())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_everything_says_what_the_judgement_says(plausible: ReportContent, drawn: Drawn) -> None:
    check_everything(content_of(plausible, drawn))


def check_everything(content: ReportContent) -> None:
    (ranking,) = content.rankings
    for test in (*ranking.pairs, *ranking.beside.values()):
        check_test(test)
    check_few(ranking.pairs)
    check_few(list(ranking.beside.values()))
    check_best(ranking, {model.group or model.label for model in content.models})
    check_sentences(content, ranking)
    check_pages(content, ranking)
    check_files(content, ranking)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"n0": [20.0], "n1": [30.0], "input": [10.0]}, id="one-picture"),
        pytest.param({"n0": [20.0] * 4, "n1": [20.0] * 4, "input": [20.0] * 4}, id="all-alike"),
        pytest.param({"n0": [math.inf] * 4, "n1": [20.0] * 4, "input": [20.0] * 4}, id="identical-to-the-truth"),
        pytest.param({"n0": [LOST] * 3 + [20.0], "n1": [20.0] * 3 + [LOST], "input": [19.0] * 4}, id="none-in-common"),
    ],
)
def test_few_pictures_are_judged_without_contradiction(
    plausible: ReportContent, values: Mapping[str, Sequence[Value]]
) -> None:
    check_everything(content_of(plausible, Drawn(values, 1)))

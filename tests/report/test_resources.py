"""The page on time and memory: what was seen, beside what was allowed and expected, with gaps left open."""

from dataclasses import replace

import pytest

from orchestrator.report.content import ReportContent
from orchestrator.report.stage_content import MemoryOverTime
from orchestrator.report.views.resources import resources_view

GIB = 2**30


def row_of(content: ReportContent, memory: MemoryOverTime | None):
    stage = replace(content.stages[0], memory=memory, seconds=2.0)
    return resources_view(replace(content, stages=(stage,))).rows[0]


def test_chart_is_drawn_against_the_budget_in_steps(plausible: ReportContent) -> None:
    row = row_of(plausible, MemoryOverTime(0.5, (GIB, 2 * GIB, GIB, GIB), 4 * GIB))
    assert (row.memory, row.share, row.over) == ("2.0 GiB", "50% of 4.0 GiB", False)
    assert row.chart is not None
    assert row.chart.budget == "0.0"
    assert row.chart.line.startswith("M0.0 30.0L60.0 30.0L60.0 20.0L120.0 20.0")
    assert row.chart.words == "2.0 GiB at most, after 0.5 s of 2.0 s, of 4.0 GiB"


def test_gap_in_the_looks_stays_a_gap(plausible: ReportContent) -> None:
    row = row_of(plausible, MemoryOverTime(0.5, (GIB, None, GIB), None))
    assert row.chart is not None
    assert row.chart.line == "M0.0 0.0L80.0 0.0 M160.0 0.0L240.0 0.0"
    assert (row.share, row.chart.budget) == ("no limit", "")


def test_more_than_the_budget_is_marked_and_stays_in_the_chart(plausible: ReportContent) -> None:
    row = row_of(plausible, MemoryOverTime(0.5, (3 * GIB,), 2 * GIB))
    assert row.over
    assert row.chart is not None
    assert float(row.chart.budget) == pytest.approx(40 / 3, abs=0.05)


def test_stage_that_failed_is_told_as_failed_beside_what_it_held(plausible: ReportContent) -> None:
    stage = replace(plausible.stages[0], state="failed", seconds=2.0, memory=MemoryOverTime(0.5, (GIB, 2 * GIB), GIB))
    (row,) = resources_view(replace(plausible, stages=(stage,))).rows
    assert (row.ended, row.memory, row.over) == ("failed", "2.0 GiB", True)


def test_memory_that_nobody_recorded_is_said(plausible: ReportContent) -> None:
    row = row_of(plausible, None)
    assert (row.memory, row.chart) == ("not recorded", None)
    assert (
        "1 stage was not recorded"
        in resources_view(replace(plausible, stages=(replace(plausible.stages[0], memory=None),))).unseen
    )


def test_plan_of_the_parts_stands_beside_what_was_seen(plausible: ReportContent) -> None:
    rows = {(row.network, row.dataset): row for row in resources_view(plausible).tiles}
    row = rows["Zhang 2018", "Held-out scenes"]
    assert (row.segments, row.tiles, row.expected_memory, row.seen_memory) == ("4", "12 to 15", "1.6 GiB", "1.4 GiB")
    assert (row.expected_time, row.files) == ("2.0 s", "256 MiB")


def test_networks_that_ran_whole_have_no_rows(plausible: ReportContent) -> None:
    assert resources_view(replace(plausible, results=())).tiles == ()

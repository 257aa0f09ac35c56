"""The page that explains an old table: what it printed, what its formula gives here, and what it should have been."""

from dataclasses import replace

from orchestrator.execute.rankings import with_rankings
from orchestrator.report.content import ReportContent
from orchestrator.report.views.explained import ExplainedColumn, Explanation, explained_view


def columns(content: ReportContent) -> tuple[ExplainedColumn, ...]:
    (table,) = explained_view(content).tables
    return table.columns


def cell(content: ReportContent, row: int, metric: int) -> Explanation:
    return columns(content)[0].rows[row].cells[metric]


def test_cell_has_the_printed_number_beside_what_its_formula_gives_here(plausible: ReportContent) -> None:
    found = cell(plausible, 0, 0)
    assert (found.metric, found.printed, found.measured) == ("PSNR", "29.32", "An old table")
    assert (found.formula, found.nothing, found.meant, found.true) == ("17.67", "19.07", "17.17", "17.67")
    assert found.verdict == "below doing nothing on its own scale"


def test_cell_of_another_program_is_explained_by_that_program(plausible: ReportContent) -> None:
    psnr, _, lpips = columns(plausible)[0].rows[1].cells
    assert (psnr.formula, psnr.meant, psnr.verdict) == ("20.47", "", "")
    assert lpips.formula == lpips.true == "0.1975"


def test_every_cell_of_every_column_is_there(plausible: ReportContent) -> None:
    here, elsewhere = columns(plausible)
    assert here.counts == "the table says 199 pictures, its own log shows 198, this run has 4"
    assert elsewhere.counts == "not in this run"
    for column in (here, elsewhere):
        assert [len(row.cells) for row in column.rows] == [3, 3]
    assert {found.formula for row in elsewhere.rows for found in row.cells} == {"not in this run"}


def test_random_features_give_no_verdict(plausible: ReportContent) -> None:
    found = cell(plausible, 0, 2)
    assert found.metric == "LPIPS, random features"
    assert found.verdict == ""
    pretrained = with_rankings(replace(plausible, features="pretrained"))
    assert cell(pretrained, 0, 2).verdict == "below doing nothing on its own scale"


def test_share_of_wrapped_levels_is_told(plausible: ReportContent) -> None:
    assert columns(plausible)[0].wrapped == "0.124"

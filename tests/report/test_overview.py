"""The first screen as values: one sentence, scenes and matrix say what the judgement says."""

from dataclasses import replace

import pytest

from orchestrator.report.content import ReportContent
from orchestrator.report.views.citation import bibtex, links
from orchestrator.report.views.headline import headline
from orchestrator.report.views.making import is_busy, making_view
from orchestrator.report.views.matrix import matrix_tables
from tests.report.report_sample import MACHINE
from tests.report.test_summary import STEPS, around, with_psnr


def judged(content: ReportContent, **values: list[float]) -> ReportContent:
    return with_psnr(replace(content, features="pretrained"), values)


def test_headline_says_who_is_ahead_and_that_it_beats_doing_nothing(plausible: ReportContent) -> None:
    content = judged(plausible, zhang2018=around(18.0), ibcln2020=around(22.5), input=around(20.0))
    assert headline(content) == (
        "On 10 pictures, IBCLN 2020 is ahead of Zhang 2018 by 4.50 dB and is better than the unchanged input "
        "by 2.50 dB."
    )


def test_headline_of_too_few_pictures_says_how_many_it_takes(plausible: ReportContent) -> None:
    content = judged(plausible, zhang2018=[18.0, 19.0], ibcln2020=[22.0, 23.0], input=[20.0, 21.0])
    assert headline(content) == (
        "2 pictures are too few (needs at least 6) to tell IBCLN 2020 from Zhang 2018; "
        "so far it is ahead of the unchanged input."
    )


def test_headline_says_where_doing_nothing_is_better(plausible: ReportContent) -> None:
    content = judged(plausible, zhang2018=around(18.0), ibcln2020=around(19.0), input=around(25.0))
    assert headline(content).endswith("is worse than the unchanged input by 6.00 dB, as all others are.")


def test_trial_run_says_so_first(plausible: ReportContent) -> None:
    assert headline(plausible).startswith("Trial run, not to be quoted: ")


def test_matrix_is_in_the_order_of_ranks_and_bars_join_what_is_alike(plausible: ReportContent) -> None:
    content = judged(plausible, zhang2018=around(18.0), ibcln2020=around(22.5), input=around(20.0))
    table = matrix_tables(content)[0]
    assert [(row.label, row.rank) for row in table.rows][:2] == [("ibcln2020", "1.00"), ("zhang2018", "2.00")]
    assert [(row.together, row.bars) for row in table.rows[:2]] == [("", ()), ("", ())]
    near = [22.5 + step + (-1) ** place * 0.3 for place, step in enumerate(STEPS)]
    content = judged(plausible, zhang2018=around(18.0), errnet2019=near, ibcln2020=around(22.5), input=around(20.0))
    rows = {row.label: row for row in matrix_tables(content)[0].rows}
    assert [(rows[name].together, rows[name].bars) for name in ("errnet2019", "ibcln2020", "zhang2018")] == [
        ("not told apart from IBCLN 2020", (True,)),
        ("not told apart from ERRNet 2019", (True,)),
        ("", (False,)),
    ]
    assert [row.label for row in table.controls] == ["input", "truth"]


def test_every_number_of_the_matrix_has_its_making(plausible: ReportContent) -> None:
    island = making_view(plausible, plausible.datasets).island
    cells = [cell for table in matrix_tables(plausible) for row in table.rows for cell in row.cells]
    assert all(cell.making in island["cells"] for cell in cells if cell.kind == "score")
    made = island["cells"][cells[0].making]
    assert made["n"] == "4 of 4"
    assert island["stages"][made["stages"][0]]["name"].startswith("evaluate/")


@pytest.mark.parametrize(("load", "busy"), [(None, False), (0.4, False), (4.0, True)])
def test_a_machine_is_busy_where_half_of_it_had_work(plausible: ReportContent, load: float | None, busy: bool) -> None:
    assert is_busy(replace(plausible.stages[0], machine=MACHINE, load=load)) == busy


def test_citation_holds_no_markup_of_others(plausible: ReportContent) -> None:
    model = plausible.models[0]
    hostile = replace(model, paper=replace(model.paper, title="A {b} & \\c", program="see http://u:p@host/x"))
    assert "{A \\{b\\} \\& \\textbackslash{}c}" in bibtex(hostile)
    assert [link.text for link in links(hostile.paper)] == ["find the paper"]
    assert [link.text for link in links(model.paper)] == ["find the paper", "the authors' program"]

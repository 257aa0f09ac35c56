"""The summary tables: what is best, what is not ranked, what is said where a number is missing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.execute.rankings import with_rankings
from orchestrator.report.content import NotMeasured, Picture, PictureScores, ReportContent, Result, Scores
from orchestrator.report.views.mean_cell import Cell
from orchestrator.report.views.summary import SummaryView, summary_view
from orchestrator.spec.scoring import chosen_protocol

LABELS = ("zhang2018", "errnet2019", "ibcln2020")
STEPS = [0.1 * (7 * n % 10) for n in range(10)]
"""Differences between ten pictures: the same in every run, in no order."""


def with_psnr(
    content: ReportContent, values: Mapping[str, Sequence[float | NotMeasured]], protocol: str = "standard"
) -> ReportContent:
    """Return a comparison in which PSNR of one protocol is the only metric and every picture has these values."""
    count = len(next(iter(values.values())))
    items = tuple(Picture(f"p{n}", None, Path("t.png"), None, 40, 50, "") for n in range(count))
    dataset = replace(content.datasets[0], items=items)
    results = tuple(
        Result(label, dataset.name, None, {protocol: psnr_scores(protocol, items, own)})
        for label, own in values.items()
    )
    chosen = chosen_protocol(protocol, ("psnr",))  # type: ignore[arg-type]  # a protocol's name
    psnr = tuple(metric for metric in chosen.metrics if metric.name == "psnr")
    primary = chosen_protocol("standard", ("psnr",))
    protocols = (replace(chosen, metrics=psnr),) if chosen.ranked else (primary, replace(chosen, metrics=psnr))
    return with_rankings(
        replace(content, protocols=protocols, datasets=(dataset,), test=(dataset.name,), results=results)
    )


def psnr_scores(protocol: str, items: tuple[Picture, ...], own: Sequence[float | NotMeasured]) -> Scores:
    scored = tuple(PictureScores(item.id, {"psnr": value}) for item, value in zip(items, own, strict=True))
    return Scores(protocol, 1, ("psnr",), scored)


def around(mean: float, steps: Sequence[float] = STEPS) -> list[float]:
    """Return the scores of ten pictures."""
    return [mean + step for step in steps]


def psnr(view: SummaryView, table: int = 0) -> dict[str, Cell]:
    return {row.label: row.cells[0] for row in (*view.tables[table].rows, *view.tables[table].controls)}


def test_best_is_marked_where_the_difference_is_beyond_the_noise(plausible: ReportContent) -> None:
    values = {"zhang2018": around(18.0), "errnet2019": around(20.0), "ibcln2020": around(22.5)}
    view = summary_view(with_psnr(plausible, values))
    assert {label: cell.best for label, cell in psnr(view).items() if label in LABELS} == {
        "zhang2018": False,
        "errnet2019": False,
        "ibcln2020": True,
    }
    assert view.tables[0].any_best


def test_networks_that_cannot_be_told_apart_share_the_mark(plausible: ReportContent) -> None:
    noise = [(-1) ** n * 0.3 * (n + 1) for n in range(10)]
    values = {
        "zhang2018": around(15.0),
        "errnet2019": around(22.0),
        "ibcln2020": [value + step for value, step in zip(around(22.0), noise, strict=True)],
    }
    cells = psnr(summary_view(with_psnr(plausible, values)))
    assert [cells[label].best for label in LABELS] == [False, True, True]


def test_marks_of_too_few_pictures_say_how_it_stands_and_how_many_it_takes(plausible: ReportContent) -> None:
    values = {"zhang2018": around(18.0)[:5], "errnet2019": around(28.0)[:5], "input": around(20.0)[:5]}
    view = summary_view(with_psnr(plausible, values))
    cells = psnr(view)
    marks = [cells[label].beside_input for label in LABELS[:2]]
    assert [(found.symbol, found.text) for found in marks if found] == [
        ("▽", "behind the unchanged input so far, too few pictures (needs at least 7)"),
        ("△", "ahead of the unchanged input so far, too few pictures (needs at least 7)"),
    ]
    assert view.tables[0].any_few


def test_nothing_is_best_where_nothing_can_be_told_apart(plausible: ReportContent) -> None:
    values = {"zhang2018": [20.0, 21.0], "errnet2019": [23.0, 24.0], "ibcln2020": [26.0, 27.0]}
    assert not summary_view(with_psnr(plausible, values)).tables[0].any_best


@pytest.mark.slow
def test_faulty_protocol_is_never_ranked_and_says_why(plausible: ReportContent) -> None:
    values = {"zhang2018": around(18.0), "errnet2019": around(20.0), "ibcln2020": around(22.5), "input": around(29.0)}
    view = summary_view(with_psnr(plausible, values, "course2024"))
    table = view.tables[1]
    assert not table.any_best
    assert not table.any_beside
    assert "wrap around" in table.fault
    assert table.name == "course2024 v1, faulty"
    assert psnr(view, 1)["ibcln2020"].text == "22.95"


def test_metric_of_random_features_ranks_nothing(plausible: ReportContent) -> None:
    ranked = {(found.protocol, found.metric): bool(found.pairs) for found in plausible.rankings}
    assert ranked["standard", "psnr"]
    assert not ranked["standard", "lpips"]


def test_every_mean_has_its_interval_and_every_dataset_its_count(plausible: ReportContent) -> None:
    view = summary_view(with_psnr(plausible, {"zhang2018": around(18.0), "errnet2019": around(20.0)}))
    row = next(row for row in view.tables[0].rows if row.label == "zhang2018")
    low, high = (float(text) for text in row.cells[0].interval.split(" to "))
    assert 18.0 < low < 18.45 < high < 18.9
    assert row.cells[-1].text == "10"


def test_controls_are_apart_and_never_best(plausible: ReportContent) -> None:
    table = summary_view(plausible).tables[0]
    assert [row.label for row in table.controls] == ["input", "truth"]
    assert not any(cell.best for row in table.controls for cell in row.cells)
    assert [cell.text for cell in table.controls[1].cells] == ["∞ (identical)", "1.0000", "0.0000", "4"]


def test_controls_are_in_the_table_of_every_protocol(plausible: ReportContent) -> None:
    for table in summary_view(plausible).tables:
        assert [row.label for row in table.controls] == ["input", "truth"]


@pytest.mark.slow
def test_network_is_set_against_the_unchanged_input_beyond_the_noise(plausible: ReportContent) -> None:
    values = {
        "zhang2018": around(18.0),
        "errnet2019": around(20.0, STEPS[::-1]),
        "ibcln2020": around(22.5),
        "input": around(20.0),
    }
    cells = psnr(summary_view(with_psnr(plausible, values)))
    marks = [cells[label].beside_input for label in LABELS]
    assert [found.kind for found in marks if found] == ["worse", "alike", "better"]


def test_values_that_round_alike_get_more_digits(plausible: ReportContent) -> None:
    cells = psnr(summary_view(with_psnr(plausible, {"zhang2018": [20.001], "errnet2019": [20.002]})))
    assert [cells[label].text for label in LABELS[:2]] == ["20.001", "20.002"]


def test_network_without_a_result_says_so(plausible: ReportContent) -> None:
    view = summary_view(with_psnr(plausible, {"zhang2018": [20.0], "errnet2019": [20.0]}))
    assert psnr(view)["ibcln2020"].text == "not measured: no result was recorded"


@pytest.mark.slow
def test_network_with_a_missing_picture_is_incomplete_and_not_ranked(plausible: ReportContent) -> None:
    lost = NotMeasured("the prediction has 40 x 48 pixels, the truth 40 x 50")
    values: dict[str, list[float | NotMeasured]] = {
        "zhang2018": [*around(30.0)[:9], lost],
        "errnet2019": [*around(22.0)],
        "ibcln2020": [*around(20.0)],
    }
    cells = psnr(summary_view(with_psnr(plausible, values)))
    assert cells["zhang2018"].incomplete
    assert cells["zhang2018"].remarks == (
        "incomplete: 9 of 10 pictures",
        "not measured: the prediction has 40 x 48 pixels, the truth 40 x 50: p9",
    )
    assert not cells["zhang2018"].best
    assert cells["errnet2019"].best


def test_infinite_scores_are_left_out_of_the_mean_and_named(plausible: ReportContent) -> None:
    values = {"zhang2018": [math.inf, 20.0, 21.0], "errnet2019": [20.0, 21.0, 22.0]}
    cells = psnr(summary_view(with_psnr(plausible, values)))
    assert cells["zhang2018"].text == "20.50"
    assert cells["zhang2018"].remarks == ("2 of 3 finite; infinite: p0",)
    assert not cells["zhang2018"].incomplete


@pytest.mark.slow
def test_several_seeds_are_one_row_with_their_spread(plausible: ReportContent) -> None:
    first, second, third = plausible.models
    runs = tuple(replace(second, label=f"errnet2019-seed{n}", seed=n, group="errnet2019") for n in (1, 2))
    content = replace(plausible, models=(first, *runs, third))
    values = {
        "zhang2018": around(20.0),
        "errnet2019-seed1": around(19.0),
        "errnet2019-seed2": around(22.0),
        "ibcln2020": around(25.0),
    }
    table = summary_view(with_psnr(content, values)).tables[0]
    assert [row.label for row in table.rows] == ["zhang2018", "errnet2019", "ibcln2020"]
    cell = table.rows[1].cells[0]
    assert (cell.text, cell.runs) == ("20.95", "2 seeds: 19.45 to 22.45")
    assert [row.cells[0].best for row in table.rows] == [False, False, True]


def test_network_whose_seeds_surround_the_best_is_not_told_apart(plausible: ReportContent) -> None:
    first, second, third = plausible.models
    runs = tuple(replace(second, label=f"errnet2019-seed{n}", seed=n, group="errnet2019") for n in (1, 2))
    content = replace(plausible, models=(first, *runs, third))
    values = {
        "zhang2018": around(10.0),
        "errnet2019-seed1": around(19.0),
        "errnet2019-seed2": around(22.0),
        "ibcln2020": around(21.0),
    }
    table = summary_view(with_psnr(content, values)).tables[0]
    assert [row.cells[0].best for row in table.rows] == [False, True, True]


def test_a_seed_that_failed_is_counted_and_its_network_not_best(plausible: ReportContent) -> None:
    first, second, third = plausible.models
    runs = tuple(replace(second, label=f"errnet2019-seed{n}", seed=n, group="errnet2019") for n in (1, 2, 3))
    content = replace(plausible, models=(first, *runs, third))
    values = {
        "zhang2018": around(20.0),
        "errnet2019-seed1": around(29.0),
        "errnet2019-seed3": around(28.0),
        "ibcln2020": around(25.0),
    }
    cell = summary_view(with_psnr(content, values)).tables[0].rows[1].cells[0]
    assert cell.runs == "2 of 3 seeds: 28.45 to 29.45"
    assert not cell.best


def test_photographs_are_shown_and_not_scored(plausible: ReportContent) -> None:
    view = summary_view(plausible)
    assert [dataset.title for dataset in view.tables[0].datasets] == ["Held-out scenes"]
    assert [(dataset.title, dataset.pictures) for dataset in view.photos] == [("My photographs", "2 photographs")]


@pytest.mark.parametrize("report", ["plausible", "hostile_content"])
def test_every_cell_of_every_table_is_filled(report: str, request: pytest.FixtureRequest) -> None:
    for table in summary_view(request.getfixturevalue(report)).tables:
        for row in (*table.rows, *table.controls):
            assert sum(cell.span for cell in row.cells) == table.columns - 1
            assert all(cell.text for cell in row.cells)

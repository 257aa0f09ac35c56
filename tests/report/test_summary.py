"""The summary table: what is best, what is not ranked, what is said where a number is missing."""

import math
from dataclasses import replace

import pytest

from orchestrator.report.content import NotMeasured, PictureScores, ReportContent, Result, Scores
from orchestrator.report.summary import Cell, SummaryView, summary_view

LABELS = ("zhang2018", "errnet2019", "ibcln2020")


def with_psnr(content: ReportContent, values: dict[str, list[float | NotMeasured]]) -> SummaryView:
    """Return the table of a comparison in which PSNR is the only metric and every picture has these values."""
    dataset = content.datasets[0]
    items = dataset.items[: len(next(iter(values.values())))]
    results = tuple(
        Result(
            label,
            dataset.name,
            None,
            Scores(
                "standard",
                ("psnr",),
                tuple(PictureScores(item.id, {"psnr": value}) for item, value in zip(items, own, strict=True)),
            ),
        )
        for label, own in values.items()
    )
    return summary_view(replace(content, metrics=("psnr",), datasets=(replace(dataset, items=items),), results=results))


def psnr(view: SummaryView) -> dict[str, Cell]:
    return {row.label: row.cells[0] for row in (*view.rows, *view.controls)}


def test_best_is_marked_by_the_metrics_direction(plausible: ReportContent) -> None:
    view = summary_view(replace(plausible, features="pretrained"))
    best = {row.label: [cell.best for cell in row.cells] for row in view.rows}
    assert best == {"zhang2018": [False] * 4, "errnet2019": [False] * 4, "ibcln2020": [True] * 3 + [False]}


def test_metric_of_random_features_ranks_nothing(plausible: ReportContent) -> None:
    view = summary_view(replace(plausible, features="random"))
    best = {row.label: [cell.best for cell in row.cells] for row in view.rows}
    assert best["ibcln2020"] == [True, True, False, False]


def test_controls_are_apart_and_never_best(plausible: ReportContent) -> None:
    view = summary_view(plausible)
    assert [row.label for row in view.controls] == ["input", "truth"]
    assert not any(cell.best for row in view.controls for cell in row.cells)
    assert [cell.text for cell in view.controls[1].cells] == ["∞ (identical)", "1.0000", "0.0000", "4"]


def test_network_below_the_unchanged_input_is_marked(plausible: ReportContent) -> None:
    rows = {row.label: row for row in summary_view(plausible).rows}
    assert [cell.beside_input for cell in rows["zhang2018"].cells] == ["worse"] * 3 + [""]
    assert [cell.beside_input for cell in rows["ibcln2020"].cells] == ["better"] * 3 + [""]


def test_values_that_round_alike_get_more_digits(plausible: ReportContent) -> None:
    cells = psnr(with_psnr(plausible, {"zhang2018": [20.001], "errnet2019": [20.002], "ibcln2020": [19.0]}))
    assert [cells[label].text for label in LABELS] == ["20.001", "20.002", "19.00"]
    assert [cells[label].best for label in LABELS] == [False, True, False]


def test_true_ties_are_both_best(plausible: ReportContent) -> None:
    cells = psnr(with_psnr(plausible, {"zhang2018": [20.0], "errnet2019": [20.0], "ibcln2020": [19.0]}))
    assert [cells[label].best for label in LABELS] == [True, True, False]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"zhang2018": [20.0]}, id="alone"),
        pytest.param({"zhang2018": [20.0], "errnet2019": [20.0]}, id="all-alike"),
    ],
)
def test_nothing_is_best_without_a_lesser_one(
    plausible: ReportContent, values: dict[str, list[float | NotMeasured]]
) -> None:
    view = with_psnr(plausible, values)
    assert not view.any_best
    assert psnr(view)["ibcln2020"].text == "not measured: no result was recorded"


def test_network_with_a_missing_picture_is_not_ranked(plausible: ReportContent) -> None:
    lost = NotMeasured("sizes differ")
    cells = psnr(
        with_psnr(plausible, {"zhang2018": [30.0, lost], "errnet2019": [20.0, 21.0], "ibcln2020": [19.0, 19.0]})
    )
    assert cells["zhang2018"].text == "30.00"
    assert cells["zhang2018"].remark == "over 1 picture; not measured: sizes differ"
    assert not cells["zhang2018"].best
    assert cells["errnet2019"].best


def test_identical_pictures_are_counted(plausible: ReportContent) -> None:
    cells = psnr(with_psnr(plausible, {"zhang2018": [math.inf, 20.0], "errnet2019": [20.0, 21.0]}))
    assert cells["zhang2018"].text == "∞ (1 of 2 identical)"


def test_photographs_are_shown_and_not_scored(plausible: ReportContent) -> None:
    view = summary_view(plausible)
    assert [dataset.title for dataset in view.datasets] == ["Held-out scenes"]
    assert [(dataset.title, dataset.pictures) for dataset in view.photos] == [("My photographs", "2 photographs")]

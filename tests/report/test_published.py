"""The page of published numbers: a difference only where it means something, and what agreement to expect."""

from dataclasses import replace

import pytest

from orchestrator.report.content import ReportContent
from orchestrator.report.views.published import PublishedNetwork, published_view
from orchestrator.spec.published_numbers import PublishedTable
from tests.report.report_sample import PROTOCOLS, published


def shown(content: ReportContent, title: str) -> PublishedNetwork:
    (dataset,) = published_view(content).datasets
    return next(network for network in dataset.networks if network.title == title)


def test_ours_stand_beside_theirs_with_the_difference(plausible: ReportContent) -> None:
    network = shown(plausible, "ERRNet 2019")
    assert [mean.text for mean in network.own] == ["20.47", "0.8683"]
    psnr, ssim = network.lines[0].numbers
    assert (psnr.printed, psnr.ours, psnr.difference) == ("22.89", "20.47 (errnet2019)", "-2.42")
    assert (ssim.printed, ssim.ours, ssim.difference) == ("0.803", "0.868 (errnet2019)", "+0.065")


def test_spread_of_published_numbers_is_told_with_their_packs(plausible: ReportContent) -> None:
    said = shown(plausible, "ERRNet 2019").spread
    assert said == "Published PSNR 21.50 to 22.89, 1.39 dB apart, over packs of 4 and 179 pictures"


def test_other_networks_are_shown_without_ours(plausible: ReportContent) -> None:
    network = shown(plausible, "Somebody 2020, table 1")
    assert network.own == ()
    assert network.lines[0].numbers[0].difference == ""


def test_number_over_other_pictures_has_no_difference(plausible: ReportContent) -> None:
    (line,) = shown(plausible, "Zhang 2018").lines
    assert line.numbers[0].why == "other pictures there, Somebody 2020, table 1"
    assert line.numbers[0].difference == ""


@pytest.mark.parametrize(
    ("protocol", "why"),
    [
        pytest.param("errnet2019", "protocol errnet2019 there, standard here: add it to 'protocols'", id="other"),
        pytest.param(None, "", id="unknown"),
    ],
)
def test_protocols_must_agree_where_theirs_is_known(plausible: ReportContent, protocol: str, why: str) -> None:
    table = published("skimage-test").model_copy(update={"protocol": protocol})
    content = replace(plausible, published=(table,), protocols=PROTOCOLS[:1])
    line = shown(content, "ERRNet 2019").lines[0]
    assert line.protocol == (protocol or "not known")
    assert line.numbers[0].why == why
    assert bool(line.numbers[0].difference) == (not why)


def test_incomplete_mean_has_no_difference(plausible: ReportContent) -> None:
    rankings = tuple(
        replace(
            found,
            means={
                name: replace(mean, missing={"there is no prediction": ("coffee",)})
                for name, mean in found.means.items()
            },
        )
        for found in plausible.rankings
    )
    numbers = shown(replace(plausible, rankings=rankings), "ERRNet 2019").lines[0].numbers
    assert {beside.why for beside in numbers} == {"ours is not measured on every picture"}


def test_datasets_of_which_nothing_is_published_are_named(plausible: ReportContent) -> None:
    elsewhere: PublishedTable = published("elsewhere")
    view = published_view(replace(plausible, published=(elsewhere,)))
    assert view.datasets == ()
    assert view.sources == ()
    assert view.absent == ("Held-out scenes",)


def test_numbers_that_have_no_column_are_told_in_the_remark(plausible: ReportContent) -> None:
    table = published("skimage-test")
    row = table.rows[0].model_copy(update={"psnr": None, "ssim": None, "lpips": 0.1478, "note": "run again"})
    content = replace(plausible, published=(table.model_copy(update={"rows": (row,)}),))
    ((network,),) = ([*dataset.networks] for dataset in published_view(content).datasets)
    (line,) = network.lines
    assert "LPIPS 0.1478" in line.remark.split("; ")
    assert line.remark.endswith("run again")
    assert [number.printed for number in line.numbers] == ["not printed", "not printed"]


def test_numbers_that_are_everywhere_the_same_have_no_spread(plausible: ReportContent) -> None:
    table = published("skimage-test")
    row = table.rows[0].model_copy(update={"network": "errnet2019"})
    tables = (table.model_copy(update={"rows": (row,)}), table.model_copy(update={"name": "copied", "rows": (row,)}))
    said = shown(replace(plausible, published=tables), "ERRNet 2019").spread
    assert "22.89 in each" in said
    assert "apart" not in said

"""The report in a real browser, opened from disk: it works, stays silent, and asks for nothing outside."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from orchestrator.report.content import ReportContent
from orchestrator.report.render import render_report
from orchestrator.spec.protocol import ProtocolMetric
from tests.browser import becomes, eventually

pytestmark = pytest.mark.browser


def names(index: Path) -> list[Path]:
    return sorted(index.parent.glob("*.html"))


@pytest.mark.parametrize("width", [2560, 1280, 375])
@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_pages_open_and_fit(
    report: str, width: int, opened: Callable[..., Page], request: pytest.FixtureRequest
) -> None:
    for path in names(request.getfixturevalue(report)):
        page = opened(path, width=width)
        page.evaluate("for (const image of document.images) image.loading = 'eager'")
        loaded = "Promise.all(Array.from(document.images, (image) => image.decode())).then(() => true)"
        assert page.evaluate(loaded), path.name
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path.name


def test_table_sorts_by_click_and_keeps_missing_last(plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report)
    order = "rows => rows.map(row => row.dataset.label)"
    page.locator("[data-fold=scores] > summary").click()
    table = page.locator("[data-fold=scores] table[data-sortable]").first
    rows = table.locator("tbody[data-sorted] tr")
    lpips = table.locator("th[data-sort='3']")
    lpips.locator("button").click()
    expect(lpips).to_have_attribute("aria-sort", "ascending")
    becomes(page, lambda: rows.evaluate_all(order), ["ibcln2020", "errnet2019", "zhang2018"])
    lpips.locator("button").press("Enter")
    expect(lpips).to_have_attribute("aria-sort", "descending")
    becomes(page, lambda: rows.evaluate_all(order), ["zhang2018", "errnet2019", "ibcln2020"])
    table.locator("th[data-sort='1'] button").click()
    expect(lpips).not_to_have_attribute("aria-sort", re.compile(".*"))
    becomes(page, lambda: rows.evaluate_all(order), ["ibcln2020", "errnet2019", "zhang2018"])
    expect(table.locator("tbody.controls tr")).to_have_count(3)


def test_missing_score_sorts_last_both_ways(hostile_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(hostile_report)
    page.locator("[data-fold=scores] > summary").click()
    table = page.locator("[data-fold=scores] table[data-sortable]").first
    button = table.locator("th[data-sort='1'] button")
    for _ in range(2):
        button.click()
        last = table.locator("tbody[data-sorted] tr").last
        expect(last).to_have_attribute("data-label", "ibcln2020")


@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_charts_are_drawn(report: str, opened: Callable[..., Page], request: pytest.FixtureRequest) -> None:
    page = opened(request.getfixturevalue(report).parent / "training.html")
    page.wait_for_selector("html[data-drawn]")
    places = page.locator("[data-figure]")
    assert places.count() >= 4
    assert page.locator("[data-figure] .main-svg").count() >= places.count()
    expect(page.locator("[data-figure] b, [data-figure] a, [data-figure] img")).to_have_count(0)


def test_dark_pages_are_dark(plausible_report: Path, opened: Callable[..., Page]) -> None:
    brightness = "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
    assert opened(plausible_report, dark=True).evaluate(brightness) < 60
    assert opened(plausible_report).evaluate(brightness) > 200


def test_plots_are_drawn_when_they_are_seen(plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report)
    expect(page.locator("[data-cost][data-drawn]")).to_have_count(0)
    page.locator("[data-cost]").scroll_into_view_if_needed()
    page.wait_for_selector("[data-cost][data-drawn]")
    assert page.locator("[data-plot=cost] .main-svg").count() > 0
    caption = page.locator("#plot-cost")
    expect(caption).to_contain_text("IBCLN 2020 22.57 dB at")
    page.locator("[data-cost-metric]").select_option("ssim")
    expect(caption).to_contain_text("SSIM, higher is better")


LONG = "Somebody and others 2019, without noise (schwaecher)"
WIDTHS = (1440, 375)


def within(page: Page, plot: str, texts: str) -> bool:
    """Whether all such texts of a plot lie within it."""
    return bool(
        page.evaluate(
            """([plot, texts]) => {
              const room = document.querySelector(plot).getBoundingClientRect();
              const place = (one) => one.getBoundingClientRect();
              const found = Array.from(document.querySelectorAll(`${plot} ${texts}`), place);
              return found.length > 0 && found.every((one) => one.left >= room.left - 1 && one.right <= room.right + 1
                && one.top >= room.top - 1 && one.bottom <= room.bottom + 1);
            }""",
            [plot, texts],
        )
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_long_names_are_cut_by_no_edge_of_a_plot_and_cross_no_legend(
    width: int, plausible: ReportContent, tmp_path: Path, opened: Callable[..., Page]
) -> None:
    models = tuple(replace(model, title=f"{LONG} {number}") for number, model in enumerate(plausible.models))
    index = render_report(replace(plausible, models=models), tmp_path / "report")
    page = opened(index, width=width)
    page.locator("[data-cost]").scroll_into_view_if_needed()
    page.wait_for_selector("[data-cost][data-drawn]")
    assert within(page, "[data-plot=cost]", ".textpoint text")
    page = opened(index.with_name("dataset-skimage-test.html"), width=width)
    page.locator("[data-plots]").scroll_into_view_if_needed()
    page.wait_for_selector("[data-plots][data-drawn]")
    assert within(page, "[data-plot=paired]", ".ytitle")
    bottom = "document.querySelector('[data-plot=paired] .legend').getBoundingClientRect().bottom"
    assert page.evaluate(
        f"{bottom} <= document.querySelector('[data-plot=paired] .ytitle').getBoundingClientRect().top + 1"
    )


def test_plots_follow_the_theme(plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report.parent / "dataset-skimage-test.html", dark=True)
    page.wait_for_selector("[data-plots][data-drawn]")
    line = "document.querySelector('[data-plot=distribution] .boxlayer path.box').style.stroke"
    dark = page.evaluate(line)
    page.emulate_media(color_scheme="light")
    eventually(page, f"{line} !== '{dark}'")


def test_point_of_a_plot_opens_its_picture(plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report.parent / "dataset-skimage-test.html")
    page.wait_for_selector("[data-plots][data-drawn]")
    box = page.locator("[data-plot=paired] .scatterlayer .point").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("[data-plot=paired] .hoverlayer text")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("[data-viewer][open]")
    becomes(page, page.locator("[data-viewer-title]").inner_text, "coffee")
    becomes(page, page.locator(".under a").all_inner_texts, ["Zhang 2018, transmission", "ERRNet 2019, transmission"])


def test_caption_counts_who_wins(plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report.parent / "dataset-skimage-test.html")
    page.wait_for_selector("[data-plots][data-drawn]")
    page.locator("[data-plot-metric]").select_option("lpips")
    text = "ERRNet 2019 is better on 4, Zhang 2018 on 0 of 4 pictures; mean difference -0.1000."
    expect(page.locator("#plot-paired")).to_contain_text(text)


def test_metric_that_nobody_measured_is_said(
    plausible: ReportContent, tmp_path: Path, opened: Callable[..., Page]
) -> None:
    first = plausible.protocols[0]
    unknown = replace(first, metrics=(*first.metrics, ProtocolMetric("ncc", "not measured by anybody")))
    index = render_report(replace(plausible, protocols=(unknown, *plausible.protocols[1:])), tmp_path / "report")
    page = opened(index)
    page.locator("[data-cost]").scroll_into_view_if_needed()
    page.wait_for_selector("[data-cost][data-drawn]")
    page.locator("[data-cost-metric]").select_option("ncc")
    missing = "Not measured on every picture: Zhang 2018, ERRNet 2019, IBCLN 2020."
    expect(page.locator("#plot-cost")).to_contain_text(missing)
    page = opened(index.with_name("dataset-skimage-test.html"))
    page.wait_for_selector("[data-plots][data-drawn]")
    page.locator("[data-plot-metric]").select_option("ncc")
    expect(page.locator("#plot-distribution")).to_contain_text("Zhang 2018 no score")
    becomes(page, page.locator("#plot-paired").inner_text, "No picture has a finite score of both.")
    page.locator("[data-sort-metric]").select_option("ncc")
    expect(page.locator("[data-tile-said]").first).to_contain_text("NCC not measured")


def test_protocol_chooser_shows_one_table_or_all(plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report)
    page.locator("[data-fold=scores] > summary").click()
    tables, chooser = page.locator("section[data-chosen-by]"), page.get_by_label("Scores by protocol")
    assert tables.count() > 1
    shown = "sections => sections.filter(one => one.checkVisibility()).map(one => one.dataset.chosenBy)"
    becomes(page, lambda: tables.evaluate_all(shown), ["scores-standard"])
    chooser.select_option("scores-errnet2019")
    becomes(page, lambda: tables.evaluate_all(shown), ["scores-errnet2019"])
    chooser.select_option("")
    becomes(page, lambda: len(tables.evaluate_all(shown)), tables.count())
    page.evaluate("location.hash = '#scores-standard'")
    eventually(page, "document.querySelector('#scores-errnet2019').closest('section').hidden")
    becomes(page, lambda: tables.evaluate_all(shown), ["scores-standard"])

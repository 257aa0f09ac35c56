"""The report in a real browser, opened from disk: it works, stays silent, and asks for nothing outside."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def names(index: Path) -> list[Path]:
    return sorted(index.parent.glob("*.html"))


@pytest.mark.parametrize("width", [1280, 400])
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


def test_slider_moves_by_keyboard(plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report.parent / "dataset-skimage-test.html")
    slider = page.locator("img-comparison-slider").first
    assert slider.get_attribute("aria-valuenow") == "50"
    slider.focus()
    page.keyboard.press("ArrowRight", delay=300)
    assert int(slider.get_attribute("aria-valuenow") or 0) > 50
    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuenow") == "0"
    page.keyboard.press("End")
    assert slider.get_attribute("aria-valuenow") == "100"


def test_thumbnail_changes_one_picture_and_toolbar_all(plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report.parent / "dataset-skimage-test.html")
    rights = page.locator("[data-link=right]")
    first = page.locator("[data-card]").first
    first.locator("[data-layer='ibcln2020/step 1']").click()
    assert rights.all_inner_texts() == ["IBCLN 2020, step 1"] + ["Zhang 2018, transmission"] * 3
    assert first.locator("[aria-pressed=true]").all_inner_texts() == ["step 1"]
    page.locator("[data-side=right]").select_option("errnet2019/transmission")
    page.locator("[data-side=left]").select_option("truth")
    assert rights.all_inner_texts() == ["ERRNet 2019, transmission"] * 4
    assert page.locator("[data-link=left]").all_inner_texts() == ["truth"] * 4
    shown = first.locator("[data-image=right]").evaluate("(image) => decodeURI(image.src)")
    assert shown.endswith("pictures/skimage-test/001-coffee/02-errnet2019/transmission.png")


def test_layer_that_a_picture_lacks_is_said(hostile_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(next(path for path in names(hostile_report) if path.name.startswith("dataset-a_b")))
    assert page.locator("[data-side=right] option").all_inner_texts() == ["input"]


def test_table_sorts_by_click_and_keeps_missing_last(plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report)
    order = "rows => rows.map(row => row.dataset.label)"
    rows = page.locator("tbody[data-sorted] tr")
    lpips = page.locator("th[data-sort='3']")
    lpips.locator("button").click()
    assert lpips.get_attribute("aria-sort") == "ascending"
    assert rows.evaluate_all(order) == ["ibcln2020", "errnet2019", "zhang2018"]
    lpips.locator("button").press("Enter")
    assert lpips.get_attribute("aria-sort") == "descending"
    assert rows.evaluate_all(order) == ["zhang2018", "errnet2019", "ibcln2020"]
    page.locator("th[data-sort='1'] button").click()
    assert lpips.get_attribute("aria-sort") is None
    assert rows.evaluate_all(order) == ["ibcln2020", "errnet2019", "zhang2018"]
    assert page.locator("tbody.controls tr").count() == 3


def test_missing_score_sorts_last_both_ways(hostile_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(hostile_report)
    button = page.locator("th[data-sort='1'] button")
    for _ in range(2):
        button.click()
        last = page.locator("tbody[data-sorted] tr").last
        assert last.get_attribute("data-label") == "ibcln2020"


@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_charts_are_drawn(report: str, opened: Callable[..., Page], request: pytest.FixtureRequest) -> None:
    page = opened(request.getfixturevalue(report).parent / "training.html")
    page.wait_for_selector("html[data-drawn]")
    places = page.locator("[data-figure]")
    assert places.count() >= 4
    assert page.locator("[data-figure] .main-svg").count() >= places.count()
    assert page.locator("[data-figure] b, [data-figure] a, [data-figure] img").count() == 0


def test_dark_pages_are_dark(plausible_report: Path, opened: Callable[..., Page]) -> None:
    brightness = "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
    assert opened(plausible_report, dark=True).evaluate(brightness) < 60
    assert opened(plausible_report).evaluate(brightness) > 200

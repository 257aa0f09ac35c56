"""The first screen of a wide report in a browser: all of it is seen at once, and a number opens its making."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from orchestrator.report.render import render_report
from tests.report.test_access import violations
from tests.report.wide_sample import DATASETS, NETWORKS, wide_comparison

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def wide_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wide")
    return render_report(wide_comparison(folder / "pictures"), folder / "report")


def test_headline_pictures_and_matrix_fit_the_first_screen(wide_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(wide_report, width=1440)
    for selector in ("#headline", ".scenes tbody tr:last-child", ".matrix tbody.controls tr:last-child"):
        box = page.locator(selector).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900, selector
    room = page.locator(".matrix .scroll").first
    assert room.evaluate("one => one.scrollWidth <= one.clientWidth")
    expect(page.locator(".matrix table").first.locator("thead th.dataset")).to_have_count(len(DATASETS))
    expect(page.locator(".matrix table").first.locator("tbody[data-sorted] tr")).to_have_count(len(NETWORKS))


def test_head_stays_and_is_low(wide_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(wide_report.with_name("dataset-nature.html"), width=375)
    page.evaluate("scrollTo(0, 1500)")
    box = page.locator(".head").bounding_box()
    assert box is not None
    assert box["y"] == 0
    assert box["height"] < 100


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_number_opens_its_making_by_keyboard(wide_report: Path, dark: bool, opened: Callable[..., Page]) -> None:
    page = opened(wide_report, dark=dark)
    number = page.locator(".matrix [data-making]").first
    number.press("Enter")
    dialog = page.locator("[data-making-dialog]")
    expect(dialog).to_be_visible()
    for words in ("12 of 12", "evaluate/ibcln2020/real20/standard", "train/ibcln2020", "sirr-orch run", "BibTeX"):
        expect(dialog).to_contain_text(words)
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert number.evaluate("one => document.activeElement === one")


def test_metric_is_chosen_and_print_opens_what_is_folded(wide_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(wide_report)
    page.get_by_label("Metric").first.select_option("matrix-standard-ssim")
    expect(page.locator("[data-chosen-by=matrix-standard-ssim]")).to_be_visible()
    expect(page.locator("[data-chosen-by=matrix-standard-psnr]")).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.fold:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.fold[open]").count() == 0

"""For everybody: axe finds no violation of WCAG 2.1 AA, keys reach everything, colours are told apart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser import eventually

pytestmark = pytest.mark.browser

# preload: axe would fetch the style sheets, which the pages' policy forbids.
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}, "preload": False}


def violations(page: Page) -> list[str]:
    """Return what axe finds, once per place."""
    found: dict[str, Any] = Axe().run(page, options=RULES).response
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def settle(page: Page) -> None:
    """Wait until the charts of a page, all of which are brought into sight, are drawn."""
    for section in page.locator("[data-plots], [data-cost]").all():
        section.scroll_into_view_if_needed()
    for section in page.locator("[data-plots], [data-cost]").all():
        section.locator(".main-svg").first.wait_for()
    page.evaluate("scrollTo(0, 0)")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_pages_break_no_rule(
    report: str, dark: bool, opened: Callable[..., Page], request: pytest.FixtureRequest
) -> None:
    for path in sorted(request.getfixturevalue(report).parent.glob("*.html")):
        page = opened(path, dark=dark)
        settle(page)
        assert violations(page) == [], path.name


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("mode", ["slider", "sides", "difference"])
def test_open_viewer_breaks_no_rule(
    mode: str, dark: bool, width: int, plausible_report: Path, opened: Callable[..., Page]
) -> None:
    path = plausible_report.parent / "dataset-skimage-test.html"
    page = opened(path, dark=dark, width=width, fragment="#picture-1")
    page.locator("[data-do=help]").click()
    page.locator(f"[data-mode={mode}]").click()
    assert violations(page) == []


def test_viewer_with_gaps_breaks_no_rule(hostile_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(next(hostile_report.parent.glob("dataset-script*.html")), fragment="#picture-1")
    assert violations(page) == []


def test_everything_in_the_viewer_is_reached_by_tab(plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report.parent / "dataset-skimage-test.html", fragment="#picture-1")
    controls = "Array.from(document.querySelectorAll('[data-viewer] :is(button, select, a[href], [tabindex=\"0\"])'))"
    wanted = page.evaluate(f"{controls}.filter(one => one.checkVisibility()).length")
    reached = set()
    for _ in range(wanted + 3):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(f"{controls}.indexOf(document.activeElement)"))
    assert len(reached - {-1}) == wanted


def test_gallery_opens_by_keyboard(plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report.parent / "dataset-skimage-test.html")
    page.locator("[data-tile] a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-viewer][open]")
    assert page.evaluate("document.querySelector('[data-viewer]').contains(document.activeElement)")


@pytest.mark.parametrize("name", ["index.html", "dataset-skimage-test.html"])
def test_paper_is_light_and_wide_enough(name: str, plausible_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(plausible_report.parent / name, dark=True, width=794)
    settle(page)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
    assert page.locator(".toolbar:visible, .choices:visible, .tabs:visible").count() == 0
    eventually(page, "getComputedStyle(document.querySelector('.xtick text')).fill === 'rgb(68, 68, 68)'")


# Linear RGB as people without one kind of cones see it. Source: Machado, Oliveira, Fernandes 2009, severity 1.
BLINDNESS = {
    "none": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(colours: list[str], matrix: list[list[float]]) -> np.ndarray:
    from skimage.color import rgb2lab

    rgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    turned = np.clip(linear @ np.array(matrix).T, 0, 1)
    back = np.where(turned <= 0.0031308, turned * 12.92, 1.055 * turned ** (1 / 2.4) - 0.055)
    return np.asarray(rgb2lab(back))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", sorted(BLINDNESS))
def test_networks_are_told_apart_by_everybody(
    kind: str, dark: bool, plausible_report: Path, opened: Callable[..., Page]
) -> None:
    page = opened(plausible_report, dark=dark)
    read = "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
    colours = [str(page.evaluate(read, name)) for name in (*(f"--series-{n}" for n in range(1, 7)), "--muted")]
    lab = seen(colours, BLINDNESS[kind])
    apart = np.linalg.norm(lab[:, None] - lab[None, :], axis=2) + 100 * np.eye(len(colours))
    assert apart.min() > 12, apart.round()

"""Gallery and viewer in a real browser: order, layers, zoom, difference, keys, fragments and the way back."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from orchestrator.report.content import ReportContent
from tests.browser import eventually
from tests.report.test_render import SHOWN

pytestmark = pytest.mark.browser

IMAGES = "[data-stage] .pane img"


@pytest.fixture
def dataset(plausible_report: Path) -> Path:
    return plausible_report.parent / "dataset-skimage-test.html"


def cards(page: Page) -> list[str]:
    return page.locator("[data-tile]:visible .tile-name").all_text_contents()


def shown(page: Page) -> list[str]:
    """Return the file names on the stage, decoded; they are loaded."""
    eventually(page, f"Array.from(document.querySelectorAll('{IMAGES}')).every((one) => one.naturalWidth > 0)")
    return page.locator(IMAGES).evaluate_all("all => all.map(one => one.src.split('/').slice(-2).join('/'))")


def transforms(page: Page) -> list[str]:
    return page.locator(IMAGES).evaluate_all("all => all.map(one => one.style.transform)")


def scale(page: Page) -> float:
    found = re.search(r"scale\(([\d.]+)\)", transforms(page)[0])
    assert found is not None
    return float(found[1])


def test_gallery_is_sorted_worst_first_and_by_what_is_chosen(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset)
    worst_first = ["rocket", "chelsea", "astronaut", "coffee"]
    assert cards(page) == worst_first
    page.locator("[data-sort-direction]").select_option("best")
    assert cards(page) == worst_first[::-1]
    page.locator("[data-sort-by]").select_option("order")
    page.locator("[data-sort-direction]").select_option("worst")
    assert cards(page) == ["coffee", "astronaut", "chelsea", "rocket"]
    page.locator("[data-sort-by]").select_option("score")
    page.locator("[data-sort-metric]").select_option("lpips")
    assert cards(page) == worst_first
    assert page.locator("[data-tile]:visible").first.get_attribute("data-network") == "zhang2018"


def test_gallery_shows_the_chosen_network_and_its_gain(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset)
    page.locator("[data-sort-network]").select_option("ibcln2020")
    page.locator("[data-sort-by]").select_option("gain")
    first = page.locator("[data-tile]:visible").first
    assert "+3.50 dB against the input" in (first.text_content() or "")
    answer = first.locator("[data-thumbnail=answer]")
    assert (answer.get_attribute("src") or "").endswith("03-ibcln2020/transmission.thumb.webp")
    assert answer.get_attribute("alt") == "IBCLN 2020, transmission"
    first.locator("a").click()
    assert shown(page) == ["001-coffee/input.png", "03-ibcln2020/transmission.png"]


def test_gallery_finds_by_name(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset)
    page.locator("[data-find]").fill("ROCK")
    assert cards(page) == ["rocket"]
    assert page.locator("[data-gallery-said]").inner_text() == "1 of 4 pictures"


def test_photographs_are_sorted_by_how_far_the_answers_are_apart(
    plausible_report: Path, opened: Callable[..., Page]
) -> None:
    page = opened(plausible_report.parent / "dataset-photos.html")
    assert page.locator("[data-sort-metric], [data-plots]").count() == 0
    apart = page.evaluate("sirr.pictures.map((picture) => [picture.id, picture.apart])")
    by_apart = [name for name, _value in sorted(apart, key=lambda one: -one[1])]
    assert cards(page) == by_apart
    assert "networks apart by " in (page.locator("[data-tile-said]").first.text_content() or "")
    page.locator("[data-sort-direction]").select_option("best")
    assert cards(page) == by_apart[::-1]
    page.locator("[data-sort-by]").select_option("order")
    page.locator("[data-sort-direction]").select_option("worst")
    assert cards(page) == ["IMG coffee", "IMG astronaut"]
    page.locator("[data-tile] a").first.click()
    assert len(shown(page)) == 2
    assert page.locator("[data-viewer-title]").inner_text() == "IMG coffee"
    assert page.locator("[data-viewer-scores]").count() == 0


def test_card_opens_the_viewer_and_back_closes_it(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset)
    page.locator("#picture-2 a").click()
    viewer = page.locator("[data-viewer][open]")
    assert viewer.count() == 1
    assert page.url.endswith("#picture-2")
    assert page.locator("[data-viewer-title]").inner_text() == "astronaut"
    page.go_back()
    page.wait_for_selector("[data-viewer]", state="hidden")
    assert "#" not in page.url
    page.go_forward()
    page.wait_for_selector("[data-viewer][open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-viewer]", state="hidden")
    eventually(page, "location.hash === ''")
    assert page.evaluate("document.activeElement.closest('[data-tile]').id") == "picture-2"


def test_picture_opened_while_another_closes_stays_open(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-3")
    page.evaluate("document.querySelector('[data-viewer]').close(); location.hash = '#picture-1'")
    eventually(page, "document.querySelector('[data-viewer-title]').textContent === 'coffee'")
    page.evaluate(
        "(() => { const viewer = document.querySelector('[data-viewer]');"
        " viewer.dispatchEvent(new Event('close')); })()"
    )
    assert page.locator("[data-viewer][open]").count() == 1
    assert shown(page) == ["001-coffee/input.png", "01-zhang2018/transmission.png"]
    assert page.url.endswith("#picture-1")


def test_fragment_opens_its_picture_and_closing_stays_on_the_page(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-3")
    assert page.locator("[data-viewer-title]").inner_text() == "chelsea"
    assert "converted from grey" in page.locator("[data-viewer-facts]").inner_text()
    page.get_by_role("button", name="Close").click()
    page.wait_for_selector("[data-viewer]", state="hidden")
    assert page.url == dataset.as_uri()


def test_link_of_the_score_table_opens_the_viewer(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset)
    page.get_by_role("link", name="rocket").last.click()
    assert page.locator("[data-viewer-title]").inner_text() == "rocket"


def test_arrows_walk_in_the_order_of_the_gallery(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-4")
    place, title = page.locator("[data-viewer-place]"), page.locator("[data-viewer-title]")
    assert place.inner_text() == "1 of 4"
    page.keyboard.press("ArrowLeft")
    assert title.inner_text() == "rocket"
    page.keyboard.press("ArrowRight")
    assert (title.inner_text(), place.inner_text()) == ("chelsea", "2 of 4")
    assert page.url.endswith("#picture-3")


def test_layers_are_chosen_by_digit_thumbnail_and_list(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    page.keyboard.press("2")
    assert shown(page) == ["001-coffee/input.png", "001-coffee/truth.png"]
    page.keyboard.press("Shift+Digit5")
    assert shown(page) == ["03-ibcln2020/transmission.png", "001-coffee/truth.png"]
    page.keyboard.press("x")
    assert shown(page) == ["001-coffee/truth.png", "03-ibcln2020/transmission.png"]
    page.locator("[data-layer='ibcln2020/step 1']").click()
    assert shown(page)[1] == "03-ibcln2020/step-1.png"
    assert page.locator("[data-layer][aria-pressed=true]").get_attribute("data-layer") == "ibcln2020/step 1"
    page.locator(".viewer [data-side=left]").select_option("true reflection")
    assert shown(page)[0] == "001-coffee/true-reflection.png"


def test_divider_moves_by_keyboard_and_by_mouse(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    slider = page.locator("[data-slider]")
    assert slider.get_attribute("aria-valuenow") == "50"
    slider.focus()
    page.keyboard.press("ArrowRight", delay=300)
    assert int(slider.get_attribute("aria-valuenow") or 0) > 50
    assert page.locator("[data-viewer-title]").inner_text() == "coffee"
    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuenow") == "0"
    page.keyboard.press("End")
    assert slider.get_attribute("aria-valuenow") == "100"
    slider.evaluate("slider => { slider.value = 50; }")
    page.wait_for_timeout(200)
    box = page.locator(".knob").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 200, box["y"] + 10, steps=5)
    page.mouse.up()
    assert int(slider.get_attribute("aria-valuenow") or 100) < 40


@pytest.mark.parametrize("mode", ["slider", "sides", "difference"])
def test_zoom_and_pan_are_the_same_for_both(mode: str, dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    page.locator(f"[data-mode={mode}]").click()
    fitted = scale(page)
    stage = page.locator("[data-stage]").bounding_box()
    assert stage is not None
    x, y = stage["x"] + stage["width"] / 8, stage["y"] + stage["height"] / 8
    page.mouse.move(x, y)
    page.mouse.wheel(0, -400)
    eventually(page, f"!document.querySelector('{IMAGES}').style.transform.includes('scale({fitted})')")
    zoomed = transforms(page)
    assert scale(page) > 2 * fitted
    assert len(zoomed) == 2
    assert zoomed[0] == zoomed[1]
    page.mouse.down()
    page.mouse.move(x - 40, y - 25, steps=4)
    page.mouse.up()
    moved = transforms(page)
    assert moved[0] == moved[1] != zoomed[0]
    page.keyboard.press("Shift+ArrowRight")
    assert transforms(page)[0] == transforms(page)[1] != moved[0]
    page.keyboard.press("0")
    assert scale(page) == fitted


def test_magnified_pixels_stay_squares(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    page.get_by_role("button", name="1:1").click()
    assert scale(page) == 1
    assert page.locator("[data-zoom]").inner_text() == "100%"
    for _ in range(5):
        page.keyboard.press("+")
    rendering = page.locator(IMAGES).evaluate_all("all => all.map(one => getComputedStyle(one).imageRendering)")
    assert rendering == ["pixelated", "pixelated"]
    assert scale(page) == 6


def test_zoom_stays_from_picture_to_picture(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-4")
    page.get_by_role("button", name="1:1").click()
    page.keyboard.press("ArrowRight")
    assert scale(page) == 1


COLOURS = [
    (0x00, 0x00, 0x04), (0x1B, 0x0C, 0x41), (0x4A, 0x0C, 0x6B), (0x78, 0x1C, 0x6D), (0xA5, 0x2C, 0x60),
    (0xCF, 0x44, 0x46), (0xED, 0x69, 0x25), (0xFB, 0x9B, 0x06), (0xF7, 0xD1, 0x3D), (0xFC, 0xFF, 0xA4),
]  # fmt: skip


@pytest.mark.parametrize(("most", "density"), [(16, 1), (64, 1.5), (255, 2)])
def test_difference_has_the_colours_of_its_scale(
    most: int, density: float, dataset: Path, plausible: ReportContent, opened: Callable[..., Page]
) -> None:
    item = plausible.datasets[0].items[0]
    assert item.blended is not None
    assert item.transmission is not None
    first, second = (np.asarray(Image.open(path), dtype=float) for path in (item.blended, item.transmission))
    mean = np.abs(first - second).mean(axis=2)
    places = np.clip(mean / most, 0, 1) * (len(COLOURS) - 1)
    stops = np.arange(len(COLOURS))
    expected = np.stack([np.interp(places, stops, [colour[i] for colour in COLOURS]) for i in range(3)], axis=2)

    page = opened(dataset, fragment="#picture-1", density=density)
    page.keyboard.press("2")
    page.keyboard.press("d")
    page.locator("[data-gain]").select_option(str(most))
    page.get_by_role("button", name="1:1").click()
    shown(page)
    box = page.locator(IMAGES).first.bounding_box()
    assert box is not None
    top, left = round(box["y"] * density), round(box["x"] * density)
    height, width = mean.shape
    screen = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), dtype=float)
    cut = screen[top : top + height, left : left + width]
    # The browser rounds to 8 bits between its steps; at the finest scale one level is a sixteenth of all colours.
    assert np.abs(cut - expected).max() <= (12 if most == 16 else 4)
    assert np.abs(cut - expected).mean() < 2
    assert page.locator("[data-scale-high]").inner_text() == ("255" if most == 255 else f"{most} or more")


def test_same_layer_has_no_difference(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    page.keyboard.press("1")
    page.keyboard.press("d")
    page.get_by_role("button", name="1:1").click()
    shown(page)
    box = page.locator(f"{IMAGES} >> nth=0").bounding_box()
    assert box is not None
    found = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=box))).convert("RGB"))  # type: ignore[arg-type]
    assert (found == COLOURS[0]).all()


def test_viewer_tells_the_scores_with_the_controls(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    rows = page.locator("[data-score-rows] tr")
    text = [" ".join(row.split()) for row in rows.all_inner_texts()]
    assert text[0].startswith("Zhang 2018 18.30 ▼ worse than the input 0.8167")
    assert text[2].startswith("IBCLN 2020 23.20 ▲ better than the input 0.9333")
    assert text[3].startswith("input 19.70 0.8500")
    assert text[4].startswith("truth ∞ (identical) 1.0000 0.0000")


def test_scores_are_written_as_the_reader_writes(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1", locale="de-DE")
    assert "18,30" in page.locator("[data-score-rows] tr").first.inner_text()
    assert "PSNR 18,30 dB" in page.locator("#picture-1 [data-tile-said]").text_content()


def test_single_keys_can_be_switched_off(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    page.keyboard.press("?")
    assert page.locator("#viewer-help").is_visible()
    page.locator("[data-keys]").uncheck()
    page.locator("[data-viewer-title]").focus()
    page.keyboard.press("d")
    assert page.locator("[data-mode=slider]").get_attribute("aria-pressed") == "true"
    page.keyboard.press("ArrowLeft")
    assert page.locator("[data-viewer-title]").inner_text() == "astronaut"


def test_hostile_names_are_text_in_the_viewer(hostile_report: Path, opened: Callable[..., Page]) -> None:
    path = next(path for path in hostile_report.parent.glob("dataset-script*.html"))
    page = opened(path, fragment="#picture-1")
    assert page.locator("[data-viewer-title]").text_content() == f"{SHOWN}0"
    viewer = page.locator("[data-viewer]")
    assert SHOWN in (viewer.locator("[data-layer-groups]").text_content() or "")
    assert f"no picture: {SHOWN}" in (viewer.locator("[data-layer-groups]").text_content() or "")
    assert f"not measured: {SHOWN}" in (viewer.locator("[data-score-rows]").text_content() or "")
    assert page.locator("b, img[src=x]").count() == 0
    page.wait_for_selector("[data-plots]", state="attached")
    assert "\u202e" not in (page.locator("body").text_content() or "")

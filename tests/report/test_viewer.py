"""Gallery and viewer in a real browser: order, layers, zoom, difference, keys, fragments and the way back."""

import io
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from orchestrator.report.content import ReportContent
from tests.browser import becomes, eventually
from tests.report.test_render import SHOWN

pytestmark = pytest.mark.browser

IMAGES = "[data-stage] .pane img"
MIDDLE = "(({{left, width}}) => left + width / 2)(document.querySelector('{}').getBoundingClientRect())"
VALUE = "Number(document.querySelector('[data-slider]').getAttribute('aria-valuenow'))"


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


def alike(page: Page, before: str) -> str:
    """Return how both pictures lie: alike, and not as before."""
    becomes(page, lambda: [one != before for one in transforms(page)], [True, True])
    first, second = transforms(page)
    assert first == second
    return first


def scale(page: Page) -> float:
    found = re.search(r"scale\(([\d.]+)\)", transforms(page)[0])
    assert found is not None
    return float(found[1])


def test_gallery_is_sorted_worst_first_and_by_what_is_chosen(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset)
    worst_first = ["rocket", "chelsea", "astronaut", "coffee"]
    becomes(page, lambda: cards(page), worst_first)
    page.locator("[data-sort-direction]").select_option("best")
    becomes(page, lambda: cards(page), worst_first[::-1])
    page.locator("[data-sort-by]").select_option("order")
    page.locator("[data-sort-direction]").select_option("worst")
    becomes(page, lambda: cards(page), ["coffee", "astronaut", "chelsea", "rocket"])
    page.locator("[data-sort-by]").select_option("score")
    page.locator("[data-sort-metric]").select_option("lpips")
    becomes(page, lambda: cards(page), worst_first)
    expect(page.locator("[data-tile]:visible").first).to_have_attribute("data-network", "zhang2018")


def test_gallery_shows_the_chosen_network_and_its_gain(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset)
    page.locator("[data-sort-network]").select_option("ibcln2020")
    page.locator("[data-sort-by]").select_option("gain")
    first = page.locator("[data-tile]:visible").first
    expect(first).to_contain_text("+3.50 dB against the input")
    answer = first.locator("[data-thumbnail=answer]")
    expect(answer).to_have_attribute("src", re.compile(r"03-ibcln2020/transmission\.thumb\.webp$"))
    expect(answer).to_have_attribute("alt", "IBCLN 2020, transmission")
    first.locator("a").click()
    becomes(page, lambda: shown(page), ["001-coffee/input.png", "03-ibcln2020/transmission.png"])


def test_gallery_finds_by_name(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset)
    page.locator("[data-find]").fill("ROCK")
    becomes(page, lambda: cards(page), ["rocket"])
    becomes(page, page.locator("[data-gallery-said]").inner_text, "1 of 4 pictures")


def test_photographs_are_sorted_by_how_far_the_answers_are_apart(
    plausible_report: Path, opened: Callable[..., Page]
) -> None:
    page = opened(plausible_report.parent / "dataset-photos.html")
    expect(page.locator("[data-sort-metric], [data-plots]")).to_have_count(0)
    apart = page.evaluate("sirr.pictures.map((picture) => [picture.name, picture.apart])")
    by_apart = [name for name, _value in sorted(apart, key=lambda one: -one[1])]
    becomes(page, lambda: cards(page), by_apart)
    expect(page.locator("[data-tile-said]").first).to_contain_text("networks apart by ")
    page.locator("[data-sort-direction]").select_option("best")
    becomes(page, lambda: cards(page), by_apart[::-1])
    page.locator("[data-sort-by]").select_option("order")
    page.locator("[data-sort-direction]").select_option("worst")
    becomes(page, lambda: cards(page), ["IMG coffee", "IMG astronaut"])
    page.locator("[data-tile] a").first.click()
    becomes(page, lambda: len(shown(page)), 2)
    becomes(page, page.locator("[data-viewer-title]").inner_text, "IMG coffee")
    expect(page.locator("[data-viewer-scores]")).to_have_count(0)


def test_card_opens_the_viewer_and_back_closes_it(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset)
    page.locator("#picture-2 a").click()
    viewer = page.locator("[data-viewer][open]")
    expect(viewer).to_have_count(1)
    expect(page).to_have_url(re.compile("#picture-2$"))
    becomes(page, page.locator("[data-viewer-title]").inner_text, "astronaut")
    page.go_back()
    page.wait_for_selector("[data-viewer]", state="hidden")
    expect(page).not_to_have_url(re.compile("#"))
    page.go_forward()
    page.wait_for_selector("[data-viewer][open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-viewer]", state="hidden")
    eventually(page, "location.hash === ''")
    eventually(page, "document.activeElement.closest('[data-tile]')?.id === 'picture-2'")


def test_picture_opened_while_another_closes_stays_open(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-3")
    page.evaluate("document.querySelector('[data-viewer]').close(); location.hash = '#picture-1'")
    eventually(page, "document.querySelector('[data-viewer-title]').textContent === 'coffee'")
    page.evaluate(
        "(() => { const viewer = document.querySelector('[data-viewer]');"
        " viewer.dispatchEvent(new Event('close')); })()"
    )
    expect(page.locator("[data-viewer][open]")).to_have_count(1)
    becomes(page, lambda: shown(page), ["001-coffee/input.png", "01-zhang2018/transmission.png"])
    expect(page).to_have_url(re.compile("#picture-1$"))


def test_fragment_opens_its_picture_and_closing_stays_on_the_page(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-3")
    becomes(page, page.locator("[data-viewer-title]").inner_text, "chelsea")
    expect(page.locator("[data-viewer-facts]")).to_contain_text("converted from grey")
    page.get_by_role("button", name="Close").click()
    page.wait_for_selector("[data-viewer]", state="hidden")
    expect(page).to_have_url(dataset.as_uri())


def test_link_of_the_score_table_opens_the_viewer(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset)
    page.get_by_role("link", name="rocket").last.click()
    becomes(page, page.locator("[data-viewer-title]").inner_text, "rocket")


def test_arrows_walk_in_the_order_of_the_gallery(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-4")
    place, title = page.locator("[data-viewer-place]"), page.locator("[data-viewer-title]")
    becomes(page, place.inner_text, "1 of 4")
    page.keyboard.press("ArrowLeft")
    becomes(page, title.inner_text, "rocket")
    page.keyboard.press("ArrowRight")
    becomes(page, lambda: (title.inner_text(), place.inner_text()), ("chelsea", "2 of 4"))
    expect(page).to_have_url(re.compile("#picture-3$"))


def test_layers_are_chosen_by_digit_thumbnail_and_list(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    page.keyboard.press("2")
    becomes(page, lambda: shown(page), ["001-coffee/input.png", "001-coffee/truth.png"])
    page.keyboard.press("Shift+Digit5")
    becomes(page, lambda: shown(page), ["03-ibcln2020/transmission.png", "001-coffee/truth.png"])
    page.keyboard.press("x")
    becomes(page, lambda: shown(page), ["001-coffee/truth.png", "03-ibcln2020/transmission.png"])
    page.locator("[data-layer='ibcln2020/step 1']").click()
    becomes(page, lambda: shown(page)[1], "03-ibcln2020/step-1.png")
    expect(page.locator("[data-layer][aria-pressed=true]")).to_have_attribute("data-layer", "ibcln2020/step 1")
    page.locator(".viewer [data-side=left]").select_option("true reflection")
    becomes(page, lambda: shown(page)[0], "001-coffee/true-reflection.png")


def test_divider_moves_by_keyboard_and_by_mouse(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    slider = page.locator("[data-slider]")
    expect(slider).to_have_attribute("aria-valuenow", "50")
    slider.focus()
    page.keyboard.press("ArrowRight", delay=300)
    eventually(page, f"{VALUE} > 50")
    becomes(page, page.locator("[data-viewer-title]").inner_text, "coffee")
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuenow", "100")
    slider.evaluate("slider => { slider.value = 50; }")
    eventually(page, f"Math.abs({MIDDLE.format('.knob')} - {MIDDLE.format('[data-slider]')}) < 2")
    box = page.locator(".knob").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 200, box["y"] + 10, steps=5)
    page.mouse.up()
    eventually(page, f"{VALUE} < 40")


@pytest.mark.parametrize("mode", ["slider", "sides", "difference"])
def test_zoom_and_pan_are_the_same_for_both(mode: str, dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    page.locator(f"[data-mode={mode}]").click()
    fitted, fitted_at = scale(page), transforms(page)[0]
    stage = page.locator("[data-stage]").bounding_box()
    assert stage is not None
    x, y = stage["x"] + stage["width"] / 8, stage["y"] + stage["height"] / 8
    page.mouse.move(x, y)
    page.mouse.wheel(0, -400)
    eventually(page, f"!document.querySelector('{IMAGES}').style.transform.includes('scale({fitted})')")
    becomes(page, lambda: scale(page) > 2 * fitted, True)
    zoomed = alike(page, fitted_at)
    page.mouse.down()
    page.mouse.move(x - 40, y - 25, steps=4)
    page.mouse.up()
    moved = alike(page, zoomed)
    page.keyboard.press("Shift+ArrowRight")
    alike(page, moved)
    page.keyboard.press("0")
    becomes(page, lambda: scale(page), fitted)


def test_magnified_pixels_stay_squares(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    page.get_by_role("button", name="1:1").click()
    becomes(page, lambda: scale(page), 1)
    becomes(page, page.locator("[data-zoom]").inner_text, "100%")
    for _ in range(5):
        page.keyboard.press("+")
    rendering = page.locator(IMAGES).evaluate_all("all => all.map(one => getComputedStyle(one).imageRendering)")
    assert rendering == ["pixelated", "pixelated"]
    becomes(page, lambda: scale(page), 6)


def test_zoom_stays_from_picture_to_picture(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-4")
    page.get_by_role("button", name="1:1").click()
    page.keyboard.press("ArrowRight")
    becomes(page, lambda: scale(page), 1)


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
    becomes(page, page.locator("[data-scale-high]").inner_text, "255" if most == 255 else f"{most} or more")


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
    assert text[0].startswith("Zhang 2018 18.30 ▼ worse than the input on this picture 0.8167")
    assert text[2].startswith("IBCLN 2020 23.20 ▲ better than the input on this picture 0.9333")
    assert text[3].startswith("input 19.70 0.8500")
    assert text[4].startswith("truth ∞ (identical) 1.0000 0.0000")


def test_scores_of_another_protocol_are_a_choice_away(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    heads = page.locator("[data-score-heads] th")
    expect(heads).to_have_text([re.compile(name) for name in ("Network", "^PSNR", "^SSIM", "^LPIPS")])
    page.locator("[data-score-protocol]").select_option("errnet2019")
    expect(heads).to_have_text([re.compile(name) for name in ("Network", "^PSNR", "^SSIM", "^LMSE", "^NCC")])
    expect(page.locator("[data-score-rows] tr").first).to_contain_text("0.9450")


def test_gallery_is_sorted_by_a_metric_of_another_protocol(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset)
    page.locator("[data-sort-metric]").select_option(label="NCC, errnet2019")
    expect(page.locator("[data-tile]:visible").first).to_contain_text("NCC, errnet2019 0.9")
    becomes(page, lambda: cards(page)[0], "rocket")


def test_scores_are_written_as_the_reader_writes(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1", locale="de-DE")
    expect(page.locator("[data-score-rows] tr").first).to_contain_text("18,30")
    expect(page.locator("#picture-1 [data-tile-said]")).to_contain_text("PSNR 18,30 dB")


def test_single_keys_can_be_switched_off(dataset: Path, opened: Callable[..., Page]) -> None:
    page = opened(dataset, fragment="#picture-1")
    page.keyboard.press("?")
    expect(page.locator("#viewer-help")).to_be_visible()
    page.locator("[data-keys]").uncheck()
    page.locator("[data-viewer-title]").focus()
    page.keyboard.press("d")
    expect(page.locator("[data-mode=slider]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowLeft")
    becomes(page, page.locator("[data-viewer-title]").inner_text, "astronaut")


def test_hostile_names_are_text_in_the_viewer(hostile_report: Path, opened: Callable[..., Page]) -> None:
    path = next(path for path in hostile_report.parent.glob("dataset-script*.html"))
    page = opened(path, fragment="#picture-1")
    file_name = PurePosixPath(f"{SHOWN}0").name  # a picture is called as its file is, without folders
    becomes(page, page.locator("[data-viewer-title]").text_content, file_name)
    viewer = page.locator("[data-viewer]")
    assert SHOWN in (viewer.locator("[data-layer-groups]").text_content() or "")
    expect(viewer.locator("[data-layer-groups]")).to_contain_text(f"no picture: {SHOWN}")
    expect(viewer.locator("[data-score-rows]")).to_contain_text(f"not measured: {SHOWN}")
    expect(page.locator("b, img[src=x]")).to_have_count(0)
    page.wait_for_selector("[data-plots]", state="attached")
    assert "\u202e" not in (page.locator("body").text_content() or "")

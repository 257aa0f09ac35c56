"""A report in one file: it opens from disk, asks for nothing, and works as the folder does."""

import base64
import html
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from orchestrator.errors import ResultExists, SirrError
from orchestrator.report.single_file import SingleFile, write_single_file
from tests.browser import becomes, eventually

ADDRESS = re.compile(r"""(?:src|href)=["'](?!data:)([^"']*)""")


@pytest.fixture(scope="module")
def single(plausible_report: Path, tmp_path_factory: pytest.TempPathFactory) -> SingleFile:
    return write_single_file(plausible_report.parent, tmp_path_factory.mktemp("single") / "a report.html")


@pytest.fixture(scope="module")
def hostile_single(hostile_report: Path, tmp_path_factory: pytest.TempPathFactory) -> SingleFile:
    return write_single_file(hostile_report.parent, tmp_path_factory.mktemp("single") / "hostile.html")


def policy_of(single: SingleFile) -> str:
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', single.path.read_text(encoding="utf-8"))
    assert found
    return html.unescape(found[1])


def test_file_names_nothing_outside_of_it(single: SingleFile) -> None:
    shell = re.sub(r"<script.*?</script>", "", single.path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert ADDRESS.findall(shell) == []
    policy = policy_of(single)
    assert "default-src 'none'" in policy
    assert "img-src data:;" in policy
    assert re.search(r"script-src ('sha256-[A-Za-z0-9+/]{43}=' ?)+;", policy)
    assert not any(word in policy for word in ("unsafe-eval", "unsafe-hashes", "http", "file:", "*"))


def test_each_picture_lies_in_the_file_once(single: SingleFile, plausible_report: Path) -> None:
    pictures = list(plausible_report.parent.rglob("*.png"))
    assert single.pictures == len(pictures)
    assert single.path.read_text(encoding="utf-8").count("data:image/webp;base64,") == len(pictures)
    assert single.size == single.path.stat().st_size < 7_000_000


def noise_report(folder: Path, pictures: int) -> Path:
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>t</title><main></main>")
    for number in range(pictures):
        noise = np.random.default_rng(number).integers(0, 255, (300, 700, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return folder


@pytest.mark.slow
def test_pictures_are_scaled_to_what_the_file_may_take(tmp_path: Path) -> None:
    folder = noise_report(tmp_path / "report", 6)
    roomy = write_single_file(folder, tmp_path / "roomy.html", picture_bytes=10**8)
    tight = write_single_file(folder, tmp_path / "tight.html", picture_bytes=300_000)
    assert roomy.edge_px is None
    assert tight.edge_px is not None
    assert tight.edge_px < 700
    assert tight.size < 320_000
    assert f"at most {tight.edge_px} pixels" in tight.sentence
    shown = re.search(r"data:image/webp;base64,([A-Za-z0-9+/=]+)", tight.path.read_text(encoding="utf-8"))
    assert shown
    with Image.open(io.BytesIO(base64.b64decode(shown[1]))) as picture:
        assert max(picture.size) == tight.edge_px


def test_writing_where_nothing_can_be_written_is_a_clear_error(plausible_report: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SirrError, match="is no folder that results can be written to"):
        write_single_file(plausible_report.parent, tmp_path / "file" / "report.html")


def test_a_file_that_is_there_is_replaced_only_on_request(plausible_report: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.html").write_text("mine")
    with pytest.raises(ResultExists, match="is there already and differs"):
        write_single_file(plausible_report.parent, tmp_path / "mine.html")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("mine.html", "mine")]
    write_single_file(plausible_report.parent, tmp_path / "mine.html", overwrite=True)
    assert (tmp_path / "mine.html").stat().st_size > 10_000


@pytest.mark.browser
@pytest.mark.parametrize("name", ["single", "hostile_single"])
def test_every_page_opens_with_its_pictures(
    name: str, opened: Callable[..., Page], request: pytest.FixtureRequest
) -> None:
    single: SingleFile = request.getfixturevalue(name)
    page = opened(single.path)
    links = page.locator("nav a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert len(links) >= 5
    for link in links:
        page = opened(single.path, fragment=link)
        expect(page.locator("nav a[aria-current]")).to_have_count(1)
        expect(page.locator("nav a[aria-current]")).to_have_attribute("href", link)
        page.evaluate("for (const image of document.images) image.loading = 'eager'")
        assert (
            page.evaluate(
                "Promise.all(Array.from(document.images, (image) => image.decode().then(() => image.naturalWidth > 0)))"
            )
            == [True] * page.locator("img").count()
        )
        assert page.evaluate("Array.from(document.images).every((image) => image.src.startsWith('data:'))")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), link


@pytest.mark.browser
def test_pages_lead_to_each_other_and_back(single: SingleFile, opened: Callable[..., Page]) -> None:
    page = opened(single.path)
    expect(page).to_have_title("quickstart: Summary")
    page.locator("nav a", has_text="Held-out scenes").click()
    eventually(page, "document.title === 'quickstart: Held-out scenes'")
    assert page.locator("body").inner_text().count("This is a report in one file") == 1
    page.go_back()
    eventually(page, "document.title === 'quickstart: Summary'")
    page.goto(single.path.as_uri() + "?nothing.html")
    expect(page).to_have_title("quickstart: Summary")


@pytest.mark.browser
def test_charts_are_drawn_from_the_script_inside(single: SingleFile, opened: Callable[..., Page]) -> None:
    page = opened(single.path, fragment="?training.html")
    page.wait_for_selector("html[data-drawn]")
    assert page.locator("[data-figure] .main-svg").count() >= 4


@pytest.mark.browser
def test_scripts_that_ask_for_a_picture_or_script_of_the_folder_get_what_lies_inside(
    single: SingleFile, opened: Callable[..., Page]
) -> None:
    page = opened(single.path, fragment="?dataset-skimage-test.html")
    size = """(address) => new Promise((resolve, reject) => {
        const image = new Image();
        image.onload = () => resolve([image.naturalWidth, image.naturalHeight]);
        image.onerror = reject;
        image.src = address;
    })"""
    assert page.evaluate(size, "pictures/skimage-test/001-coffee/input.png") == [130, 96]
    run = """(name) => new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.addEventListener("load", () => resolve(typeof window.Plotly));
        script.addEventListener("error", reject);
        script.setAttribute("src", name);
        document.head.append(script);
    })"""
    carried = "Object.keys(JSON.parse(document.getElementById('carried').textContent).scripts)"
    plotly = page.evaluate(f"{carried}.find((name) => name.includes('plotly'))")
    assert page.evaluate(run, plotly) == "object"


@pytest.mark.browser
def test_gallery_viewer_and_plots_work_as_in_the_folder(single: SingleFile, opened: Callable[..., Page]) -> None:
    page = opened(single.path, fragment="?dataset-skimage-test.html#picture-4")
    becomes(page, page.locator("[data-viewer-title]").inner_text, "rocket")
    page.keyboard.press("2")
    loaded = "Array.from(document.querySelectorAll('[data-stage] img')).map((one) => one.naturalWidth)"
    eventually(page, f"String({loaded}) === '130,130'")
    page.keyboard.press("ArrowRight")
    becomes(page, page.locator("[data-viewer-title]").inner_text, "chelsea")
    page.keyboard.press("Escape")
    eventually(page, "location.hash === '' && location.search === '?dataset-skimage-test.html'")
    page.locator("[data-sort-direction]").select_option("best")
    expect(page.locator("[data-tile]:visible").first).to_have_attribute("id", "picture-1")
    page.wait_for_selector("[data-plots][data-drawn]")


@pytest.mark.browser
def test_script_that_is_not_the_report_s_does_not_run(single: SingleFile, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(single.path.as_uri())
    ran = page.evaluate(
        """() => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
            const button = document.createElement("button");
            button.setAttribute("onclick", "window.ran = true");
            document.body.append(button);
            button.click();
            setTimeout(() => resolve(window.ran === true ? "ran" : "nothing"), 500);
        })"""
    )
    page.close()
    assert ran == "script-src-attr"

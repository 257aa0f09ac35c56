"""Tables that a reader takes away in a browser hold what the files of the report hold."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest
from playwright.sync_api import Locator, Page, expect

from orchestrator.report.render import render_report
from tests.report.wide_sample import DATASETS, NETWORKS, wide_comparison

pytestmark = pytest.mark.browser

KEEP = "window.copying.copy = (text) => (window.copiedText = text)"


@pytest.fixture(scope="module")
def wide_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taken")
    return render_report(wide_comparison(folder / "pictures"), folder / "report")


def means(report: Path) -> dict[str, list[float]]:
    """Return the mean PSNR of each network on each dataset, from the scores of single pictures."""
    found = defaultdict(list)
    with report.with_name("scores.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["metric"] == "psnr":
                found[row["network"], row["dataset"]].append(float(row["score"]))
    return {name: [fmean(found[name, dataset]) for dataset in DATASETS] for name in NETWORKS}


def matrix(page: Page) -> Locator:
    """Return the first matrix with the tools of its table unfolded."""
    found = page.locator("[data-chosen-by=matrix-standard-psnr]")
    found.locator(".table-tools > summary").click()
    return found


def copied(page: Page, found: Locator, words: str) -> str:
    page.evaluate(KEEP)
    found.get_by_role("button", name=words).click()
    return str(page.evaluate("window.copiedText"))


def titles(found: Locator) -> dict[str, str]:
    rows = found.locator("tbody[data-sorted] tr")
    return {row.get_attribute("data-label") or "": row.locator("th").inner_text() for row in rows.all()}


def test_csv_holds_the_means_of_the_scores_unrounded(wide_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(wide_report)
    found = matrix(page)
    head, *rows = csv.reader(io.StringIO(copied(page, found, "Copy CSV"), newline=""))
    assert len(head) == len(rows[0])
    assert [title for title in DATASETS.values() if not any(title in cell for cell in head)] == []
    taken = {row[0]: row for row in rows}
    named = titles(found)
    for name, expected in means(wide_report).items():
        cells = [float(cell) for cell in taken[named[name]][1 : 1 + len(DATASETS)]]
        assert cells == pytest.approx(expected, abs=1e-9), name


def test_latex_holds_what_is_shown_and_marks_the_best(wide_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(wide_report)
    found = matrix(page)
    text = copied(page, found, "Copy LaTeX")
    named = titles(found)
    lines = {
        line.split(" & ")[0]: line.removesuffix(" \\\\").split(" & ") for line in text.splitlines() if " & " in line
    }
    marked = 0
    for name, expected in means(wide_report).items():
        cells = lines[named[name]][1 : 1 + len(DATASETS)]
        numbers = [cell.split("\\,")[0].removeprefix("\\textbf{").removesuffix("}") for cell in cells]
        assert [float(number) for number in numbers] == pytest.approx(expected, abs=0.0051), name
        marked += sum(cell.startswith("\\textbf{") for cell in cells)
    assert marked == found.locator("tbody[data-sorted] td.best").count() > 0
    assert text.count("{") == text.count("}")
    columns = text.split("\\begin{tabular}{")[1].split("}")[0]
    assert {len(cells) for cells in lines.values()} == {len(columns)}


def test_saved_csv_is_the_copied_one(wide_report: Path, opened: Callable[..., Page]) -> None:
    page = opened(wide_report)
    found = matrix(page)
    with page.expect_download() as download:
        found.get_by_role("button", name="Save CSV").click()
    with Path(download.value.path()).open(newline="", encoding="utf-8") as stream:
        assert stream.read() == copied(page, found, "Copy CSV")
    expect(page.locator(".copied")).to_contain_text("Saved ")

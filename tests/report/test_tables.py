"""Tables for a paper: nothing from outside becomes markup, what is missing says why, and CSV rounds nothing."""

import csv
import io
import math
import re
from dataclasses import replace

import pytest

from orchestrator.errors import SpecError
from orchestrator.report.content import ReportContent, Scores
from orchestrator.report.machine.table_text import write_table
from orchestrator.report.views.summary import summary_view
from tests.report.hostile_sample import HOSTILE
from tests.report.test_summary import LABELS, around, with_psnr

LATEX = r"""% protocol standard v1; needs \usepackage{booktabs}
\begin{tabular}{lrr}
\toprule
 & \multicolumn{2}{c}{Held-out scenes ($n = 4$)} \\
\cmidrule(lr){2-3}
Network & PSNR $\uparrow$ (dB) & SSIM $\uparrow$ \\
\midrule
Zhang 2018 & 17.67 & 0.8017 \\
ERRNet 2019 & 20.47 & 0.8683 \\
IBCLN 2020 & \textbf{22.57} & \textbf{0.9183} \\
\midrule
\emph{the unchanged picture} & 19.07 & 0.8350 \\
\emph{the transmission itself} & $\infty$ & 1.0000 \\
\bottomrule
\end{tabular}
"""

MARKDOWN = """Protocol standard v1

| Network | Held-out scenes (n = 4): PSNR ↑, dB |
| --- | ---: |
| Zhang 2018 | 17.67 |
| ERRNet 2019 | 20.47 |
| IBCLN 2020 | **22.57** |
| *the unchanged picture* | 19.07 |
| *the transmission itself* | ∞ |
"""


def by_standard(content: ReportContent) -> ReportContent:
    """Return the comparison by one protocol alone, with one network told apart from the others."""
    rankings = tuple(replace(found, best=frozenset({"ibcln2020"})) for found in content.rankings)
    return replace(content, protocols=content.protocols[:1], rankings=rankings)


def rows_of(content: ReportContent) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(write_table(content, "csv"))))


def test_latex_is_ready_for_booktabs(plausible: ReportContent) -> None:
    assert write_table(by_standard(plausible), "latex", ["psnr", "ssim"]) == LATEX


def test_markdown_is_one_table(plausible: ReportContent) -> None:
    assert write_table(by_standard(plausible), "markdown", ["psnr"]) == MARKDOWN


def test_csv_holds_every_mean_unrounded(plausible: ReportContent) -> None:
    rows = {(row["network"], row["metric"]): row for row in rows_of(by_standard(plausible))}
    assert len(rows) == 5 * 3
    found = next(result.scores for result in plausible.results if result.label == "errnet2019" and result.scores)[
        "standard"
    ]
    assert isinstance(found, Scores)
    expected = math.fsum(float(item.values["ssim"]) for item in found.items) / 4  # type: ignore[arg-type]
    assert float(rows["errnet2019", "ssim"]["mean"]) == expected
    assert (rows["truth", "psnr"]["mean"], rows["truth", "psnr"]["infinite"]) == ("inf", "4")
    assert (rows["truth", "psnr"]["control"], rows["errnet2019", "psnr"]["pictures"]) == ("yes", "4")


def test_every_protocol_is_a_table_of_its_own_and_a_faulty_one_says_so(plausible: ReportContent) -> None:
    text = write_table(plausible, "markdown")
    assert [line for line in text.splitlines() if line.startswith("Protocol")] == [
        "Protocol standard v1",
        "Protocol errnet2019 v1",
        "Protocol course2024 v1, faulty",
    ]
    rows = rows_of(plausible)
    assert {(row["protocol"], row["version"], bool(row["fault"])) for row in rows} == {
        ("standard", "1", False),
        ("errnet2019", "1", False),
        ("course2024", "1", True),
    }


def test_networks_that_cannot_be_told_apart_are_not_printed_in_bold(plausible: ReportContent) -> None:
    assert "**" not in write_table(plausible, "markdown")


def test_what_is_missing_says_why_and_is_not_ranked(hostile_content: ReportContent) -> None:
    hostile_content = replace(hostile_content, protocols=hostile_content.protocols[:1])
    text = write_table(hostile_content, "latex")
    assert "not measured\\textsuperscript{a}" in text
    assert "\\textsuperscript{c}\\,not measured on 1 picture" in text
    assert "\\textbf" not in text
    missing = [row for row in rows_of(hostile_content) if row["network"] == "ibcln2020"]
    assert {(row["mean"], row["missing"], row["not_measured"]) for row in missing} == {("", "2", HOSTILE)}


def test_hostile_names_stay_text(hostile_content: ReportContent) -> None:
    hostile_content = replace(hostile_content, protocols=hostile_content.protocols[:1])
    markdown = write_table(hostile_content, "markdown")
    assert not re.search(r"(?<!\\)<(?!/?sup>)", markdown)
    assert len({line.count(" | ") for line in markdown.splitlines() if line.startswith("| ")}) == 1
    latex = write_table(replace(hostile_content, name="x"), "latex")
    body = latex.replace("\\&", "").replace("\\{", "").replace("\\}", "")
    assert "<" not in body
    assert body.count("{") == body.count("}")
    for text in (markdown, latex):
        assert "\u202e" not in text


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_spreadsheets_take_names_for_text(plausible: ReportContent, start: str) -> None:
    name = f"{start}1+1"
    datasets = (replace(plausible.datasets[0], name=name), plausible.datasets[1])
    results = tuple(replace(result, dataset=name) for result in plausible.results if result.dataset == "skimage-test")
    content = replace(plausible, datasets=datasets, test=(name,), results=results)
    assert {row["dataset"] for row in rows_of(content)} == {f"'{name}"}


def test_unknown_metric_is_named_with_those_there_are(plausible: ReportContent) -> None:
    with pytest.raises(SpecError, match="no metric 'pnsr'; it has: psnr, ssim, lpips"):
        write_table(plausible, "csv", ["pnsr"])


def test_intervals_are_those_of_the_report(plausible: ReportContent) -> None:
    steps = [0.1237 * (7 * n % 10) for n in range(10)]
    content = with_psnr(plausible, {name: around(20.0 + n, steps) for n, name in enumerate(LABELS)})
    cells = [row.cells[0].interval for row in summary_view(content).tables[0].rows]
    assert all(cells)
    printed = write_table(content, "markdown", ["psnr"])
    for cell in cells:
        assert "\\[{}, {}\\]".format(*cell.split(" to ")) in printed

"""The summary's table as text for a paper: Markdown, LaTeX with booktabs, or CSV; text from outside is escaped."""

from collections.abc import Callable, Sequence
from typing import Literal

from orchestrator.errors import SpecError
from orchestrator.report.content import ReportContent
from orchestrator.report.latex import latex_text
from orchestrator.report.lookup import with_distinct_titles
from orchestrator.report.numbers import MetricFormat
from orchestrator.report.views.aggregate import evaluations, metrics_of
from orchestrator.report.views.tables import Cell, Column, Row, ScoreTable, csv_table, score_tables
from orchestrator.report.visible import visible

TableFormat = Literal["markdown", "latex", "csv"]
"""What a table can be written as."""


def write_table(content: ReportContent, form: TableFormat, metrics: Sequence[str] = ()) -> str:
    """Return the scores as text.

    Args:
        metrics: Those to show, all where none is named.

    Raises:
        SpecError: For a metric that was not measured.
    """
    content = with_distinct_titles(content)
    known = tuple(
        dict.fromkeys(name for evaluation in evaluations(content) for name in metrics_of(content, evaluation))
    )
    for name in metrics:
        if name not in known:
            raise SpecError(
                f"the run {content.name!r} has no metric {name!r}; it has: {', '.join(known) or 'none'}",
                hint="name one of these with --metric",
            )
    if form == "csv":
        return csv_table(content, metrics)
    write = {"markdown": _markdown, "latex": _latex}[form]
    return "\n".join(write(table) for table in score_tables(content, metrics))


def _markdown(table: ScoreTable) -> str:
    heads = ["Network", *(_heading(table, column, _markdown_text) for column in table.columns)]
    lines = [heads, ["---", *("---:" for _ in table.columns)]]
    for row in table.rows:
        title = _markdown_text(row.title)
        lines.append([f"*{title}*" if row.control else title, *(_markdown_cell(cell) for cell in row.cells)])
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "".join(f"\n{letter}: {_markdown_text(note)}  " for letter, note in table.notes.items())
    return f"Protocol {_markdown_text(table.protocol)}\n\n{text}\n" + (f"{notes}\n" if notes else "")


def _heading(table: ScoreTable, column: Column, escaped: Callable[[str], str]) -> str:
    unit = f", {column.metric.unit}" if column.metric.unit else ""
    metric = f"{column.metric.title} {column.metric.arrow}{unit}"
    return escaped(f"{column.dataset} (n = {table.pictures[column.dataset]}): {metric}")


def _markdown_cell(cell: Cell) -> str:
    text = _markdown_text(cell.text)
    shown = f"**{text}**" if cell.best else text
    interval = f" {_markdown_text(cell.interval)}" if cell.interval else ""
    return shown + interval + (f"<sup>{cell.note}</sup>" if cell.note else "")


_MARKDOWN = str.maketrans({**{mark: f"\\{mark}" for mark in "\\`*_{}[]<>#|~"}, "&": "&amp;", "\n": " ", "\r": " "})


def _markdown_text(text: str) -> str:
    return visible(text.translate(_MARKDOWN))


def _latex(table: ScoreTable) -> str:
    """Return a table for the packages booktabs and, for other scripts than Latin, fontspec."""
    groups: dict[str, int] = {}
    for column in table.columns:
        groups[column.dataset] = groups.get(column.dataset, 0) + 1
    spans, rules, first = [], [], 2
    for dataset, width in groups.items():
        spans.append(f"\\multicolumn{{{width}}}{{c}}{{{latex_text(dataset)} ($n = {table.pictures[dataset]}$)}}")
        rules.append(f"\\cmidrule(lr){{{first}-{first + width - 1}}}")
        first += width
    heads = [_latex_metric(column.metric) for column in table.columns]
    networks = [row for row in table.rows if not row.control]
    controls = [row for row in table.rows if row.control]
    lines = [
        f"% protocol {_latex_comment(table.protocol)}; needs \\usepackage{{booktabs}}",
        f"\\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        "\\toprule",
        f" & {' & '.join(spans)} \\\\",
        " ".join(rules),
        f"Network & {' & '.join(heads)} \\\\",
        "\\midrule",
        *(_latex_row(row) for row in networks),
        *(["\\midrule"] if networks and controls else []),
        *(_latex_row(row) for row in controls),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    notes = [f"\\par\\footnotesize\\textsuperscript{{{a}}}\\,{latex_text(text)}" for a, text in table.notes.items()]
    return "\n".join([*lines, *notes]) + "\n"


def _latex_metric(metric: MetricFormat) -> str:
    arrow = "$\\uparrow$" if metric.better == "higher" else "$\\downarrow$"
    unit = f" ({latex_text(metric.unit)})" if metric.unit else ""
    return f"{latex_text(metric.title)} {arrow}{unit}"


def _latex_row(row: Row) -> str:
    title = latex_text(row.title)
    cells = [_latex_cell(cell) for cell in row.cells]
    name = f"\\emph{{{title}}}" if row.control else title
    return f"{name} & {' & '.join(cells)} \\\\"


def _latex_cell(cell: Cell) -> str:
    text = latex_text(cell.text)
    shown = f"\\textbf{{{text}}}" if cell.best else text
    interval = f" {{\\footnotesize {latex_text(cell.interval)}}}" if cell.interval else ""
    return shown + interval + (f"\\textsuperscript{{{cell.note}}}" if cell.note else "")


def _latex_comment(text: str) -> str:
    return visible(" ".join(text.split()))

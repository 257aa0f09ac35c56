"""The scores of single pictures as files: one CSV file of all, and the Parquet files of the evaluations."""

import csv
import math
import shutil
from collections.abc import Iterator
from pathlib import Path

from orchestrator.report.address import SCORES, score_table
from orchestrator.report.content import NotMeasured, ReportContent, Scores
from orchestrator.report.lookup import entrants, scores, tested

COLUMNS = (
    "dataset",
    "network",
    "seed",
    "control",
    "protocol",
    "version",
    "fault",
    "picture",
    "file",
    "metric",
    "score",
    "not_measured",
)
"""Columns of ``scores.csv``: one row for every picture and metric; an empty score says why in the last column.

`picture` is the id, by which files of the run are called; `file` is what the user's own file is called."""


def write_score_files(content: ReportContent, folder: Path) -> None:
    """Write ``scores.csv``, and copy the Parquet files beside it; nothing where no dataset has truth."""
    if not any(dataset.role == "pairs" for dataset in tested(content)):
        return
    with (folder / SCORES).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_rows(content))
    for label, dataset, protocol, found in _evaluations(content):
        if found.table is not None:
            target = folder / score_table(label, dataset, protocol)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(found.table, target)


def _rows(content: ReportContent) -> Iterator[tuple[object, ...]]:
    seeds = {model.label: model.seed for model in content.models}
    files = {(one.name, item.id): item.origin for one in content.datasets for item in one.items}
    faults = {protocol.name: protocol.fault for protocol in content.protocols}
    for label, dataset, protocol, found in _evaluations(content):
        fault = next((fault for name, fault in faults.items() if name == protocol), "")
        head = (_plain(dataset), _plain(label), seeds.get(label, ""), "" if label in seeds else label)
        for item in found.items:
            for metric, value in item.values.items():
                number, why = ("", value.why) if isinstance(value, NotMeasured) else (_number(value), "")
                picture = (_plain(item.id), _plain(files.get((dataset, item.id), "")))
                yield (*head, protocol, found.version, fault, *picture, metric, number, _plain(why))


def _evaluations(content: ReportContent) -> Iterator[tuple[str, str, str, Scores]]:
    for dataset in tested(content):
        for protocol in content.protocols if dataset.role == "pairs" else ():
            for entrant in entrants(content):
                found = scores(content, entrant.label, dataset.name, protocol.name)
                if isinstance(found, Scores):
                    yield entrant.label, dataset.name, protocol.name, found


def _number(value: float) -> str:
    return "inf" if math.isinf(value) else repr(value)


def _plain(text: str) -> str:
    """Return text that a spreadsheet takes for text: one that begins like a formula gets an apostrophe before it."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text

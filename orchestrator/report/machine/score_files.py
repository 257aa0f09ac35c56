"""The scores of single pictures as files: one CSV file of all, and the Parquet files of the evaluations."""

import csv
import math
import shutil
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from orchestrator.report.address import SCORES, score_table
from orchestrator.report.content import NotMeasured, ReportContent, Scores
from orchestrator.report.lookup import entrants, scores, tested


@dataclass(frozen=True)
class ScoreRow:
    """One score of one picture.

    Attributes:
        seed: None for controls.
        control: Its name, empty where it is none.
        version: Of the protocol.
        fault: Of the protocol.
        picture: The id, by which files of the run are called.
        file: What the user's own file is called.
        score: None where it was not measured.
        not_measured: Why, empty where it was.
    """

    dataset: str
    network: str
    seed: int | None
    control: str
    protocol: str
    version: int
    fault: str
    picture: str
    file: str
    metric: str
    score: float | None
    not_measured: str


COLUMNS = tuple(column.name for column in fields(ScoreRow))
"""Columns of ``scores.csv``: one row for every picture and metric; an empty score says why in the last column."""


def write_score_files(content: ReportContent, folder: Path) -> None:
    """Write ``scores.csv``, and copy the Parquet files beside it; nothing where no dataset has truth."""
    if not any(dataset.role == "pairs" for dataset in tested(content)):
        return
    with (folder / SCORES).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_written(value) for value in astuple(row)] for row in score_rows(content))
    for label, dataset, protocol, found in _evaluations(content):
        if found.table is not None:
            target = folder / score_table(label, dataset, protocol)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(found.table, target)


def score_rows(content: ReportContent) -> Iterator[ScoreRow]:
    """Yield every score of every picture, by dataset, protocol and entrant, controls last."""
    seeds = {model.label: model.seed for model in content.models}
    files = {(one.name, item.id): item.origin for one in content.datasets for item in one.items}
    faults: dict[str, str] = {protocol.name: protocol.fault for protocol in content.protocols}
    for label, dataset, protocol, found in _evaluations(content):
        control = "" if label in seeds else label
        for item in found.items:
            for metric, value in item.values.items():
                number, why = (None, value.why) if isinstance(value, NotMeasured) else (value, "")
                yield ScoreRow(
                    dataset=dataset,
                    network=label,
                    seed=seeds.get(label),
                    control=control,
                    protocol=protocol,
                    version=found.version,
                    fault=faults.get(protocol, ""),
                    picture=item.id,
                    file=files.get((dataset, item.id), ""),
                    metric=metric,
                    score=number,
                    not_measured=why,
                )


def _evaluations(content: ReportContent) -> Iterator[tuple[str, str, str, Scores]]:
    for dataset in tested(content):
        for protocol in content.protocols if dataset.role == "pairs" else ():
            for entrant in entrants(content):
                found = scores(content, entrant.label, dataset.name, protocol.name)
                if isinstance(found, Scores):
                    yield entrant.label, dataset.name, protocol.name, found


def _written(value: str | float | None) -> object:
    if isinstance(value, str):
        return _plain(value)
    return ("inf" if math.isinf(value) else repr(value)) if isinstance(value, float) else value


def _plain(text: str) -> str:
    """Return text that a spreadsheet takes for text: one that begins like a formula gets an apostrophe before it."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text

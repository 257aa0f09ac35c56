"""The files of an evaluation: ``scores.json`` for the report, ``scores.csv`` and ``scores.parquet`` for people."""

import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from stagekit import write_atomically
from stagekit.results.scores import NotMeasured, Score, ScoresFile

COLUMNS = ("dataset", "model", "protocol", "version", "fault", "picture", "metric", "score", "not_measured")
"""Columns of the tables: one row for every picture and metric; the score is empty where it was not measured."""


def write_scores(folder: Path, scores: ScoresFile, *, parquet: bool = True) -> None:
    """Write the files of an evaluation, each whole or not at all; ``scores.json`` last.

    Args:
        parquet: Needs pyarrow.
    """
    rows = list(score_rows(scores))
    with write_atomically(os.fspath(folder / "scores.csv"), "w") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([repr(value) if isinstance(value, float) else value for value in row] for row in rows)
    if parquet:
        _write_parquet(folder / "scores.parquet", rows)
    scores.save(folder)


def score_rows(scores: ScoresFile) -> Iterator[tuple[str | int | float | None, ...]]:
    """Yield one row for every picture and metric, in the order of the pictures; see `COLUMNS`."""
    head = (scores.dataset, scores.model, scores.protocol, scores.version, scores.fault)
    for item in scores.items:
        for metric in scores.metrics:
            score = item.values[metric]
            if isinstance(score, NotMeasured):
                yield (*head, item.id, metric, None, score.not_measured)
            else:
                yield (*head, item.id, metric, score, "")


def incomplete_notes(scores: Mapping[str, Mapping[str, Score]]) -> Iterator[str]:
    """Yield, for every reason, which pictures no metric measured: their means are incomplete."""
    reasons: dict[str, list[str]] = {}
    for identifier, of_picture in scores.items():
        why = {score.not_measured for score in of_picture.values() if isinstance(score, NotMeasured)}
        if len(why) == 1 and all(isinstance(score, NotMeasured) for score in of_picture.values()):
            reasons.setdefault(why.pop(), []).append(identifier)
    for reason, pictures in reasons.items():
        yield f"{len(pictures)} of {len(scores)} pictures were not scored ({reason}): {', '.join(pictures)}"


def _write_parquet(path: Path, rows: list[tuple[str | int | float | None, ...]]) -> None:
    import pyarrow  # noqa: PLC0415 - only the image `metrics` has it
    import pyarrow.parquet  # noqa: PLC0415 - as above

    kinds = {"version": pyarrow.int32(), "score": pyarrow.float64()}
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in COLUMNS])
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in COLUMNS]
    table = pyarrow.table(dict(zip(COLUMNS, columns, strict=True)), schema=schema)
    with write_atomically(os.fspath(path)) as stream:
        pyarrow.parquet.write_table(table, stream)

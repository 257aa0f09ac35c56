"""From comparisons to the scores of every picture, and to ``scores.json``."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stagekit import write_atomically

from orchestrator.metrics.pictures import Comparisons, read_comparison
from orchestrator.metrics.score import Metric, Score, plain_score

Step = Callable[[int, int], None]
"""Called after every picture with how many are done, and of how many; it may raise to stop the work."""


@dataclass(frozen=True)
class Scores:
    """The scores of a model on a dataset: by picture, then by metric. notes: what a reader must know about them."""

    model: str
    dataset: str
    protocol: str
    metrics: tuple[str, ...]
    pictures: Mapping[str, Mapping[str, Score]]
    notes: tuple[str, ...] = ()


def picture_scores(comparisons: Comparisons, metrics: Mapping[str, Metric], step: Step) -> dict[str, dict[str, Score]]:
    """Return the scores of every picture, by its id and the metric's name.

    Raises: BadInput where pictures cannot be read, or sizes differ.
    """
    scores: dict[str, dict[str, Score]] = {}
    for comparison in comparisons.items:
        prediction, truth = read_comparison(comparison)
        scores[comparison.id] = {name: metric(prediction, truth) for name, metric in metrics.items()}
        step(len(scores), len(comparisons.items))
    return scores


def write_scores(path: Path, scores: Scores) -> None:
    """Write ``scores.json``, whole or not at all."""
    with write_atomically(os.fspath(path), "w") as stream:
        json.dump(_plain(scores), stream, indent=1, allow_nan=False)


def _plain(scores: Scores) -> dict[str, Any]:
    return {
        "model": scores.model,
        "dataset": scores.dataset,
        "protocol": scores.protocol,
        "metrics": list(scores.metrics),
        "items": [
            {"id": identifier, **{name: plain_score(score) for name, score in of_picture.items()}}
            for identifier, of_picture in scores.pictures.items()
        ],
        "notes": list(scores.notes),
    }

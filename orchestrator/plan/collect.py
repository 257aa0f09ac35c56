"""The stages that take over what another program has written, as an entrant's answers."""

from collections.abc import Iterator
from typing import Any

from orchestrator.plan.stage import Digest, Source, Stage
from orchestrator.spec.predictions import PredictionsPlace, ResolvedPredictions
from orchestrator.spec.stage_names import stage_name

_PICTURES = {"kind": "photos", "pictures": "**/*"}
"""A folder of predictions as a dataset is described: its pictures count, whatever else lies there does not."""


def collect_stages(given: ResolvedPredictions, digest: Digest, **limits: Any) -> Iterator[Stage]:
    """Yield one stage for each test dataset of which there are predictions.

    Args:
        limits: Memory, time and threads of every stage.
    """
    for dataset, place in given.places.items():
        yield Stage(
            name=stage_name("collect", given.label, dataset),
            kind="collect",
            image="metrics",
            settings={
                "model": given.label,
                "naming": {"pictures": given.choice.pictures, "layer": given.choice.layer},
                "folder": place.folder,
            },
            inputs={"dataset": stage_name("prepare", dataset)},
            sources={"pictures": _source(place, digest)},
            **limits,
        )


def _source(place: PredictionsPlace, digest: Digest) -> Source:
    described = _PICTURES if place.path.is_dir() else None
    return Source(place.path, digest(place.path, described), described)

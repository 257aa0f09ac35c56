"""Scoring predictions: the stage's settings and folders go to orchestrator.metrics."""

import os
from pathlib import Path
from typing import Any, Dict, Tuple

from orchestrator.metrics.evaluate import perceptual_scores, picture_scores
from orchestrator.metrics.pictures import ScoredPictures, control_pictures, network_pictures
from orchestrator.metrics.protocol import FAULTS, FLOATS, PERCEPTUAL, checked_metrics
from orchestrator.metrics.scores import incomplete_notes, write_scores
from stagekit import BadInput, StageContext
from stagekit.results.scores import NotMeasured, PictureScores, Score, ScoresFile

FILE = "alexnet-owt-7be5be79.pth"
"""The published file of AlexNet's weights."""

MISSING = "AlexNet weights missing, put %s into the folder that SIRR_FEATURES names" % FILE

RANDOM_NOTE = (
    "LPIPS was computed with random AlexNet features: it is not the published LPIPS, "
    "and its values are comparable only among themselves"
)


def evaluate(context: StageContext) -> None:
    """Write the scores of a network's predictions, or of a control, on a dataset of pairs."""
    names: Tuple[str, ...] = tuple(context.setting("metrics"))
    protocol, version = context.setting("protocol"), context.setting("version")
    plain = checked_metrics(protocol, version, names)
    comparisons = _comparisons(context, floats=protocol in FLOATS)
    step = _Steps(context, len(comparisons.items) * (1 + (PERCEPTUAL in names)))
    workers = context.request.threads or len(os.sched_getaffinity(0))
    scores = picture_scores(comparisons.items, protocol, plain, step, workers)
    notes: Tuple[str, ...] = ()
    if PERCEPTUAL in names:
        distances, notes = _distances(context, comparisons, step, swapped=protocol == "course2024")
        scores = {name: {**of_picture, PERCEPTUAL: distances[name]} for name, of_picture in scores.items()}
    incomplete = tuple(incomplete_notes(scores))
    for note in incomplete:
        context.warn(note)
    write_scores(
        Path(context.output()),
        ScoresFile(
            model=context.setting("model"),
            dataset=comparisons.dataset,
            protocol=protocol,
            version=version,
            metrics=names,
            items=tuple(PictureScores(identifier, values) for identifier, values in scores.items()),
            notes=(*notes, *incomplete),
            fault=FAULTS.get(protocol, ""),
        ),
    )


class _Steps:
    """Counts pictures, and stops the work on request."""

    def __init__(self, context: StageContext, total: int) -> None:
        self._context, self._total, self._done = context, total, 0

    def __call__(self) -> None:
        self._done += 1
        self._context.progress(self._done, self._total, "pictures")
        if self._context.stop_requested:
            self._context.interrupt()


def _comparisons(context: StageContext, *, floats: bool) -> ScoredPictures:
    dataset = Path(context.input("dataset"))
    if context.setting("control"):
        return control_pictures(dataset, context.setting("model"))
    return network_pictures(dataset, Path(context.input("predictions")), floats=floats)


def _distances(
    context: StageContext, comparisons: ScoredPictures, step: _Steps, *, swapped: bool
) -> Tuple[Dict[str, Score], Tuple[str, ...]]:
    """Return LPIPS with the features that the settings ask for, and what is to be said about it."""
    kind = context.setting("features")
    if kind not in ("pretrained", "random"):
        raise BadInput("there are no features %r; there are random and pretrained" % kind)
    if kind == "pretrained" and "features" not in context.request.inputs:
        absent: Dict[str, Score] = {item.id: NotMeasured(MISSING) for item in comparisons.items}
        return absent, ()
    distance = _perceptual(context, kind)
    scores = perceptual_scores(comparisons.items, distance, step, swapped=swapped)
    return scores, (RANDOM_NOTE,) if kind == "random" else ()


def _perceptual(context: StageContext, kind: str) -> Any:
    import torch  # noqa: PLC0415 - slow to import, and needed by LPIPS only

    from metrics_program.features import published_features, random_features  # noqa: PLC0415 - imports PyTorch
    from orchestrator.metrics.perceptual import PerceptualDistance  # noqa: PLC0415 - imports PyTorch

    if context.request.threads is not None:
        torch.set_num_threads(context.request.threads)
    features = random_features() if kind == "random" else published_features(context.input("features"))
    return PerceptualDistance(features, context.request.device)
